package probe

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// trouble is what a relay does to the connections through it.
type trouble int

const (
	noTrouble  trouble = iota
	refuses            // nobody listens, and the open connections are reset
	resets             // every connection is reset
	halfCloses         // the server's side ends, the client's stays open
	swallows           // bytes are taken and go nowhere
	trickles           // a few bytes at a time
)

// relay is the network between a probe and a server, on real sockets of
// 127.0.0.1. Its trouble befalls open and new connections alike.
type relay struct {
	t       *testing.T
	address string
	target  string
	running sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	trouble  trouble
	links    map[*link]struct{}
}

// link is one connection through the relay.
type link struct {
	client, server *net.TCPConn
	// dead stays: bytes are missing, so no end of the trouble mends the link.
	dead atomic.Bool
}

func newRelay(t *testing.T, target string) *relay {
	r := &relay{t: t, target: target, address: "127.0.0.1:0", links: map[*link]struct{}{}}
	r.listen()
	t.Cleanup(r.close)
	return r
}

func (r *relay) listen() {
	eventually(r.t, "listening on the relay's port", func() bool {
		l, err := net.Listen("tcp", r.address)
		if err != nil {
			return false // the port of the listener before is not free yet
		}
		r.mu.Lock()
		r.listener, r.address = l, l.Addr().String()
		r.mu.Unlock()
		r.running.Go(func() { r.accept(l) })
		return true
	})
}

func (r *relay) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			client.Close()
			continue
		}
		k := &link{client: client.(*net.TCPConn), server: server.(*net.TCPConn)}
		r.mu.Lock()
		r.links[k] = struct{}{}
		now := r.trouble
		r.mu.Unlock()
		k.befall(now)
		r.running.Go(func() { r.carryUp(k) })
		r.running.Go(func() { r.carryDown(k) })
	}
}

// suffer has the trouble begin, or with noTrouble end.
func (r *relay) suffer(x trouble) {
	r.mu.Lock()
	before := r.trouble
	r.trouble = x
	listener, links := r.listener, r.openLinks()
	r.mu.Unlock()
	if x == refuses {
		listener.Close()
	}
	for _, k := range links {
		k.befall(x)
	}
	if before == refuses {
		r.listen()
	}
}

// strike has the trouble befall the open connections only; new ones are well.
func (r *relay) strike(x trouble) {
	r.mu.Lock()
	links := r.openLinks()
	r.mu.Unlock()
	for _, k := range links {
		k.befall(x)
	}
}

// openLinks is for the holder of mu.
func (r *relay) openLinks() []*link {
	links := make([]*link, 0, len(r.links))
	for k := range r.links {
		links = append(links, k)
	}
	return links
}

func (k *link) befall(x trouble) {
	switch x {
	case refuses, resets:
		k.client.SetLinger(0)
		k.close()
	case halfCloses:
		k.client.CloseWrite()
	case swallows:
		k.dead.Store(true)
	}
}

func (k *link) close() {
	k.client.Close()
	k.server.Close()
}

// carryUp carries requests, until the client is gone.
func (r *relay) carryUp(k *link) {
	r.carry(k, k.server, k.client)
	k.close()
	r.mu.Lock()
	delete(r.links, k)
	r.mu.Unlock()
}

// carryDown carries answers. When the server ends, the client is told so.
func (r *relay) carryDown(k *link) {
	r.carry(k, k.client, k.server)
	if !k.dead.Load() {
		k.client.CloseWrite()
	}
}

// carry reads until src ends, also when nobody wants the bytes any more.
func (r *relay) carry(k *link, dst, src *net.TCPConn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 && !k.dead.Load() {
			r.write(k, dst, buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (r *relay) write(k *link, dst *net.TCPConn, p []byte) {
	for len(p) > 0 && !k.dead.Load() {
		n := len(p)
		if r.now() == trickles {
			n = min(n, 16)
			time.Sleep(time.Millisecond)
		}
		if _, err := dst.Write(p[:n]); err != nil {
			return
		}
		p = p[n:]
	}
}

func (r *relay) now() trouble {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble
}

func (r *relay) close() {
	r.mu.Lock()
	r.listener.Close()
	links := r.openLinks()
	r.mu.Unlock()
	for _, k := range links {
		k.close()
	}
	r.running.Wait()
}

// productionTransport is bounded as the one that the configuration makes.
func productionTransport(t *testing.T, timeout time.Duration) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		TLSHandshakeTimeout: timeout, IdleConnTimeout: 90 * time.Second,
		MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true, Protocols: protocols,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}
