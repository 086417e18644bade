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
	if _, err := session.Licences(t.Context()); !errors.Is(err, errNoItems) {
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
	got, err := session.Licences(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Licence{{"I3_A", 42, 50}, {"I3_B", 0, 7}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all := s.seen()
	if last := all[len(all)-1]; last.query != "select=concurrentInUseCount,concurrentAllowedCount&rightsFilter=view" {
		t.Errorf("asked with %q", last.query)
	}
}

// pages serves n licences as a server does that knows ranges, or one that does not.
func pages(n int, knowsRanges, saysTotal bool, asked *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wanted := r.Header.Get("Range")
		*asked = append(*asked, wanted)
		first, last := 0, licencePage-1
		if wanted != "" && knowsRanges {
			_, _ = fmt.Sscanf(wanted, "items=%d-%d", &first, &last)
		}
		var items []string
		for i := first; i <= last && i < n; i++ {
			items = append(items, licence(fmt.Sprint("I3_", i), i, n))
		}
		if saysTotal {
			w.Header().Set("Content-Range", fmt.Sprintf("items %d-%d/%d", first, last, n))
		}
		answering(200, `{"items":[`+strings.Join(items, ",")+`]}`)(w, r)
	}
}

func TestLicencesAreReadPageByPage(t *testing.T) {
	for _, test := range []struct {
		name                   string
		n                      int
		knowsRanges, saysTotal bool
		want, requests         int
	}{
		{"one page", 199, true, false, 199, 1},
		{"a full page that says that it is all", 200, true, true, 200, 1},
		{"three pages", 450, true, true, 450, 3},
		{"three pages without a total", 450, true, false, 450, 3},
		{"a server that ignores the range", 450, false, true, 200, 2},
		{"more than anybody has", 5000, true, true, 1000, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			var asked []string
			s.session("GET configuration/license-allocations", pages(test.n, test.knowsRanges, test.saysTotal, &asked))
			session, _ := s.connected(t, Options{})
			got, err := session.Licences(t.Context())
			if err != nil || len(got) != test.want || len(asked) != test.requests {
				t.Errorf("%d licences with %q, %v; want %d with %d requests", len(got), asked, err, test.want, test.requests)
			}
		})
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
