package web

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

const (
	// chunk is how much of an answer a client has slowestChunk for: who reads
	// slower than 13 kB a second is cut off.
	chunk        = 64 << 10
	slowestChunk = 5 * time.Second
	// socketBuffer bounds what the kernel keeps of an answer for a client that does
	// not read; by itself it would keep megabytes for each.
	socketBuffer = 128 << 10
)

// connLimiter bounds the open connections of a listener, in all and for each
// address of a client. When there are too many, it closes the one that has waited
// longest for its client: to send a request, or to read the answer. So clients that
// do neither cannot shut out the others. A connection whose answer is being made is
// never closed: when all are, the newest is closed, because it alone waits.
type connLimiter struct {
	net.Listener
	most, mostPerAddress int
	// serving is called before the first connection is accepted.
	serving func()
	once    sync.Once

	mu        sync.Mutex
	open      map[*limitedConn]struct{}
	byAddress map[string]int
	ticks     uint64 // counts what the clients did
}

func newConnLimiter(listener net.Listener, most int, serving func()) *connLimiter {
	return &connLimiter{
		Listener: listener, most: most, mostPerAddress: max(1, most/4), serving: serving,
		open: map[*limitedConn]struct{}{}, byAddress: map[string]int{},
	}
}

// Accept returns the next connection. It may close another one for it, or this one.
func (l *connLimiter) Accept() (net.Conn, error) {
	l.once.Do(l.serving)
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if socket, ok := accepted.(*net.TCPConn); ok {
		_ = socket.SetWriteBuffer(socketBuffer)
	}
	conn := &limitedConn{Conn: accepted, limiter: l, address: addressOfClient(accepted.RemoteAddr())}
	if surplus := l.add(conn); surplus != nil {
		surplus.reset()
	}
	return conn, nil
}

// add returns the connection that is one too many, or nil.
func (l *connLimiter) add(conn *limitedConn) (surplus *limitedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ticks++
	conn.waitsSince = l.ticks
	l.open[conn] = struct{}{}
	l.byAddress[conn.address]++
	tooManyOfOne := conn.address != "" && l.byAddress[conn.address] > l.mostPerAddress
	if !tooManyOfOne && len(l.open) <= l.most {
		return nil
	}
	for c := range l.open {
		if tooManyOfOne && c.address != conn.address || c.answering && c.writes == 0 {
			continue
		}
		if surplus == nil || c.waitsSince < surplus.waitsSince {
			surplus = c
		}
	}
	l.forget(surplus)
	return surplus
}

// forget is called with the lock.
func (l *connLimiter) forget(conn *limitedConn) {
	if _, open := l.open[conn]; !open {
		return
	}
	delete(l.open, conn)
	if l.byAddress[conn.address]--; l.byAddress[conn.address] == 0 {
		delete(l.byAddress, conn.address)
	}
}

// limitedConn is a connection that its limiter knows. It bounds the time that the
// client may take for each chunk of an answer.
type limitedConn struct {
	net.Conn
	limiter *connLimiter
	address string // of the client; empty for what has none

	// limiter.mu guards what follows.
	waitsSince uint64 // what the client did last, by limiter.ticks
	answering  bool   // a whole request is there, and its answer is being made
	writes     int    // under way

	// held is the first write of joined. Only who writes has to do with it.
	joining bool
	held    []byte

	deadline struct {
		sync.Mutex
		of time.Time // the server's own for the whole answer; zero for none
	}
}

// note changes what the limiter knows of the connection.
func (c *limitedConn) note(change func()) {
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.limiter.ticks++
	c.waitsSince = c.limiter.ticks
	change()
}

func (c *limitedConn) beginAnswer() { c.note(func() { c.answering = true }) }
func (c *limitedConn) endAnswer()   { c.note(func() { c.answering = false }) }

// joined has the first two writes of write leave as one, if the first is short: net/http
// writes the header and the beginning of a long answer by themselves, and each write
// wakes the client.
func (c *limitedConn) joined(write func()) {
	c.joining = true
	write()
	c.joining = false
	if len(c.held) > 0 {
		_, _ = c.Write(nil) // nothing followed; the next write has the error
	}
}

// Write writes p in chunks, each of which the client has to read in time.
func (c *limitedConn) Write(p []byte) (written int, err error) {
	if c.joining && len(c.held) == 0 && len(p) < chunk {
		c.joining = false
		c.held = append(c.held, p...)
		return len(p), nil
	}
	defer c.note(func() { c.writes-- })
	c.note(func() { c.writes++ })
	for {
		next := p[written:min(len(p), written+chunk)]
		if err := c.Conn.SetWriteDeadline(c.chunkDeadline()); err != nil {
			return written, err
		}
		n, err := c.writeAfterHeld(next)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
		c.note(func() {})
	}
}

// writeAfterHeld writes p after what is held, and returns how much of p it wrote.
func (c *limitedConn) writeAfterHeld(p []byte) (int, error) {
	if len(c.held) == 0 {
		return c.Conn.Write(p)
	}
	held := len(c.held)
	both := net.Buffers{c.held, p}
	n, err := both.WriteTo(c.Conn)
	c.held = c.held[:0]
	return max(0, int(n)-held), err
}

func (c *limitedConn) chunkDeadline() time.Time {
	c.deadline.Lock()
	defer c.deadline.Unlock()
	at := time.Now().Add(slowestChunk)
	if !c.deadline.of.IsZero() && c.deadline.of.Before(at) {
		return c.deadline.of
	}
	return at
}

// SetWriteDeadline bounds the whole answer, for which several writes may be needed.
func (c *limitedConn) SetWriteDeadline(t time.Time) error {
	c.deadline.Lock()
	c.deadline.of = t
	c.deadline.Unlock()
	return c.Conn.SetWriteDeadline(t) // also that of a write under way
}

func (c *limitedConn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

func (c *limitedConn) Close() error {
	c.limiter.mu.Lock()
	c.limiter.forget(c)
	c.limiter.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer before it closes.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// reset closes the connection and leaves nothing of it to the kernel, which would
// go on offering what the client does not read. The goroutine that serves it ends it
// in an orderly way.
func (c *limitedConn) reset() {
	if socket, ok := c.Conn.(*net.TCPConn); ok {
		_ = socket.SetLinger(0)
	}
	_ = c.Conn.Close()
}

// limitedConnOf returns what the limiter knows of a connection of the server.
func limitedConnOf(conn net.Conn) *limitedConn {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	limited, _ := conn.(*limitedConn)
	return limited
}

// addressOfClient is who is behind a connection: an IPv4 address, or the network
// that one client of IPv6 has to itself. Other sockets have no such bound.
func addressOfClient(remote net.Addr) string {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return ""
	}
	ip := tcp.AddrPort().Addr().Unmap()
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return ""
	}
	return network.String()
}
