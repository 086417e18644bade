package icwssim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type wireUser struct {
	UserID, StatusID, StatusChanged string
	LoggedIn, OnPhone               *bool
	Notes                           string
}

type wireUsers struct {
	Type    string     `json:"__type"`
	IsDelta bool       `json:"isDelta"`
	Users   []wireUser `json:"userStatusList"`
	Added   []any      `json:"added"`
	Changed []any      `json:"changed"`
	Removed []string   `json:"removed"`
}

// userPoll fetches the messages about users.
func (c *client) userPoll() []wireUsers {
	c.t.Helper()
	r := c.session("GET", messagesPath, "")
	var messages []wireUsers
	parse(c.t, r.body, &messages)
	return messages
}

// watchUsers asks for the users of these ids.
func (c *client) watchUsers(ids ...string) result {
	c.t.Helper()
	quoted := strings.ReplaceAll(fmt.Sprintf("%q", ids), `" "`, `","`)
	return c.session("PUT", "messaging/subscriptions/"+userStatuses, `{"userIds":`+quoted+`}`)
}

func threeUsers() []User {
	return []User{
		{ID: "Ann", Name: "Able, Ann", Workgroups: []string{"Sales"}, Status: "available", LoggedIn: true, Notes: "private"},
		{ID: "bo", Name: "Baker, Bo", Workgroups: []string{"Sales", "Claims"}, Status: "Gone Home"},
		{ID: "cleo", Name: "Chung, Cleo", Workgroups: []string{"Claims"}, Status: "Available", NoRight: true},
	}
}

func TestUserStatuses(t *testing.T) {
	s, c := serve(t, Options{Users: threeUsers()})
	if r := c.mustConnect().watchUsers("ANN", "bo", "cleo"); r.code != 200 || r.body != "" {
		t.Fatalf("%+v", r)
	}
	m := c.userPoll()
	if len(m) != 1 || m[0].IsDelta || len(m[0].Users) != 2 || !*m[0].Users[0].LoggedIn || *m[0].Users[1].LoggedIn ||
		m[0].Users[0].StatusID != "available" || len(m[0].Users[0].StatusChanged) != len("20210706T193229Z") {
		t.Fatalf("full: %+v", m)
	}
	ann := threeUsers()[0]
	ann.Status = "At Lunch"
	s.PutUser(ann)
	m = c.userPoll()
	if len(m) != 1 || !m[0].IsDelta || len(m[0].Users) != 1 || m[0].Users[0].StatusID != "At Lunch" || m[0].Users[0].LoggedIn != nil {
		t.Errorf("delta: %+v", m)
	}
	s.RemoveUser("bo")
	if m := c.userPoll(); len(m) != 0 {
		t.Errorf("removed: %+v", m)
	}
	for path, want := range map[string]int{"ann": 200, "cleo": 403, "nobody": 404} {
		if r := c.session("GET", "status/user-statuses/"+path, ""); r.code != want {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if r := c.session("DELETE", "messaging/subscriptions/"+userStatuses, ""); r.code != 204 {
		t.Errorf("delete: %+v", r)
	}
	s.StepShifts(20)
	if m := c.userPoll(); len(m) != 0 {
		t.Errorf("after DELETE: %+v", m)
	}
}

func TestShiftsReachWhoWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, stop := serveInBubble(t, Options{Users: InventUsers(30, 4), Shifts: Shifts{Interval: time.Second, Seed: 4}, Quirks: Quirks{SessionIdle: Period(2 * time.Hour)}})
		defer stop()
		var ids []string
		for _, u := range s.Users() {
			ids = append(ids, u.ID)
		}
		c.mustConnect().watchUsers(ids...)
		time.Sleep(time.Hour)
		seen := map[string]wireUser{}
		for _, m := range c.userPoll() {
			for _, u := range m.Users {
				before := seen[u.UserID]
				if u.LoggedIn == nil {
					u.LoggedIn = before.LoggedIn
				}
				if u.OnPhone == nil {
					u.OnPhone = before.OnPhone
				}
				seen[u.UserID] = u
			}
		}
		changed := 0
		for _, u := range s.Users() {
			got := seen[u.ID]
			if got.StatusID != u.Status || *got.LoggedIn != u.LoggedIn || *got.OnPhone != u.OnPhone {
				t.Errorf("%+v came, want %+v", got, u)
			}
			if !u.StatusChanged.Equal(s.Users()[0].StatusChanged) {
				changed++
			}
		}
		if changed < 10 {
			t.Errorf("only %d of 30 users did anything in an hour", changed)
		}
	})
}

// Each quirk of users, and what it changes.
func TestUserQuirks(t *testing.T) {
	all := []string{"Ann", "bo", "cleo"}
	for name, test := range map[string]struct {
		quirks UserQuirks
		ids    []string
		code   int
		want   string // messages of two PUTs, the second of Ann alone, and a change of bo
	}{
		"default":              {UserQuirks{}, all, 200, "full 2, full 1"},
		"list adds":            {UserQuirks{UserListPut: "add"}, all, 200, "full 2, full 2, delta 1"},
		"resend new":           {UserQuirks{UserResend: "only-new-users"}, all[1:], 200, "full 1, full 1"},
		"resend none":          {UserQuirks{UserResend: "none"}, all, 200, "full 2"},
		"unknown":              {UserQuirks{}, []string{"who"}, 404, "full 1"},
		"unknown ignored":      {UserQuirks{UnknownUser: "ignore"}, []string{"who"}, 200, "full 0, full 1"},
		"unknown 400":          {UserQuirks{UnknownUser: "400"}, []string{"who"}, 400, "full 1"},
		"unknown is empty":     {UserQuirks{UnknownUser: "empty-status"}, []string{"who"}, 200, "full 1, full 1"},
		"no right 403":         {UserQuirks{NoUserRight: "403-all"}, all, 403, "full 1"},
		"no right 404":         {UserQuirks{NoUserRight: "404-all"}, all, 404, "full 1"},
		"no right included":    {UserQuirks{NoUserRight: "include"}, all, 200, "full 3, full 1"},
		"too many":             {UserQuirks{UserMaximum: 1}, all, 400, "full 1"},
		"too many cut":         {UserQuirks{UserMaximum: 1, UserMaximumAnswer: "first"}, all, 200, "full 1, full 1"},
		"split":                {UserQuirks{UserInitial: "split"}, all, 200, "full 1, delta 1, full 1"},
		"only deltas":          {UserQuirks{UserInitial: "delta"}, all, 200, "delta 2, delta 1"},
		"empty list":           {UserQuirks{}, []string{}, 400, "full 1"},
		"empty list is nobody": {UserQuirks{EmptyUserList: "200"}, []string{}, 200, "full 0, full 1"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := serve(t, Options{Users: threeUsers(), Quirks: Quirks{UserQuirks: test.quirks}})
			if r := c.mustConnect().watchUsers(test.ids...); r.code != test.code {
				t.Errorf("%+v", r)
			}
			c.watchUsers("Ann")
			bo := threeUsers()[1]
			bo.LoggedIn = true
			s.PutUser(bo)
			var got []string
			for _, m := range c.userPoll() {
				got = append(got, fmt.Sprintf("%s %d", map[bool]string{true: "delta", false: "full"}[m.IsDelta], len(m.Users)))
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestShapesOfUserMessages(t *testing.T) {
	s, c := serve(t, Options{Users: threeUsers()})
	change := func(q UserQuirks) []wireUsers {
		t.Helper()
		s.SetQuirks(Quirks{UserQuirks: q})
		ann := threeUsers()[0]
		s.PutUser(ann)
		c.mustConnect().watchUsers("Ann")
		c.userPoll()
		ann.OnPhone = true
		s.PutUser(ann)
		return c.userPoll()
	}
	if m := change(UserQuirks{UserDelta: "whole"}); len(m) != 1 || m[0].Users[0].LoggedIn == nil {
		t.Errorf("whole: %+v", m)
	}
	if m := change(UserQuirks{UserCoalescing: "several"}); len(m) != 1 || len(m[0].Users) != 2 || m[0].Users[1].OnPhone == nil {
		t.Errorf("several: %+v", m)
	}
	if m := change(UserQuirks{LoggedInAbsent: true, UserDelta: "whole"}); m[0].Users[0].LoggedIn != nil {
		t.Errorf("old server: %+v", m)
	}
	for quirk, want := range map[string]int{"empty-status": 1, "state": 1, "silence": 0} {
		change(UserQuirks{UserDeleted: quirk})
		s.RemoveUser("Ann")
		if m := c.userPoll(); len(m) != want {
			t.Errorf("%s: %+v", quirk, m)
		}
	}
	put := func(q, properties string) result {
		s.SetQuirks(Quirks{UserQuirks: UserQuirks{UserProperties: q}})
		return c.session("PUT", "messaging/subscriptions/"+userStatuses, `{"userIds":["bo"],"userStatusProperties":`+properties+`}`)
	}
	if r := put("400", `["x"]`); r.code != 400 {
		t.Errorf("%+v", r)
	}
	put("entries", `["onPhone"]`)
	if m := c.userPoll(); m[0].Users[0].LoggedIn != nil || m[0].Users[0].OnPhone == nil {
		t.Errorf("filtered: %+v", m)
	}
	put("updates", `["onPhone"]`)
	c.userPoll()
	bo := threeUsers()[1]
	bo.Status = "At Lunch"
	s.PutUser(bo)
	if m := c.userPoll(); len(m) != 0 {
		t.Errorf("an update that was not asked for: %+v", m)
	}
}

func TestUserLists(t *testing.T) {
	s, c := serve(t, Options{Users: append(threeUsers(), InventUsers(300, 1)...), Licences: []Licence{{"I3_ACCESS_CLIENT", 100, 42}}})
	c.mustConnect()
	items := func(path string, code int) int {
		t.Helper()
		r := c.session("GET", path, "")
		if r.code != code {
			t.Errorf("%s: %d %.200s", path, r.code, r.body)
		}
		return strings.Count(r.body, `"configurationId"`)
	}
	for path, want := range map[string]int{
		"configuration/users": 0, "configuration/users?rightsFilter=view": 302, "configuration/users?rightsFilter=view&select=x": 200,
	} {
		if got := items(path, 200); got != want {
			t.Errorf("%s: %d users, want %d", path, got, want)
		}
	}
	s.SetQuirks(Quirks{UserQuirks: UserQuirks{ListWithoutRight: "403", ListLimit: "206"}})
	items("configuration/users", http.StatusForbidden)
	items("configuration/users?rightsFilter=view&select=x", http.StatusPartialContent)
	s.SetQuirks(Quirks{UserQuirks: UserQuirks{ListWithoutRight: "own", ListLimit: "off"}})
	if n := items("configuration/users", 200) + items("configuration/users?rightsFilter=view&select=x", 200); n != 303 {
		t.Errorf("%d items", n)
	}
	r := c.session("GET", "configuration/workgroups/sales?select=members&rightsFilter=view", "")
	if !strings.Contains(r.body, `"id":"Ann"`) || strings.Contains(r.body, `"id":"cleo"`) {
		t.Errorf("%+v", r)
	}
	for path, code := range map[string]int{
		"configuration/workgroups/sales": 403, "configuration/workgroups/no": 404, "configuration/workgroups?rightsFilter=view": 200,
		"activations/workgroups": 400, "activations/workgroups?select=sales,no": 200, "activations/workgroups/no": 404,
	} {
		if r := c.session("GET", path, ""); r.code != code {
			t.Errorf("%s: %d %.200s", path, r.code, r.body)
		}
	}
	if r := c.session("GET", "configuration/license-allocations?select=concurrentInUseCount&rightsFilter=view", ""); !strings.Contains(r.body, `"concurrentInUseCount":42`) {
		t.Errorf("%+v", r)
	}
	if r := c.session("PUT", "messaging/subscriptions/directories", "{}"); r.code != 405 {
		t.Errorf("%+v", r)
	}
}

func TestLiveListOfUsers(t *testing.T) {
	s, c := serve(t, Options{Users: threeUsers()})
	c.mustConnect()
	if r := c.session("PUT", "messaging/subscriptions/configuration/users/7", `{"configurationIds":["*"],"properties":[],"rightsFilter":"view"}`); r.code != 200 {
		t.Fatalf("%+v", r)
	}
	s.PutUser(User{ID: "dan"})
	s.SetQuirks(Quirks{UserQuirks: UserQuirks{UsersMessageLists: "absent"}})
	s.RemoveUser("dan")
	m := c.userPoll()
	if len(m) != 3 || m[0].IsDelta || len(m[0].Added) != 2 || m[0].Removed == nil || len(m[1].Added) != 1 || m[1].Changed == nil ||
		len(m[2].Removed) != 1 || m[2].Changed != nil {
		t.Errorf("%+v", m)
	}
}

func TestPutOfUsersTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, stop := serveInBubble(t, Options{Users: threeUsers(), Quirks: Quirks{UserQuirks: UserQuirks{UserPutTime: Period(time.Second)}}})
		defer stop()
		c.mustConnect()
		began := time.Now()
		if r := c.watchUsers("Ann", "bo"); r.code != 200 || time.Since(began) != 2*time.Second {
			t.Errorf("%+v after %s", r, time.Since(began))
		}
	})
}
