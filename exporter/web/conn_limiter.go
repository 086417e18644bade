package web

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// connLimiter bounds the open connections of one http.Server. When there are more, it
// closes the one that has waited longest for its client to send something, so that
// clients who connect and then keep silent cannot shut out the others. A connection
// with a request under way is never closed: when all have one, the newest is closed,
// because it alone waits.
type connLimiter struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // nil while a request is under way
	// waiting are the connections that wait for their clients, the longest first.
	waiting *list.List
}

func newConnLimiter(limit int) *connLimiter {
	return &connLimiter{limit: limit, open: make(map[net.Conn]*list.Element), waiting: list.New()}
}

// note is the ConnState of the server.
func (c *connLimiter) note(conn net.Conn, state http.ConnState) {
	if surplus := c.update(conn, state); surplus != nil {
		_ = surplus.Close() // its own goroutine ends it in an orderly way
	}
}

// update returns the connection that is one too many, or nil.
func (c *connLimiter) update(conn net.Conn, state http.ConnState) (surplus net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place := c.open[conn]; place != nil {
		c.waiting.Remove(place)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.waiting.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	default: // closed or hijacked
		delete(c.open, conn)
	}
	longest := c.waiting.Front()
	if len(c.open) <= c.limit || longest == nil {
		return nil
	}
	c.waiting.Remove(longest)
	surplus = longest.Value.(net.Conn)
	delete(c.open, surplus)
	return socketOf(surplus)
}

// socketOf is what to close: the end of TLS would first be said to the client, who
// may not listen.
func socketOf(conn net.Conn) net.Conn {
	if secure, ok := conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return conn
}
