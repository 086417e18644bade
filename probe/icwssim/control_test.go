package icwssim

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func (c *client) control(method, path, body string) result {
	c.t.Helper()
	return c.do(method, "/-/sim/"+path, body)
}

func TestControlPathActs(t *testing.T) {
	_, c := serve(t, Options{Name: "cic-a"})
	c.mustSubscribe().poll()
	act := func(path, body string) {
		t.Helper()
		if r := c.control("POST", path, body); r.code != 200 {
			t.Fatalf("%s: %+v", path, r)
		}
	}
	act("sessions/end", "")
	if m := c.poll(); len(m) != 1 || *m[0].ShouldReconnect {
		t.Errorf("end: %+v", m)
	}
	c.mustConnect()
	act("sessions/expire", "")
	if r := c.session("GET", messagesPath, ""); r.code != 401 {
		t.Errorf("expire: %+v", r)
	}
}

func TestControlPathTells(t *testing.T) {
	s, c := serve(t, Options{Name: "cic-a"})
	c.mustSubscribe()
	s.Inject(Fault{Operation: OpList, Code: 500, Skip: 9})
	var state State
	parse(t, c.control("GET", "state", "").body, &state)
	if state.Name != "cic-a" || !state.Accepting || state.Statuses != len(DefaultCatalogue()) || len(state.Sessions) != 1 ||
		state.Counts.Of(OpConnect, 201) != 1 || state.LogOns["demo"] != 1 || len(state.Faults) != 1 || state.Groups["Break"].Entries == 0 || state.Quirks.SecondStream != "replaces" {
		t.Errorf("%+v", state)
	}
	if journal := s.Journal(); len(journal) != 2 || journal[1].Operation != OpSubscribe {
		t.Errorf("%+v", journal)
	}
}

func TestManualTellsEverything(t *testing.T) {
	_, c := serve(t, Options{})
	manual := c.control("GET", "", "").body
	for field := range reflect.TypeFor[Fault]().Fields() {
		if field.Tag.Get("does") == "" {
			t.Errorf("the manual does not tell what %s does", field.Name)
		}
	}
	for _, saying := range sayings {
		if !strings.Contains(manual, string(saying)) {
			t.Errorf("the manual does not name %s", saying)
		}
	}
	if !strings.Contains(manual, "\nPOST   /-/sim/faults ") || !strings.Contains(manual, "\nserveAnyway ") || !strings.Contains(manual, "\ndelay ") ||
		!strings.Contains(manual, "\nPOST   /icws/connection ") {
		t.Errorf("%s", manual)
	}
}

func TestControlPathInjects(t *testing.T) {
	s, c := serve(t, Options{})
	r := c.control("POST", "faults", `{"operation":"version","code":500,"delay":"1ms","count":2,"cut":4,"every":"2ms"}`)
	if r.code != http.StatusOK || r.body != "{\"id\":1}\n" {
		t.Fatalf("%+v", r)
	}
	if f := s.Faults()[0].Fault; f.Delay != time.Millisecond || f.Every != 2*time.Millisecond || f.Code != 500 || f.Count != 2 || *f.Cut != 4 {
		t.Errorf("%+v", f)
	}
	if r := c.control("GET", "state", ""); !strings.Contains(r.body, `"delay":"1ms"`) || !strings.Contains(r.body, `"every":"2ms"`) {
		t.Errorf("%+v", r)
	}
	if r := c.control("DELETE", "faults/7", ""); r.code != http.StatusNotFound {
		t.Errorf("unknown fault: %+v", r)
	}
	if r := c.control("DELETE", "faults/1", ""); r.code != 200 || len(s.Faults()) != 0 {
		t.Errorf("%+v", r)
	}
	s.Inject(Fault{Code: 500})
	if r := c.control("DELETE", "faults", ""); r.code != 200 || len(s.Faults()) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestControlPathNamesTheFieldThatIsWrong(t *testing.T) {
	s, c := serve(t, Options{})
	before := s.Truth()
	for _, test := range []struct{ path, body, want string }{
		{"faults", `{"cod":500}`, "cod: unknown field"},
		{"faults", `{"code":"500"}`, "code: a JSON string cannot stand here"},
		{"faults", `{"code":5}`, "code: "},
		{"faults", `{"delay":"soon"}`, `body: "soon" is not a duration such as "15s"`},
		{"faults", `{"every":1}`, "every: a JSON number cannot stand here"},
		{"faults", `{"swallow":"x"}`, "swallow: "},
		{"faults", `[]`, "body: a JSON object is needed"},
		{"faults", ``, "body: a JSON object is needed"},
		{"faults", `{} {}`, "body: exactly one JSON value"},
		{"faults", `{`, "body: "},
	} {
		r := c.control("POST", test.path, test.body)
		var v struct{ Error string }
		parse(t, r.body, &v)
		if r.code != 400 || !strings.HasPrefix(v.Error, test.want) {
			t.Errorf("%s %s: %d %q, want %q", test.path, test.body, r.code, v.Error, test.want)
		}
	}
	if r := c.control("DELETE", "faults/x", ""); r.code != 400 {
		t.Errorf("%+v", r)
	}
	if r := c.control("GET", "nothing", ""); r.code != 404 {
		t.Errorf("%+v", r)
	}
	if len(s.Faults()) > 0 || s.Truth().Revision != before.Revision {
		t.Error("a refused request changed something")
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("POST", "/icws/connection?include=features", logOn, "icws_1000001=x", "en")
	f.Add("GET", "/icws/1000001/messaging/messages", "", "icws_1000001=", "")
	f.Add("PUT", "/icws/1000001/"+subscriptionPath, "null", "", "de")
	f.Add("POST", "/-/sim/faults", `{"code":500}`, "", "")
	f.Add("DELETE", "/icws//connection/", "{", ";;=", "")
	f.Add("DELETE", "/-/sim/faults/1", "", "", "")
	f.Fuzz(func(t *testing.T, method, path, body, cookie, language string) {
		s := New(Options{})
		defer s.Close()
		for range 2 {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://sim", strings.NewReader(body))
			if err != nil {
				return
			}
			if r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?"); !strings.HasPrefix(r.URL.Path, "/") {
				return
			}
			r.Header = http.Header{"Cookie": {cookie}, "Accept-Language": {language}, HeaderToken: {body}}
			answer := &recorded{header: http.Header{}}
			s.ServeHTTP(answer, r)
			if answer.code >= 500 {
				t.Errorf("%s %s: %d %s", method, path, answer.code, answer.body.String())
			}
		}
	})
}

// recorded is the plainest http.ResponseWriter: it cannot flush nor has it deadlines.
type recorded struct {
	header http.Header
	code   int
	body   strings.Builder
}

func (r *recorded) Header() http.Header { return r.header }

func (r *recorded) WriteHeader(code int) { r.code = code }

func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }

func ExampleServer() {
	s := New(Options{})
	defer s.Close()
	s.Apply(Remove("At Lunch"))
	_, found := s.Truth().ByID("at lunch")
	fmt.Println(found)
	// Output: false
}
