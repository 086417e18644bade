package probe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// memNetwork is a network in memory for synctest bubbles: buffered connections
// that can be reset, hosts that can be taken away, packets that are held up, names
// of several addresses, and a firewall that forgets idle connections. A real socket
// would let the bubble's time stand still, and net.Pipe has no buffer.
type memNetwork struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	conns     map[*memConn]string // its address
	dialled   map[string]bool
	aliases   map[string][]string      // addresses of a name, the next one first
	idle      time.Duration            // after which the firewall forgets a connection; 0: never
	held      map[string]chan struct{} // closed when packets to the address go on
}

const memBufferSize = 64 << 10

func newMemNetwork() *memNetwork {
	return &memNetwork{
		listeners: map[string]*memListener{}, conns: map[*memConn]string{}, dialled: map[string]bool{},
		aliases: map[string][]string{}, held: map[string]chan struct{}{},
	}
}

func (n *memNetwork) Listen(addr string) net.Listener {
	l := &memListener{n: n, addr: addr, backlog: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.mu.Lock()
	n.listeners[addr] = l
	n.mu.Unlock()
	return l
}

func (n *memNetwork) DialContext(ctx context.Context, network, name string) (net.Conn, error) {
	addr := n.resolve(name)
	if held := n.holdOf(addr); held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[addr]
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	up, down := newMemBuffer(), newMemBuffer()
	client := &memConn{n: n, addr: memAddr(addr), r: down, w: up}
	server := &memConn{n: n, addr: memAddr(addr), r: up, w: down, accepted: true}
	now := time.Now()
	up.used, down.used = now, now
	n.conns[client] = addr
	l.backlog <- server
	return client, nil
}

// resolve returns the address of a name, each time the next of several.
func (n *memNetwork) resolve(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled[name] = true
	addrs := n.aliases[name]
	if len(addrs) == 0 {
		return name
	}
	n.aliases[name] = append(addrs[1:len(addrs):len(addrs)], addrs[0])
	return addrs[0]
}

// Alias has name stand for these addresses, in rotating order.
func (n *memNetwork) Alias(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.aliases[name] = addrs
}

// ForgetIdle has a firewall forget connections that carried nothing for so long:
// what is sent on them then is answered with a reset. 0: never.
func (n *memNetwork) ForgetIdle(after time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.idle = after
}

func (n *memNetwork) forgotten(c *memConn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.idle > 0 && time.Since(c.r.lastUsed()) > n.idle && time.Since(c.w.lastUsed()) > n.idle
}

// Hold has packets to and from addr wait, as the kernels of both sides send them
// again and again, until Release. Connections, and their ends, wait too.
func (n *memNetwork) Hold(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held[addr] != nil {
		return
	}
	n.held[addr] = make(chan struct{})
	for c, a := range n.conns {
		if a == addr {
			c.r.hold(true)
			c.w.hold(true)
		}
	}
}

// Release has the packets that wait arrive.
func (n *memNetwork) Release(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held[addr] == nil {
		return
	}
	close(n.held[addr])
	delete(n.held, addr)
	for c, a := range n.conns {
		if a == addr {
			c.r.hold(false)
			c.w.hold(false)
			if c.r.over() {
				delete(n.conns, c)
			}
		}
	}
}

// forget forgets a connection that its client has closed, unless its last packets
// are held.
func (n *memNetwork) forget(c *memConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held[n.conns[c]] == nil {
		delete(n.conns, c)
	}
}

func (n *memNetwork) holdOf(addr string) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held[addr]
}

// strangers are the addresses besides known that somebody wanted to connect to.
func (n *memNetwork) strangers(known ...string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var others []string
	for addr := range n.dialled {
		if !slices.Contains(known, addr) {
			others = append(others, addr)
		}
	}
	return others
}

// Cut resets every connection to addr; what was in flight is lost.
func (n *memNetwork) Cut(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c, a := range n.conns {
		if a == addr {
			c.r.reset()
			c.w.reset()
			delete(n.conns, c)
		}
	}
}

// SilenceStreams has what the server sends on its open event streams vanish: a
// path that broke without a word.
func (n *memNetwork) SilenceStreams(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c, a := range n.conns {
		if a == addr && c.streams.Load() {
			c.r.vanish()
		}
	}
}

type memListener struct {
	n       *memNetwork
	addr    string
	backlog chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() {
		l.n.mu.Lock()
		delete(l.n.listeners, l.addr)
		l.n.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *memListener) Addr() net.Addr { return memAddr(l.addr) }

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }

// memBuffer carries bytes one way.
type memBuffer struct {
	mu             sync.Mutex
	cond           *sync.Cond
	data           []byte
	space          []byte // of data from its begin
	closed, broken bool
	vanishing      bool      // what is written
	held           bool      // what was written waits
	unread         bool      // the reader has closed it
	used           time.Time // when something was last written
	readBy         deadline
	writeBy        deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func newMemBuffer() *memBuffer {
	b := &memBuffer{}
	b.cond = sync.NewCond(&b.mu)
	return b
}

func (b *memBuffer) reset() {
	b.mu.Lock()
	b.broken = true
	b.data = nil
	b.mu.Unlock()
	b.cond.Broadcast()
}

func (b *memBuffer) hold(held bool) {
	b.mu.Lock()
	b.held = held
	b.mu.Unlock()
	b.cond.Broadcast()
}

func (b *memBuffer) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func (b *memBuffer) lastUsed() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

func (b *memBuffer) vanish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.vanishing = true
}

// close ends the buffer; the reader, when it is the one who closes, reads no more.
func (b *memBuffer) close(reader bool) {
	b.mu.Lock()
	b.closed = true
	b.unread = b.unread || reader
	b.mu.Unlock()
	b.cond.Broadcast()
}

func (b *memBuffer) setDeadline(d *deadline, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.at, d.timer = at, nil
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), b.cond.Broadcast)
	}
	b.cond.Broadcast()
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (b *memBuffer) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case b.broken:
			return 0, &net.OpError{Op: "read", Net: "mem", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
		case b.unread:
			return 0, net.ErrClosed
		case b.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case b.held: // until Release
		case len(b.data) > 0:
			n := copy(p, b.data)
			if b.data = b.data[n:]; len(b.data) == 0 {
				b.data = b.space[:0] // used again
			}
			b.cond.Broadcast()
			return n, nil
		case b.closed:
			return 0, io.EOF
		}
		b.cond.Wait()
	}
}

func (b *memBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	written := 0
	for written < len(p) {
		switch {
		case b.broken:
			return written, &net.OpError{Op: "write", Net: "mem", Err: os.NewSyscallError("write", syscall.ECONNRESET)}
		case b.closed:
			return written, &net.OpError{Op: "write", Net: "mem", Err: os.NewSyscallError("write", syscall.EPIPE)}
		case b.writeBy.passed():
			return written, os.ErrDeadlineExceeded
		case b.vanishing:
			return len(p), nil
		}
		if room := memBufferSize - len(b.data); room > 0 {
			n := min(room, len(p)-written)
			fresh := len(b.data) == 0
			if b.data = append(b.data, p[written:written+n]...); fresh {
				b.space = b.data
			}
			written += n
			b.used = time.Now()
			b.cond.Broadcast()
			continue
		}
		b.cond.Wait()
	}
	return written, nil
}

type memConn struct {
	n        *memNetwork
	addr     memAddr
	r, w     *memBuffer
	accepted bool // the server's side
	// streams says that the client asked for an event stream on it.
	streams atomic.Bool
}

func (c *memConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func (c *memConn) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("GET ")) && bytes.Contains(p, []byte("text/event-stream")) {
		c.streams.Store(true)
	}
	if c.n.forgotten(c) {
		if c.accepted {
			c.w.vanish() // the client is not told
		} else {
			c.r.reset()
			c.w.reset()
			return len(p), nil // the reset comes after it
		}
	}
	return c.w.Write(p)
}

func (c *memConn) Close() error {
	c.r.close(true)
	c.w.close(false)
	c.n.forget(c)
	return nil
}

func (c *memConn) LocalAddr() net.Addr  { return c.addr }
func (c *memConn) RemoteAddr() net.Addr { return c.addr }
func (c *memConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	c.r.setDeadline(&c.r.readBy, t)
	return nil
}

func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.w.setDeadline(&c.w.writeBy, t)
	return nil
}
