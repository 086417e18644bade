package probe

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/secret"
)

// usersSession logs on to a simulator on a socket.
func usersSession(t *testing.T, o icwssim.Options) (*icwssim.Server, *icws.Session) {
	t.Helper()
	sim := icwssim.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := icws.NewClient(base, server.Client().Transport, icws.Options{ApplicationName: "test"})
	session, err := client.LogOn(t.Context(), icws.Credentials{User: "demo", Password: secret.New("demo")}, t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return sim, session
}

// readAll steps until the list is whole, and says how many requests that took.
func readAll(t *testing.T, u *Users, s *icws.Session) (userList, int, error) {
	t.Helper()
	source := u.source()
	for n := 1; n < 100; n++ {
		list, done, err := source.step(t.Context(), s)
		if done || err != nil {
			return list, n, err
		}
	}
	t.Fatal("the list never ends")
	return userList{}, 0, nil
}

var someUsers = []icwssim.User{
	{ID: "Ann", Workgroups: []string{"Sales"}, Status: "Available"},
	{ID: "bo", Workgroups: []string{"Sales", "Service Desk"}, Status: "Available"},
	{ID: "cleo", Workgroups: []string{"Service Desk"}, Status: "Available"},
	{ID: "dan", Status: "Available"},
}

func TestTheSourcesOfUsers(t *testing.T) {
	_, session := usersSession(t, icwssim.Options{Users: someUsers})
	for name, test := range map[string]struct {
		users    Users
		want     []string
		members  map[string]int
		refused  []string
		requests int
	}{
		"ids":                 {users: Users{IDs: []string{"x", "y"}}, want: []string{"x", "y"}, requests: 1},
		"all":                 {users: Users{All: true}, want: []string{"Ann", "bo", "cleo", "dan"}, requests: 1},
		"workgroups":          {users: Users{Workgroups: []string{"Sales", "service desk"}}, want: []string{"Ann", "bo", "bo", "cleo"}, members: map[string]int{"Sales": 2, "service desk": 2}, requests: 2},
		"a workgroup is gone": {users: Users{Workgroups: []string{"Gone", "Sales"}}, want: []string{"Ann", "bo"}, members: map[string]int{"Sales": 2}, refused: []string{"Gone"}, requests: 2},
	} {
		t.Run(name, func(t *testing.T) {
			list, requests, err := readAll(t, &test.users, session)
			if err != nil || !slices.Equal(list.ids, test.want) || requests != test.requests || !slices.Equal(list.refused, test.refused) {
				t.Errorf("%+v after %d steps, %v", list, requests, err)
			}
			for name, n := range test.members {
				if len(list.members[name]) != n {
					t.Errorf("%s has %q", name, list.members[name])
				}
			}
		})
	}
	if source := (&Users{Workgroups: []string{"Sales", "service desk"}}).source(); source != nil {
		for range 2 { // the list begins anew once it was whole
			var list userList
			for done := false; !done; {
				var err error
				if list, done, err = source.step(t.Context(), session); err != nil {
					t.Fatal(err)
				}
			}
			if len(list.ids) != 4 {
				t.Errorf("read again, the list has %q", list.ids)
			}
		}
	}
}

func TestNoSourceOfUsersIsThere(t *testing.T) {
	_, session := usersSession(t, icwssim.Options{Users: someUsers})
	_, _, err := readAll(t, &Users{Workgroups: []string{"Gone", "Lost"}}, session)
	var response *icws.ResponseError
	if !errors.As(err, &response) || response.Code != 404 {
		t.Errorf("of two workgroups that are gone: %v", err)
	}
	_, old := usersSession(t, icwssim.Options{})
	for _, u := range []Users{{All: true}, {Workgroups: []string{"Sales"}}} {
		if _, _, err := readAll(t, &u, old); !errors.Is(err, errNoLists) {
			t.Errorf("of a server without configuration: %v", err)
		}
	}
}
