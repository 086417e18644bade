package icws_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"

	"icws_exporter/probe/secret"
)

func simulated(t *testing.T, handler http.Handler) *icws.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	rt := &http.Transport{DisableCompression: true}
	t.Cleanup(rt.CloseIdleConnections)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return icws.NewClient(base, rt, icws.Options{ApplicationName: "test", RequestTimeout: time.Second})
}

// A 201 whose body breaks off has made a session. Its headers name it, so that it can
// be ended instead of being left on the server.
func TestTheSessionOfACutAnswerCanBeEnded(t *testing.T) {
	cut := 10
	for name, fault := range map[string]icwssim.Fault{
		"cut":   {Operation: icwssim.OpConnect, Cut: &cut},
		"stall": {Operation: icwssim.OpConnect, Stall: true},
	} {
		t.Run(name, func(t *testing.T) {
			sim := icwssim.New(icwssim.Options{})
			t.Cleanup(sim.Close)
			sim.Inject(fault)
			client := simulated(t, sim)
			_, err := client.Connect(context.Background(), icws.Credentials{User: "demo", Password: secret.New("demo")})
			var unread *icws.UnreadSessionError
			if !errors.As(err, &unread) {
				t.Fatalf("a broken answer made a session: %v", err)
			}
			if err := unread.Session.End(t.Context()); err != nil {
				t.Error(err)
			}
			if left := sim.Sessions(); len(left) != 0 {
				t.Errorf("left on the server: %+v", left)
			}
		})
	}
}

// The transport must not repeat a poll by itself: the messages of the first
// answer are gone, and the caller has to know.
func TestPollThatIsDroppedIsNotRepeated(t *testing.T) {
	sim := icwssim.New(icwssim.Options{})
	t.Cleanup(sim.Close)
	var polls atomic.Int32
	client := simulated(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if polls.Add(1) == 2 {
				panic(http.ErrAbortHandler)
			}
			if r.ContentLength != 0 || len(r.TransferEncoding) != 0 {
				t.Errorf("a poll has a body: %d, %v", r.ContentLength, r.TransferEncoding)
			}
		}
		sim.ServeHTTP(w, r)
	}))
	s, err := client.Connect(context.Background(), icws.Credentials{User: "demo", Password: secret.New("demo")})
	if err != nil {
		t.Fatal(err)
	}
	poll := func() error {
		return s.Poll(context.Background(), []*icws.Reader{icws.NewStatusReader(&mirror{})}, func(icws.Message) {})
	}
	if err := poll(); err != nil {
		t.Fatal(err)
	}
	if err := poll(); err == nil || polls.Load() != 2 {
		t.Errorf("a dropped poll was hidden: %v after %d requests", err, polls.Load())
	}
	if err := poll(); err != nil {
		t.Errorf("the poll after it: %v", err)
	}
}
