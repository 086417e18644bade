package probe

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// withGhosts counts n users, and ghosts who do not exist and are spread among them.
func withGhosts(t *testing.T, n, ghosts int) (*rig, *icwssim.Server) {
	users := icwssim.InventUsers(n, 1)
	return usersRig(t, ModeSSE, icwssim.Options{Users: users, Quirks: icwssim.Quirks{UserQuirks: icwssim.UserQuirks{UnknownUser: "404"}}}, func(c *Config) {
		for i := range ghosts {
			c.Users.IDs = append(c.Users.IDs, fmt.Sprintf("%s~%d", users[i*n/ghosts].ID, i))
		}
	})
}

// However many the server refuses, none whom it knows is left out.
func TestUsersWhoAreNotRefusedAreCounted(t *testing.T) {
	for _, tc := range []struct{ users, ghosts int }{{60, 3}, {500, 2}} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, sim := withGhosts(t, tc.users, tc.ghosts)
				r.pass(20 * time.Minute)
				r.counted(sim, UsersUnknown, nil)
				if n := r.users().Refused; n != tc.ghosts {
					t.Errorf("%d are refused, want %d", n, tc.ghosts)
				}
			})
		})
	}
}

// When many are refused, they are found in several searches, between which the others
// are counted. Whoever was not tried yet is not called refused.
func TestManyRefusedUsersAreFoundLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ghosts = 2*maxFound + 3
		r, sim := withGhosts(t, 60, ghosts)
		r.pass(45 * time.Minute)
		u := r.users()
		if u.State != UsersUnknown || u.Refused != maxFound || !u.Fresh(time.Now()) || !strings.Contains(u.Reason, "more are tried later") {
			t.Fatalf("%s: %q, fresh %t\n%s", u.State, u.Reason, u.Fresh(time.Now()), r.logs)
		}
		r.pass(4 * time.Hour)
		r.counted(sim, UsersUnknown, nil)
		if u := r.users(); u.Refused != ghosts || strings.Contains(u.Reason, "later") {
			t.Errorf("%d are refused, want %d: %q", u.Refused, ghosts, u.Reason)
		}
		if n := r.logs.count("counting users does not go"); n > 3 {
			t.Errorf("%d lines in the log\n%s", n, r.logs)
		}
	})
}
