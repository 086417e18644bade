package probe

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
)

// Behind a proxy the host is a segment of the path, also after a switchover.
func TestSwitchoverThroughAProxy(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		cfg := testConfig(mode, "a")
		cfg.URL = "http://web:8018/app/api/{host}"
		r := newRig(t, cfg)
		proxy := http.NewServeMux()
		sims := map[string]*icwssim.Server{}
		for host, other := range map[string]string{"a": "b", "b": "a"} {
			prefix := "/app/api/" + host
			sims[host] = icwssim.New(icwssim.Options{
				Name: host, User: "svc-prom", Password: testPassword, Prefix: prefix, AlternateHosts: []string{other},
			})
			r.sims[host] = sims[host]
			proxy.Handle(prefix+"/", sims[host])
		}
		server := &http.Server{Handler: proxy}
		go server.Serve(r.net.Listen("web:8018"))
		r.servers["web"] = server

		r.start()
		r.pass(2 * time.Minute)
		r.equalsTruth(sims["a"])
		sims["a"].SetNotAccepting(true)
		sims["a"].ExpireSessions()
		r.pass(75 * time.Second)
		r.state(StateLive)
		r.equalsTruth(sims["b"])
		r.count("switchovers", 1)
	})
}

// Two servers that refuse and name each other end the round; nobody runs in
// circles between them.
func TestServersThatNameEachOtherAreAskedOnceARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a", "b"))
		r.serve("a", icwssim.Options{NotAccepting: true, AlternateHosts: []string{"B", "b"}})
		r.serve("b", icwssim.Options{NotAccepting: true, AlternateHosts: []string{"A", "a"}})
		r.start()
		r.pass(500 * time.Millisecond)
		r.state(StateBackoff)
		r.count("request connect", 2)
		r.count("open failed unavailable", 1)
	})
}

func TestListedHostsThatAreDeadDoNotStopTheRound(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a"))
		r.serve("a", icwssim.Options{NotAccepting: true, AlternateHosts: []string{"dead1", "dead2", "b"}})
		b := r.serve("b", icwssim.Options{})
		r.start()
		r.pass(10 * time.Second)
		r.state(StateLive)
		r.equalsTruth(b)
		r.count("opens", 1)
	})
}

// A session that has to be made anew goes to the first host again.
func TestReturnToTheFirstHost(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		r := newRig(t, testConfig(mode, "a", "b"))
		a := r.serve("a", icwssim.Options{})
		b := r.serve("b", icwssim.Options{})
		r.start()
		r.pass(2 * time.Minute)
		r.kill("a")
		r.pass(2 * time.Minute)
		r.equalsTruth(b)
		r.listen("a")
		r.pass(10 * time.Minute)
		r.equalsTruth(b)
		b.ExpireSessions()
		r.pass(75 * time.Second)
		r.state(StateLive)
		r.equalsTruth(a)
		r.count("switchovers", 2)
	})
}

// The password goes to no host that allowed_hosts does not permit.
func TestAllowedHosts(t *testing.T) {
	for _, test := range []struct {
		configured, globs, permitted, refused []string
	}{
		{
			configured: []string{"cic-a.example.com:8019", "cic-b.example.com"},
			permitted:  []string{"CIC-A.example.com", "cic-b.example.com:8019", "cic-c.example.com", "standby", "standby:8019"},
			refused: []string{"example.org", "evil-example.com", "cic-a.example.com.evil.net", "u@cic-a.example.com", "x/../", "",
				"a b", "cic-a.example.com/path", "10.0.0.9", "[::1]", "cic-a.example.com?x", "cic-a.example.com#x", "example.com"},
		},
		{configured: []string{"example.com"}, permitted: []string{"example.com"}, refused: []string{"evil.com", "a.example.com"}},
		{configured: []string{"10.0.0.1"}, permitted: []string{"10.0.0.1", "standby"}, refused: []string{"10.0.0.2", "1.0.0.1"}},
		{
			configured: []string{"cic-a.example.com"}, globs: []string{"*.dr.example.com", "10.1.2.*"},
			permitted: []string{"x.dr.example.com", "X.DR.example.com:8019", "10.1.2.3", "cic-a.example.com"},
			refused:   []string{"cic-b.example.com", "standby", "10.1.3.3", "dr.example.com"},
		},
		{ // the exporter's own machine and link, in every spelling
			configured: []string{"cic-a.example.com"}, permitted: []string{"standby"},
			refused: []string{"localhost", "LocalHost.", "localhost:8019", "localhost.example.com", "a.localhost", "127.0.0.1", "[::1]", "0.0.0.0", "2130706433", "0x7f000001", "0177.0.0.1"},
		},
		{
			configured: []string{"cic-a.example.com"}, globs: []string{"*"}, permitted: []string{"standby", "10.1.3.3"},
			refused: []string{"localhost", "localhost:8019", "127.0.0.1:8019", "127.1.2.3", "[::1]:8019", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "0.0.0.0", "::"},
		},
		{ // unless configured
			configured: []string{"127.0.0.1:8019", "cic-a.example.com"}, globs: []string{"localhost", "127.*"},
			permitted: []string{"localhost", "LOCALHOST:8019", "127.0.0.1"}, refused: []string{"127.0.0.2", "::1"},
		},
	} {
		policy := Config{URL: "https://{host}:8019", Hosts: test.configured, AllowedHosts: test.globs}
		for _, host := range test.permitted {
			if !policy.Permits(host) {
				t.Errorf("%v %v refuse %q", test.configured, test.globs, host)
			}
		}
		for _, host := range test.refused {
			if policy.Permits(host) {
				t.Errorf("%v %v permit %q", test.configured, test.globs, host)
			}
		}
	}
}

// A standby that answers 5xx is up for TCP and of no use: it is shown as down, with
// the time of the look, and as up again once it answers.
func TestHostThatAnswersWithServerErrorsIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeSSE, "a", "b"))
		r.serve("a", icwssim.Options{})
		standby := r.serve("b", icwssim.Options{})
		standby.Inject(icwssim.Fault{Operation: icwssim.OpVersion, Code: 500})
		r.start()
		r.pass(6 * time.Minute)
		look := r.probe.Snapshot().Hosts[1]
		if !look.Checked || look.Up || look.Words() != "answers with errors" || time.Since(look.LookedAt) > 6*time.Minute {
			t.Errorf("a host that answers 500 is shown as %+v", look)
		}
		standby.Clear()
		r.pass(6 * time.Minute)
		if again := r.probe.Snapshot().Hosts[1]; !again.Up || again.Words() != "answers" || !again.LookedAt.After(look.LookedAt) {
			t.Errorf("a host that answers again is shown as %+v", again)
		}
	})
}
