package probe

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// otherAnswer is an answer of the simulator as other servers and proxies would give it.
type otherAnswer struct {
	http.ResponseWriter
	header func(http.Header)
	text   func(string) string
}

func (a otherAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a otherAnswer) WriteHeader(code int) {
	a.Header().Del("Content-Length") // it comes in chunks
	if a.header != nil {
		a.header(a.Header())
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a otherAnswer) Write(p []byte) (int, error) {
	text := string(p)
	if a.text != nil {
		text = a.text(text)
	}
	_, err := a.ResponseWriter.Write([]byte(text))
	return len(p), err
}

func replacing(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }

// otherServers are ways in which the simulator is kinder than HTTP, server-sent events and
// the protocol (docs/protocol.md, 3.2 and 7) make servers be.
var otherServers = map[string]struct {
	header func(http.Header)
	text   func(string) string
	idle   time.Duration
}{
	"chunks":                     {},
	"a connection for a request": {header: func(h http.Header) { h.Set("Connection", "close") }},
	"no connection in waiting":   {idle: time.Second},
	"a cookie with every answer": {header: func(h http.Header) {
		h.Add("Set-Cookie", "balance="+time.Now().Format("150405")+"; Path=/; Max-Age=60")
	}},
	"another content type": {header: func(h http.Header) {
		h.Set("Content-Type", map[bool]string{true: "text/event-stream;charset=UTF-8", false: "application/json"}[h.Get("Content-Type") == "text/event-stream"])
	}},
	"line ends of Windows": {text: replacing("\n", "\r\n")},
	"no space after data":  {text: replacing("data: ", "data:")},
	"named events":         {text: replacing("data: ", "event: message\nretry: 3000\nid: 7\ndata: ")},
	"another heartbeat":    {text: replacing(":ping\n\n", ": still here\n")},
	"an event in two lines": {text: func(text string) string {
		if strings.HasPrefix(text, "data: ") {
			return strings.ReplaceAll(text, `,"isDelta"`, ",\ndata: \"isDelta\"")
		}
		return text
	}},
	"indented JSON": {text: replacing(`":`, "\" :\t")},
	"a byte order mark": {text: func(text string) string {
		if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			return "\ufeff" + text
		}
		return text
	}},
}

// A server that is not written as the simulator is gives the same numbers, in one session.
func TestOtherServersAreWatchedAlike(t *testing.T) {
	for name, other := range otherServers {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, mode TransportMode) {
				r := newRig(t, testConfig(mode, "a"))
				sim := icwssim.New(icwssim.Options{User: "svc-prom", Password: testPassword})
				r.sims["a"] = sim
				r.servers["a"] = &http.Server{IdleTimeout: other.idle, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					sim.ServeHTTP(otherAnswer{w, other.header, other.text}, q)
				})}
				go r.servers["a"].Serve(r.net.Listen("a:8018"))
				r.start()
				for range 20 {
					r.pass(97 * time.Second)
					sim.Step(3)
					r.pass(5 * time.Second)
					r.state(StateLive)
					r.equalsTruth(sim)
				}
				if n := sim.LogOns()["svc-prom"]; n != 1 {
					t.Errorf("%d log-ons\n%s", n, r.logs)
				}
				r.stop()
				if n := len(sim.Sessions()); n != 0 {
					t.Errorf("%d sessions are left", n)
				}
			})
		})
	}
}
