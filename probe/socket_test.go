package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"go.uber.org/goleak"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icwssim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The probe over real sockets: thousands of random changes, and the counts are
// the server's own, over both transports, plain and encrypted.
func TestCountsEqualTheServersOverRealSockets(t *testing.T) {
	for _, mode := range []TransportMode{ModeSSE, ModePoll} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(string(mode)+" "+scheme, func(t *testing.T) { followOverSockets(t, mode, scheme) })
		}
	}
}

func followOverSockets(t *testing.T, mode TransportMode, scheme string) {
	sim := icwssim.New(icwssim.Options{
		User: "svc-prom", Password: testPassword, Statuses: icwssim.Catalogue(300, 5),
	})
	t.Cleanup(sim.Close)
	server := httptest.NewUnstartedServer(sim)
	if scheme == "https" {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	rt := server.Client().Transport.(*http.Transport)

	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(mode, base.Host)
	cfg.URL = server.URL
	cfg.PollInterval = 20 * time.Millisecond
	cfg.Password = func() (string, error) { return testPassword, nil }
	seen := &recorder{}
	p := newProbe(t, cfg, Options{NewTransport: func() http.RoundTripper { return rt.Clone() }, Observer: seen, UserAgent: "icws_exporter/test"})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()

	eventually(t, "live", func() bool { return p.Snapshot().Up(time.Now()) })
	for range 500 {
		sim.Step(10)
	}
	eventually(t, "equal to the server's truth", func() bool { return snapshotEquals(p.Snapshot(), sim.Truth()) })
	if n := seen.get("added") + seen.get("changed") + seen.get("removed"); n < 4000 {
		t.Errorf("%d changes counted after 5000 edits", n)
	}
	for _, never := range []string{"drift", "decode failures", "resync check", "lost stream_lost"} {
		if n := seen.get(never); n != 0 {
			t.Errorf("%s: %d", never, n)
		}
	}
	if mode == ModePoll && p.Snapshot().Transport != TransportPoll {
		t.Error("not polling")
	}
	if scheme == "https" && p.Snapshot().CertificateNotAfter().IsZero() {
		t.Error("the certificate's end is not known")
	}

	cancel()
	<-done
	if left := sim.Sessions(); len(left) != 0 {
		t.Errorf("sessions left on the server: %v", left)
	}
}

func snapshotEquals(s *Snapshot, truth icwssim.Truth) bool {
	if s.Entries != len(truth.Statuses) {
		return false
	}
	for _, g := range s.Groups {
		tag := g.Group
		if tag == "(none)" {
			tag = ""
		}
		want := truth.Groups[tag]
		if g.Entries != want.Entries {
			return false
		}
		for f := range catalogue.NumFlags {
			if g.Flagged[f] != want.Flagged[catalogue.Flag(f).String()] {
				return false
			}
		}
	}
	return true
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not %s after 30 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
