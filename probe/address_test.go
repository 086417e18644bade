package probe

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
)

// rotatingDNS is a name server on 127.0.0.1 that answers every question for an A
// record with all its addresses, each time beginning with the next one.
type rotatingDNS struct {
	conn net.PacketConn

	mu        sync.Mutex
	addresses []netip.Addr
	asked     int
}

func newRotatingDNS(t *testing.T, addresses ...string) *rotatingDNS {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &rotatingDNS{conn: conn}
	for _, a := range addresses {
		d.addresses = append(d.addresses, netip.MustParseAddr(a))
	}
	var serving sync.WaitGroup
	serving.Go(d.serve)
	t.Cleanup(func() { conn.Close(); serving.Wait() })
	return d
}

// move has the name stand for other addresses.
func (d *rotatingDNS) move(addresses ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addresses = nil
	for _, a := range addresses {
		d.addresses = append(d.addresses, netip.MustParseAddr(a))
	}
}

func (d *rotatingDNS) serve() {
	query := make([]byte, 512)
	for {
		n, from, err := d.conn.ReadFrom(query)
		if err != nil {
			return
		}
		if n > 12 {
			d.conn.WriteTo(d.answer(query[:n]), from)
		}
	}
}

// answer repeats the question and adds the addresses, when it is for A records.
func (d *rotatingDNS) answer(query []byte) []byte {
	end := 12
	for query[end] != 0 { // the labels of the name
		end += 1 + int(query[end])
	}
	end += 5
	isA := binary.BigEndian.Uint16(query[end-4:]) == 1
	answer := append([]byte(nil), query[:end]...)
	answer[2], answer[3] = 0x81, 0x80 // an answer, without error
	clear(answer[6:12])
	if !isA {
		return answer
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	binary.BigEndian.PutUint16(answer[6:], uint16(len(d.addresses)))
	for i := range d.addresses {
		address := d.addresses[(d.asked+i)%len(d.addresses)].As4()
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name, A, IN, no time to live
		answer = append(answer, address[:]...)
	}
	d.asked++
	return answer
}

// dial opens connections by the names that this server knows.
func (d *rotatingDNS) dial(ctx context.Context, network, address string) (net.Conn, error) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", d.conn.LocalAddr().String())
	}}
	return (&net.Dialer{Resolver: resolver}).DialContext(ctx, network, address)
}

// pair is two servers that stand behind one name and know only their own sessions.
type pair struct {
	sims [2]*icwssim.Server
	port string
}

func newPair(t *testing.T) *pair {
	if runtime.GOOS != "linux" {
		t.Skip("needs 127.0.0.2, which only Linux has without a set-up")
	}
	p := &pair{}
	for i, listener := range p.listen(t) {
		p.sims[i] = icwssim.New(icwssim.Options{User: "svc-prom", Password: testPassword, Statuses: icwssim.Catalogue(20, 2)})
		t.Cleanup(p.sims[i].Close)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if host, _, _ := strings.Cut(r.Host, ":"); host != "cic.example.test" {
				t.Errorf("asked for the host %q", r.Host)
			}
			p.sims[i].ServeHTTP(w, r)
		}))
		server.Listener.Close()
		server.Listener = listener
		server.Start()
		t.Cleanup(server.Close)
	}
	return p
}

// listen finds a port that is free on both addresses.
func (p *pair) listen(t *testing.T) (listeners [2]net.Listener) {
	for range 20 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, p.port, _ = net.SplitHostPort(first.Addr().String())
		second, err := net.Listen("tcp", "127.0.0.2:"+p.port)
		if err == nil {
			return [2]net.Listener{first, second}
		}
		first.Close()
	}
	t.Fatal("no port is free on both addresses")
	return listeners
}

func (p *pair) watch(t *testing.T, mode TransportMode, dns *rotatingDNS, seen Observer, ledger *Ledger) (_ *Probe, stop func()) {
	cfg := testConfig(mode)
	cfg.URL, cfg.Hosts = "http://{host}:"+p.port, []string{"cic.example.test"}
	cfg.PollInterval, cfg.BackoffMin = 20*time.Millisecond, 10*time.Millisecond
	cfg.Password = func() (string, error) { return testPassword, nil }
	watching := newProbe(t, cfg, Options{Observer: seen, Ledger: ledger, NewTransport: func() http.RoundTripper {
		return &http.Transport{DialContext: icws.OneAddress(dns.dial), DisableCompression: true}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { watching.Run(ctx) })
	return watching, func() { cancel(); running.Wait() }
}

// A name with two addresses, whose order rotates, and a server behind each: the
// session lives on the server that took its log-on, with its stream, and is ended
// there (P4).
func TestASessionLivesOnTheAddressThatTookItsLogOn(t *testing.T) {
	servers := newPair(t)
	dns := newRotatingDNS(t, "127.0.0.1", "127.0.0.2")
	for _, mode := range []TransportMode{ModeSSE, ModePoll} {
		for range 3 {
			seen := &recorder{}
			p, stop := servers.watch(t, mode, dns, seen, nil)
			eventually(t, "live", func() bool { return p.Snapshot().Up(time.Now()) })
			if a, b := len(servers.sims[0].Sessions()), len(servers.sims[1].Sessions()); a+b != 1 {
				t.Errorf("%s: %d and %d sessions, want one on one server", mode, a, b)
			}
			stop()
			for _, sim := range servers.sims {
				if left := sim.Sessions(); len(left) != 0 {
					t.Errorf("%s: left on a server: %v", mode, left)
				}
			}
			if n := seen.get("request connect"); n > 1 {
				t.Errorf("%s: %d log-ons, want one", mode, n)
			}
		}
	}
}

// A name that moves while the old server refuses log-ons on a kept connection: the
// next round finds the new one.
func TestTheNextRoundLooksTheNameUpAgain(t *testing.T) {
	servers := newPair(t)
	dns := newRotatingDNS(t, "127.0.0.1")
	servers.sims[0].Inject(icwssim.Fault{Operation: icwssim.OpConnect, Code: http.StatusServiceUnavailable})
	p, stop := servers.watch(t, ModePoll, dns, &recorder{}, nil)
	defer stop()
	eventually(t, "refused", func() bool { return p.Snapshot().Reason != "" })
	dns.move("127.0.0.2")
	eventually(t, "live", func() bool { return p.Snapshot().Up(time.Now()) })
	if n := len(servers.sims[1].Sessions()); n != 1 {
		t.Errorf("%d sessions on the new server, want 1", n)
	}
}

// A session that is owed lives where its log-on went, also when the name has moved.
func TestAnOwedSessionIsEndedOnItsOwnAddress(t *testing.T) {
	servers := newPair(t)
	dns := newRotatingDNS(t, "127.0.0.1")
	ledger := NewLedger(nil)
	defer ledger.Close(time.Second)
	first, stop := servers.watch(t, ModePoll, dns, &recorder{}, ledger)
	eventually(t, "live", func() bool { return first.Snapshot().Up(time.Now()) })
	fault := servers.sims[0].Inject(icwssim.Fault{Operation: icwssim.OpDisconnect, Code: http.StatusInternalServerError})
	stop()
	if n := len(servers.sims[0].Sessions()); n != 1 {
		t.Fatalf("%d sessions on the old server, want the one that it did not end", n)
	}
	dns.move("127.0.0.2")
	servers.sims[0].Clear(fault)
	second, stop := servers.watch(t, ModePoll, dns, &recorder{}, ledger)
	defer stop()
	eventually(t, "live on the new server", func() bool { return second.Snapshot().Up(time.Now()) })
	eventually(t, "without a session on the old one", func() bool { return len(servers.sims[0].Sessions()) == 0 })
	if n := len(servers.sims[1].Sessions()); n != 1 {
		t.Errorf("%d sessions on the new server, want 1", n)
	}
}
