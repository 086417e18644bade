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
// that can be reset, and hosts that can be taken away. A real socket would let
// the bubble's time stand still, and net.Pipe has no buffer.
type memNetwork struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	conns     map[*memConn]string
	dialled   map[string]bool
}

const memBufferSize = 64 << 10

func newMemNetwork() *memNetwork {
	return &memNetwork{listeners: map[string]*memListener{}, conns: map[*memConn]string{}, dialled: map[string]bool{}}
}

func (n *memNetwork) Listen(addr string) net.Listener {
	l := &memListener{n: n, addr: addr, backlog: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.mu.Lock()
	n.listeners[addr] = l
	n.mu.Unlock()
	return l
}

func (n *memNetwork) DialContext(_ context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled[addr] = true
	l := n.listeners[addr]
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	up, down := newMemBuffer(), newMemBuffer()
	client := &memConn{addr: memAddr(addr), r: down, w: up}
	server := &memConn{addr: memAddr(addr), r: up, w: down}
	n.conns[client] = addr
	l.backlog <- server
	return client, nil
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
	vanishing      bool // what is written
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

func (b *memBuffer) vanish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.vanishing = true
}

func (b *memBuffer) close() {
	b.mu.Lock()
	b.closed = true
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
		case b.readBy.passed():
			return 0, os.ErrDeadlineExceeded
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
			b.cond.Broadcast()
			continue
		}
		b.cond.Wait()
	}
	return written, nil
}

type memConn struct {
	addr memAddr
	r, w *memBuffer
	// streams says that the client asked for an event stream on it.
	streams atomic.Bool
}

func (c *memConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func (c *memConn) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("GET ")) && bytes.Contains(p, []byte("text/event-stream")) {
		c.streams.Store(true)
	}
	return c.w.Write(p)
}

func (c *memConn) Close() error {
	c.r.close()
	c.w.close()
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
