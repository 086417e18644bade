package icws_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"

	"icws_exporter/probe/secret"
)

// mirror follows the messages the simple way: a map of all it was told.
type mirror struct {
	entries        map[string]string
	upsert, remove map[string]string
}

func (m *mirror) Begin() { m.upsert, m.remove = map[string]string{}, map[string]string{} }

func (m *mirror) Add(s *icws.StatusMessage) {
	m.upsert[strings.ToLower(string(s.ID))] = fmt.Sprintf("%s|%s|%s|%s|%s|%b", s.ID, s.Text, s.Icon, s.Group, s.SystemID, s.Flags)
}

func (m *mirror) Change(s *icws.StatusMessage) { m.Add(s) }
func (m *mirror) Remove(id []byte)             { m.remove[strings.ToLower(string(id))] = "" }

func (m *mirror) commit(delta bool) {
	if !delta {
		m.entries = map[string]string{}
	}
	for id := range m.remove {
		delete(m.entries, id)
	}
	maps.Copy(m.entries, m.upsert)
}

func truthOf(sim *icwssim.Server) map[string]string {
	entries := map[string]string{}
	for _, s := range sim.Truth().Statuses {
		var flags uint16
		for f, on := range []bool{s.CanHaveDate, s.CanHaveTime, s.IsDoNotDisturbStatus, s.IsSelectableStatus, s.IsPersistentStatus,
			s.IsForwardStatus, s.IsAfterCallWorkStatus, s.IsAcdStatus, s.IsAllowFollowUpStatus} {
			if on {
				flags |= 1 << f
			}
		}
		entries[strings.ToLower(s.ID)] = fmt.Sprintf("%s|%s|%s|%s|%s|%b", s.ID, s.Text, s.Icon, s.Group, s.SystemID, flags)
	}
	return entries
}

// simulate starts a simulator behind a real socket.
func simulate(t *testing.T, secure bool, o icwssim.Options) (*icwssim.Server, *icws.Client) {
	t.Helper()
	sim := icwssim.New(o)
	server := httptest.NewUnstartedServer(sim)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() { sim.Close(); server.Close() })
	base, err := url.Parse(server.URL + o.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	if secure {
		transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return sim, icws.NewClient(base, transport, icws.Options{ApplicationName: "icws_exporter"})
}

var demo = icws.Credentials{User: "demo", Password: secret.New("demo")}

func TestClientFollowsTheSimulator(t *testing.T) {
	for name, o := range map[string]icwssim.Options{
		"default":       {},
		"behind proxy":  {Prefix: "/app/api/cic-a"},
		"types last":    {Quirks: icwssim.Quirks{TypeLast: true, IsDeltaLast: true, ReverseStatus: true, Empties: "null"}},
		"changed only":  {Quirks: icwssim.Quirks{FullInChanged: true, Empties: "array", SessionIn: "headers", AnnounceState: true}},
		"an old server": {Quirks: icwssim.Quirks{RejectInclude: true, SessionIn: "body", PlainCookie: true, Replay: true}},
	} {
		for _, secure := range []bool{false, true} {
			for transport, open := range map[string]func() (follower, func()){"sse": followStream, "poll": followPolls} {
				t.Run(fmt.Sprintf("%s, tls %v, %s", name, secure, transport), func(t *testing.T) {
					o.Statuses = icwssim.Catalogue(50, 1)
					sim, client := simulate(t, secure, o)
					lifeOf(t, sim, client, open)
				})
			}
		}
	}
}

// lifeOf is one session from log-on to leaving.
func lifeOf(t *testing.T, sim *icwssim.Server, client *icws.Client, open func() (follower, func())) {
	follow, leave := open()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	session, err := client.Connect(ctx, demo)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Subscribe(ctx, icws.StatusMessages, nil); err != nil {
		t.Fatal(err)
	}
	m := &mirror{}
	equal := func() bool { return maps.Equal(m.entries, truthOf(sim)) }
	for range 5 {
		if err := follow(ctx, session, m, equal); err != nil {
			t.Fatalf("%v; the copy differs (-truth +copy):\n%s", err, cmp.Diff(truthOf(sim), m.entries))
		}
		sim.Step(40)
	}
	leave()
	listed := &mirror{}
	if err := session.List(ctx, icws.NewStatusReader(listed)); err != nil {
		t.Fatal(err)
	}
	listed.commit(false)
	if diff := cmp.Diff(truthOf(sim), listed.entries); diff != "" {
		t.Errorf("the list (-truth +list):\n%s", diff)
	}
	if status, err := session.SwitchoverStatus(ctx); err != nil || status.PrimaryHost == "" {
		t.Errorf("switchover %+v, %v", status, err)
	}
	if v, err := client.Version(ctx); err != nil || v.Release() == "" {
		t.Errorf("version %+v, %v", v, err)
	}
	if err := errors.Join(session.Unsubscribe(ctx, icws.StatusMessages), session.End(ctx)); err != nil {
		t.Error(err)
	}
	if left := sim.Sessions(); len(left) != 0 {
		t.Errorf("sessions left: %+v", left)
	}
	var response *icws.ResponseError
	if err := session.Subscribe(ctx, icws.StatusMessages, nil); !errors.As(err, &response) || response.Code != 401 {
		t.Errorf("after leaving: %v", err)
	}
}

func (m *mirror) apply(message icws.Message) {
	if message.Kind == icws.KindContent {
		m.commit(message.IsDelta)
	}
}

// follower applies messages until the copy equals the truth.
type follower func(context.Context, *icws.Session, *mirror, func() bool) error

// followStream keeps one stream: what is sent while none is open may be lost.
func followStream() (follow follower, leave func()) {
	var stream *icws.Stream
	follow = func(ctx context.Context, session *icws.Session, m *mirror, equal func() bool) (err error) {
		if stream == nil {
			if stream, err = session.Stream(ctx); err != nil {
				return err
			}
		}
		for !equal() {
			if err := stream.Next(); err != nil {
				return err
			}
			message, err := stream.Decode(icws.NewStatusReader(m))
			if err != nil {
				return err
			}
			m.apply(message)
		}
		return nil
	}
	return follow, func() { stream.Close() }
}

func followPolls() (follow follower, leave func()) {
	follow = func(ctx context.Context, session *icws.Session, m *mirror, equal func() bool) error {
		for !equal() {
			err := session.Poll(ctx, []*icws.Reader{icws.NewStatusReader(m)}, m.apply)
			if err != nil {
				return err
			}
		}
		return nil
	}
	return follow, func() {}
}

func TestSimulatedTrouble(t *testing.T) {
	sim, client := simulate(t, false, icwssim.Options{AlternateHosts: []string{"cic-b"}})
	var response *icws.ResponseError
	if _, err := client.Connect(t.Context(), icws.Credentials{User: "demo", Password: secret.New("wrong")}); !errors.As(err, &response) || !response.AuthenticationFailed {
		t.Errorf("wrong password: %v", err)
	}
	if n := len(sim.Journal()); n != 1 {
		t.Errorf("the wrong password was sent %d times", n)
	}
	sim.SetNotAccepting(true)
	if _, err := client.Connect(t.Context(), demo); !errors.As(err, &response) || response.Code != 503 || !slices.Equal(response.AlternateHosts, []string{"cic-b"}) {
		t.Errorf("not accepting: %v", err)
	}
	sim.SetNotAccepting(false)
	session, err := client.Connect(t.Context(), demo)
	if err != nil {
		t.Fatal(err)
	}
	sim.Inject(icwssim.Fault{Operation: icwssim.OpList, Cut: new(100), Count: 1})
	if err := session.List(t.Context(), icws.NewStatusReader(&mirror{})); icws.ReasonOf(err) != icws.FailReset {
		t.Errorf("cut list: %v", err)
	}
	sim.EndSessions(false)
	var down *icws.ConnectionStateChange
	err = session.Poll(t.Context(), []*icws.Reader{icws.NewStatusReader(&mirror{})}, func(m icws.Message) {
		if m.Kind == icws.KindConnectionState {
			down = &m.Connection
		}
	})
	if err == nil && (down == nil || !down.Down || down.ShouldReconnect == nil || *down.ShouldReconnect) {
		t.Errorf("the end of the session was told as %+v", down)
	}
	if err != nil && (!errors.As(err, &response) || response.Code != 401) {
		t.Errorf("ended session: %v", err)
	}
}
