package icws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// item is an object of the configuration with a name that must not be kept.
func item(id string, more ...string) string {
	more = append([]string{fmt.Sprintf(`"configurationId":{"displayName":"Private, Name","id":%q,"uri":"/configuration/x/%s"}`, id, id)}, more...)
	return "{" + strings.Join(more, ",") + "}"
}

func TestUsersAreReadWithoutTheirNames(t *testing.T) {
	s := newServer(t)
	s.session("GET configuration/users", answering(200, `{"more":[1],"items":[`+item("a.agent")+`,null,{"skills":[]},`+item("B.Agent")+`]}`))
	session, _ := s.connected(t, Options{})
	ids, err := session.UserIDs(t.Context())
	if err != nil || !slices.Equal(ids, []string{"a.agent", "B.Agent"}) {
		t.Errorf("%q, %v", ids, err)
	}
	all := s.seen()
	if last := all[len(all)-1]; last.query != "rightsFilter=view" || last.header.Get("Range") != "" {
		t.Errorf("asked with %q %q", last.query, last.header.Get("Range"))
	}
}

func TestMembersOfAWorkgroup(t *testing.T) {
	s := newServer(t)
	var path string
	s.mux.HandleFunc("GET /icws/1000001/configuration/workgroups/{id}", func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath() + "?" + r.URL.RawQuery
		answering(200, `{"configurationId":{"id":"x"},"members":[{"id":"a.agent","displayName":"Private"},null,{"id":"b.agent"}]}`)(w, r)
	})
	session, _ := s.connected(t, Options{})
	ids, err := session.Members(t.Context(), "Sales / Öst?")
	if err != nil || !slices.Equal(ids, []string{"a.agent", "b.agent"}) {
		t.Errorf("%q, %v", ids, err)
	}
	if want := "/icws/1000001/configuration/workgroups/Sales%20%2F%20%C3%96st%3F?select=members&rightsFilter=view"; path != want {
		t.Errorf("asked %s, want %s", path, want)
	}
}

// An answer that is no list must not look like an empty one.
func TestAnAnswerWithoutItemsIsNoList(t *testing.T) {
	s := newServer(t)
	s.session("GET configuration/users", answering(200, `{}`))
	s.session("GET configuration/license-allocations", answering(200, `{"item":[]}`))
	session, _ := s.connected(t, Options{})
	_, err := session.UserIDs(t.Context())
	if !errors.Is(err, errNoItems) {
		t.Errorf("users: %v", err)
	}
	if _, _, err := session.Licences(t.Context()); !errors.Is(err, errNoItems) {
		t.Errorf("licences: %v", err)
	}
}

func licence(id string, inUse, allowed int) string {
	return item(id, fmt.Sprintf(`"concurrentInUseCount":%d`, inUse), fmt.Sprintf(`"concurrentAllowedCount":%d`, allowed))
}

func TestLicences(t *testing.T) {
	s := newServer(t)
	s.session("GET configuration/license-allocations", answering(200, `{"items":[`+strings.Join([]string{
		licence("I3_A", 42, 50), item("I3_NO_NUMBERS"), item("I3_NULL", `"concurrentInUseCount":null`, `"concurrentAllowedCount":5`),
		item("I3_NEGATIVE", `"concurrentInUseCount":-1`, `"concurrentAllowedCount":5`), licence("I3_B", 0, 7),
	}, ",")+`]}`))
	session, _ := s.connected(t, Options{})
	got, total, err := session.Licences(t.Context())
	if err != nil || total != 2 {
		t.Fatal(total, err)
	}
	if diff := cmp.Diff([]Licence{{"I3_A", 42, 50}, {"I3_B", 0, 7}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all := s.seen()
	if last := all[len(all)-1]; last.query != "select=concurrentInUseCount,concurrentAllowedCount&rightsFilter=view" {
		t.Errorf("asked with %q", last.query)
	}
}

// A server sends 200 and says of how many; a licence that it names twice is one, and one
// without numbers is none.
func TestMoreLicencesThanOneAnswerHas(t *testing.T) {
	for contentRange, want := range map[string]int{"": 2, "items 0-3/1234": 1232, "items 0-3/4": 2, "items 0-1/2": 2, "items 0-3/*": 2, "bytes": 2} {
		s := newServer(t)
		s.session("GET configuration/license-allocations", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", contentRange)
			answering(200, `{"items":[`+licence("I3_A", 1, 2)+`,`+licence("I3_B", 1, 2)+`,`+licence("I3_A", 1, 2)+`,`+item("I3_NO_NUMBERS")+`]}`)(w, r)
		})
		session, _ := s.connected(t, Options{})
		list, total, err := session.Licences(t.Context())
		if err != nil || len(list) != 2 || total != want {
			t.Errorf("%q: %d of %d, %v", contentRange, len(list), total, err)
		}
	}
}

// The time-out bounds each request, and the size of an answer is bounded too.
func TestAListIsBounded(t *testing.T) {
	s := newServer(t)
	s.session("GET configuration/users", answering(200, `{"items":[`+item(strings.Repeat("x", 100_000))+`]}`))
	session, _ := s.connected(t, Options{MaxResponseBytes: 70_000})
	if _, err := session.UserIDs(context.Background()); ReasonOf(err) != FailTooLarge {
		t.Errorf("got %v", err)
	}
}
