package probe

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"icws_exporter/probe/icwssim"
)

// testLimit is the response limit of these tests.
const testLimit = 32 << 10

// hostile answers one operation itself, for as long as it is told to, and leaves
// the others to the simulator.
type hostile struct {
	sim     *icwssim.Server
	answers atomic.Pointer[hostileAnswer]
}

type hostileAnswer struct {
	operation string
	serve     http.HandlerFunc
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a := h.answers.Load(); a != nil && a.operation == operationOf(r) {
		a.serve(w, r)
		return
	}
	h.sim.ServeHTTP(w, r)
}

func (h *hostile) answer(operation string, serve http.HandlerFunc) {
	h.answers.Store(&hostileAnswer{operation, serve})
}

func (h *hostile) behave() { h.answers.Store(nil) }

func operationOf(r *http.Request) string {
	switch {
	case r.Header.Get("Accept") == "text/event-stream":
		return "stream"
	case strings.HasSuffix(r.URL.Path, "/messaging/messages"):
		return "poll"
	case strings.HasSuffix(r.URL.Path, "/status/status-messages") && r.Method == http.MethodGet:
		return "list"
	case strings.HasSuffix(r.URL.Path, "/icws/connection"):
		return "connect"
	default:
		return "other"
	}
}

// serveHostile starts a simulator that can be told to misbehave.
func (r *rig) serveHostile(host string, o icwssim.Options) (*icwssim.Server, *hostile) {
	sim := r.serve(host, o)
	h := &hostile{sim: sim}
	r.servers[host].Handler = h
	return sim, h
}

// endless begins with a text and goes on for 64 MB: a client without a limit
// fails the test then, instead of hanging in it.
func endless(begin, more string) http.HandlerFunc {
	more = strings.Repeat(more, 4<<10/len(more))
	return func(w http.ResponseWriter, r *http.Request) {
		if operationOf(r) == "stream" {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		_, err := io.WriteString(w, begin)
		for range 64 << 20 / len(more) {
			if err != nil {
				return
			}
			_, err = io.WriteString(w, more)
		}
	}
}

func TestAnswerWithoutEndIsCutAtTheLimit(t *testing.T) {
	for name, hostile := range map[string]struct {
		mode            TransportMode
		operation       string
		begin, more     string
		doesNotResendIt bool // so that the list is read
	}{
		"connect":           {ModeSSE, "connect", `{"sessionId":"`, "7", false},
		"poll":              {ModePoll, "poll", `[{"__type":"`, "x", false},
		"poll of messages":  {ModePoll, "poll", `[{}`, ",{}", false},
		"list":              {ModePoll, "list", `{"statusMessageList":[{"statusId":"`, "x", true},
		"list of statuses":  {ModeSSE, "list", `{"statusMessageList":[{"statusId":"a"}`, `,{"statusId":"a"}`, true},
		"line of data":      {ModeSSE, "stream", `data: {"__type":"`, "x", false},
		"event of lines":    {ModeSSE, "stream", `data: {"isDelta":true`, "\ndata: ", false},
		"line of no data":   {ModeSSE, "stream", "id: ", "x", false},
		"heartbeat comment": {ModeSSE, "stream", ":", "x", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig(hostile.mode, "a")
				cfg.MaxResponseBytes = testLimit
				r := newRig(t, cfg)
				sim, h := r.serveHostile("a", icwssim.Options{Quirks: icwssim.Quirks{NoResend: hostile.doesNotResendIt}})
				h.answer(hostile.operation, endless(hostile.begin, hostile.more))
				r.start()
				r.pass(10 * time.Minute)
				if r.logs.count("too_large") == 0 {
					t.Errorf("the log does not say what is wrong:\n%s", r.logs)
				}
				if hostile.operation == "stream" && r.seen.get("stream broke too_large") == 0 {
					t.Error("no failed request is counted")
				}
				// A line of one byte costs "data: " besides, and the rest is other answers.
				asked := r.seen.get("request " + hostile.operation)
				if n := r.seen.get("bytes"); n > asked*8*testLimit {
					t.Errorf("%d bytes read in %d answers without end", n, asked)
				}
				if n := r.requests(); n > 10*20 {
					t.Errorf("%d requests in ten minutes", n)
				}
				h.behave()
				r.pass(3 * time.Minute)
				r.state(StateLive)
				r.equalsTruth(sim)
			})
		})
	}
}

// A catalogue that outgrows the limit is withheld, not shown in part.
func TestCatalogueAboveTheLimitIsWithheld(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		cfg := testConfig(mode, "a")
		cfg.MaxResponseBytes = testLimit
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{})
		r.start()
		r.pass(time.Minute)
		r.state(StateLive)
		var grow, shrink []icwssim.Edit
		for i := range 500 {
			id := fmt.Sprintf("one too many %d", i)
			grow, shrink = append(grow, icwssim.Add(icwssim.Status{ID: id})), append(shrink, icwssim.Remove(id))
		}
		sim.Silently(grow...)
		r.pass(10 * time.Minute)
		s := r.probe.Snapshot()
		if s.Up(time.Now()) || s.Fresh(time.Now()) || !strings.Contains(s.Reason, "too_large") {
			t.Errorf("state %s (%s), up %t, fresh %t", s.State, s.Reason, s.Up(time.Now()), s.Fresh(time.Now()))
		}
		sim.Silently(shrink...)
		r.pass(3 * time.Minute)
		r.state(StateLive)
		r.equalsTruth(sim)
	})
}

func TestHeadersThatNeverComeAreNotWaitedFor(t *testing.T) {
	for _, operation := range []string{"connect", "subscribe", "poll", "stream", "list"} {
		t.Run(operation, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				if operation == "poll" && mode == ModeSSE || operation == "stream" && mode == ModePoll {
					return // not asked for
				}
				r := newRig(t, testConfig(mode, "a"))
				sim := r.serve("a", icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
				sim.Inject(icwssim.Fault{Operation: operation, Delay: 24 * time.Hour})
				r.start()
				for range 60 {
					r.pass(10 * time.Second)
					if age := time.Since(r.probe.Snapshot().Heartbeat); age > heartbeatInterval {
						t.Fatalf("the loop stood still for %s", age)
					}
				}
				if r.logs.count("timeout") == 0 || r.logs.count("no complete answer in time") == 0 {
					t.Errorf("the log does not say that nothing came:\n%s", r.logs)
				}
				sim.Clear()
				r.pass(3 * time.Minute)
				r.state(StateLive)
				r.equalsTruth(sim)
			})
		})
	}
}

// The stream breaks off inside an event, silently or by a byte now and then.
func TestEventThatStallsIsCut(t *testing.T) {
	const begin = `data: {"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":false,"statusMessagesAdded":[{"statusId":"half a st`
	for name, drip := range map[string]struct {
		text  string
		every time.Duration
	}{
		"silent": {"x", 24 * time.Hour}, "dripping": {"x", time.Second}, "lines of no data": {"\nid: x", 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, testConfig(ModeSSE, "a"))
				sim, h := r.serveHostile("a", icwssim.Options{})
				r.start()
				r.pass(time.Minute)
				r.state(StateLive)
				h.answer("stream", func(w http.ResponseWriter, req *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					io.WriteString(w, begin)
					for req.Context().Err() == nil {
						http.NewResponseController(w).Flush()
						select {
						case <-time.After(drip.every):
						case <-req.Context().Done():
						}
						io.WriteString(w, drip.text)
					}
				})
				r.net.Cut("a:8018")
				r.pass(2 * time.Minute)
				s := r.probe.Snapshot()
				if s.Up(time.Now()) || s.Entries != len(sim.Truth().Statuses) {
					t.Errorf("up %t with %d entries; half an event must not show", s.Up(time.Now()), s.Entries)
				}
				if r.logs.count("the stream stalled inside an event") == 0 {
					t.Errorf("the log does not say what happened:\n%s", r.logs)
				}
				if r.seen.get("stream broke timeout") == 0 {
					t.Error("no failed request is counted")
				}
				h.behave()
				r.pass(3 * time.Minute)
				r.state(StateLive)
				r.equalsTruth(sim)
			})
		})
	}
}

// We accept no compression, so whatever is compressed is refused unread.
func TestCompressedBombIsRefused(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 64<<20))
	z.Close()
	for mode, operation := range map[TransportMode]string{ModePoll: "poll", ModeSSE: "stream", ModeAuto: "connect"} {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, testConfig(mode, "a"))
				sim := r.serve("a", icwssim.Options{})
				sim.Inject(icwssim.Fault{
					Operation: operation, Body: bomb.String(), ContentType: "text/event-stream",
					Headers: map[string]string{"Content-Encoding": "gzip"},
				})
				r.start()
				r.pass(5 * time.Minute)
				if r.logs.count("(decode)") == 0 || r.logs.count("identity only") == 0 {
					t.Errorf("the log does not say what was wrong:\n%s", r.logs)
				}
				if n := r.seen.get("bytes"); n > r.requests()*bomb.Len() {
					t.Errorf("%d bytes read in %d requests", n, r.requests())
				}
				sim.Clear()
				r.pass(3 * time.Minute)
				r.state(StateLive)
				r.equalsTruth(sim)
			})
		})
	}
}

// Every request of a session carries its token and cookie, and the log-on the
// password: none of them follows a redirect.
func TestCredentialsFollowNoRedirect(t *testing.T) {
	for _, operation := range []string{"connect", "subscribe", "poll", "stream", "list", "disconnect", "version"} {
		for _, code := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
			t.Run(fmt.Sprintf("%s %d", operation, code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					mode := ModePoll
					if operation == "stream" {
						mode = ModeSSE
					}
					r := newRig(t, testConfig(mode, "a"))
					sim := r.serve("a", icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}})
					evil := r.serve("evil", icwssim.Options{})
					sim.Inject(icwssim.Fault{Operation: operation, Code: code,
						Headers: map[string]string{"Location": "http://evil:8018/icws/connection"}})
					r.start()
					r.pass(10 * time.Minute)
					r.stop()
					if sim.Counts().Of(operation, code) == 0 {
						t.Errorf("no redirect was answered: %v", sim.Counts())
					}
					if journal := evil.Journal(); len(journal) != 0 {
						t.Errorf("%d requests went to the redirect's target: %+v", len(journal), journal[0])
					}
				})
			})
		}
	}
}

// exported sums the groups up and holds them to the limit.
func (r *rig) exported() (groups, entries int) {
	r.t.Helper()
	s := r.probe.Snapshot()
	for _, g := range s.Groups {
		entries += g.Entries
		if len(g.Group) > 128 || !utf8.ValidString(g.Group) {
			r.t.Errorf("label %.200q of %d bytes", g.Group, len(g.Group))
		}
	}
	if n := len(s.Groups); n > r.cfg.MaxGroups+1 {
		r.t.Errorf("%d groups exported, the limit is %d", n, r.cfg.MaxGroups)
	}
	if entries != s.Entries {
		r.t.Errorf("the groups sum up to %d, there are %d entries", entries, s.Entries)
	}
	return len(s.Groups), entries
}

func TestTenThousandGroupsAreFolded(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		const many = 10_000
		statuses := make([]icwssim.Status, many)
		for i := range statuses {
			statuses[i] = icwssim.Status{ID: fmt.Sprintf("status %d", i), Group: fmt.Sprintf("group %d", i)}
		}
		r, sim := startRig(t, mode, icwssim.Options{Statuses: statuses})
		r.pass(5 * time.Second)
		r.state(StateLive)
		if groups, entries := r.exported(); groups != r.cfg.MaxGroups+1 || entries != many {
			t.Errorf("%d groups with %d entries", groups, entries)
		}
		if s := r.probe.Snapshot(); s.DistinctGroups != many || s.FoldedGroups != many-r.cfg.MaxGroups {
			t.Errorf("%d distinct groups, %d folded", s.DistinctGroups, s.FoldedGroups)
		}
		for i := range statuses[:many/2] {
			sim.Apply(icwssim.Remove(statuses[i].ID))
		}
		r.pass(5 * time.Second)
		if _, entries := r.exported(); entries != many/2 {
			t.Errorf("%d entries after half of them were removed", entries)
		}
	})
}

func TestHugeGroupTagIsCutToALabel(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		tag := strings.Repeat("Gr\u00fc\u00dfe ", 10<<10/8)
		r := newRig(t, testConfig(mode, "a"))
		r.serve("a", icwssim.Options{Statuses: []icwssim.Status{
			{ID: "a", Group: tag + "a"}, {ID: "b", Group: tag + "b"}, {ID: "c", Group: "x" + tag}, {ID: "d"},
		}})
		r.start()
		r.pass(5 * time.Second)
		r.state(StateLive)
		if groups, entries := r.exported(); groups != 3 || entries != 4 {
			t.Errorf("%d groups with %d entries; those equal as labels are one", groups, entries)
		}
	})
}

// An id of 100 kB is an id; only the log does not repeat all of it.
func TestHugeStatusIDIsKeptAndNotLogged(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		huge := strings.Repeat("id ", 100<<10/3)
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(5 * time.Second)
		sim.Apply(icwssim.Add(icwssim.Status{ID: huge + "1", Group: "Huge"}))
		for i := range 30 {
			sim.Silently(icwssim.Add(icwssim.Status{ID: fmt.Sprintf("%s silent %d", huge, i), Group: "Huge"}))
		}
		r.pass(70 * time.Second)
		r.equalsTruth(sim)
		r.count("drift", 30)
		r.logIsBounded()
	})
}

// logIsBounded holds each line of the log to a size that a person reads.
func (r *rig) logIsBounded() {
	r.t.Helper()
	for line := range strings.Lines(r.logs.String()) {
		if len(line) > 8<<10 {
			r.t.Errorf("a log line of %d bytes: %.300s", len(line), line)
		}
		if strings.ContainsAny(line, "\x00\x07\x1b\r") || !utf8.ValidString(line) {
			r.t.Errorf("control characters in the log: %.300q", line)
		}
	}
}

func TestHundredThousandStatusesNeedOnlyAHigherLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(ModeSSE, "a")
		cfg.MaxResponseBytes = 128 << 20
		r := newRig(t, cfg)
		sim := r.serve("a", icwssim.Options{Statuses: icwssim.Catalogue(100_000, 1)})
		r.start()
		r.pass(5 * time.Second)
		r.state(StateLive)
		sim.Step(100)
		r.pass(5 * time.Second)
		r.equalsTruth(sim)
	})
}

func TestDeeplyNestedValueIsSkippedOrRefused(t *testing.T) {
	nested := func(depth int) string {
		return fmt.Sprintf(`{"__type":"urn:inin.com:status:statusMessagesMessage","isDelta":true,"future":%s%s}`,
			strings.Repeat("[", depth), strings.Repeat("]", depth))
	}
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{})
		r.pass(10 * time.Second)
		sim.Send(nested(1000))
		r.pass(5 * time.Second)
		r.count("decode failures", 0)
		sim.Send(nested(1_000_000))
		r.pass(20 * time.Second)
		r.count("decode failures", 1)
		r.count("opens", 1)
		r.state(StateLive)
		r.equalsTruth(sim)
		r.logIsBounded()
	})
}

// hostileHosts are entries of an alternateHostList that are allowed, one half of
// them, and that are none at all.
func hostileHosts() []string {
	list := make([]string, 0, 1000)
	for i := range 500 {
		list = append(list, fmt.Sprintf("spare%d", i), fmt.Sprintf("\x1b[2J\x00evil%d\r\nlevel=ERROR\u202e/../u@x %s", i, strings.Repeat("\u00fc", 300)))
	}
	return list
}

func TestHostileAlternateHostsOfALogOnAreBounded(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r, sim := startRig(t, mode, icwssim.Options{AlternateHosts: hostileHosts()})
		r.pass(2 * time.Minute)
		r.equalsTruth(sim)
		r.count("rejected", 500)
		if n := len(r.probe.Snapshot().Hosts); n > 1+maxListedHosts {
			t.Errorf("%d hosts shown", n)
		}
		if n := r.logs.count("\n"); n > 70 {
			t.Errorf("%d log lines", n)
		}
		r.logIsBounded()
	})
}

func TestHostileAlternateHostsOfARefusalAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sim := startRig(t, ModeSSE, icwssim.Options{AlternateHosts: hostileHosts(), NotAccepting: true})
		r.pass(10 * time.Minute)
		if n := r.seen.get("rejected"); n < 500 {
			t.Errorf("%d entries rejected", n)
		}
		if rounds, requests := r.seen.get("opens"), r.seen.get("request connect"); requests > 9*rounds {
			t.Errorf("%d log-ons in %d rounds, a round has at most 8 hops", requests, rounds)
		}
		if n := len(r.probe.Snapshot().Hosts); n > 1+maxListedHosts {
			t.Errorf("%d hosts shown", n)
		}
		if n := r.logs.count("\n"); n > 70 {
			t.Errorf("%d log lines", n)
		}
		r.logIsBounded()
		sim.SetNotAccepting(false)
		r.pass(3 * time.Minute)
		r.state(StateLive)
	})
}

func TestRetryAfterOfYearsIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a"))
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "connect", Code: http.StatusServiceUnavailable, RetryAfter: "99999999999999"})
		r.start()
		r.pass(time.Second)
		if wait := time.Until(r.probe.Snapshot().NextAttempt); wait > maxRetryAfter || wait < time.Minute {
			t.Errorf("the next attempt is in %s", wait)
		}
		sim.Clear()
		r.pass(16 * time.Minute)
		r.state(StateLive)
	})
}

// A number of days that no clock can hold is no date.
func TestAbsurdPasswordExpiryIsNotShown(t *testing.T) {
	for _, days := range []int{1 << 40, -1 << 40} {
		synctest.Test(t, func(t *testing.T) {
			r, _ := startRig(t, ModeSSE, icwssim.Options{DaysUntilPasswordExpiration: &days})
			r.pass(5 * time.Second)
			r.state(StateLive)
			if at := r.probe.Snapshot().PasswordExpiry; !at.IsZero() {
				t.Errorf("%d days: the password expires at %s", days, at)
			}
		})
	}
}
