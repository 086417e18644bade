package incidents

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"

	"google.golang.org/grpc/test/bufconn"
)

// network is a network in memory: a real socket would let the time of a bubble stand
// still.
type network struct {
	mu        sync.Mutex
	listeners map[string]*bufconn.Listener
	open      map[string][]net.Conn // by the address that was dialled
	hidden    map[string]bool
}

func newNetwork() *network {
	return &network{listeners: map[string]*bufconn.Listener{}, open: map[string][]net.Conn{}, hidden: map[string]bool{}}
}

func (n *network) listen(address string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := bufconn.Listen(64 << 10)
	n.listeners[address] = l
	return l
}

func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	if n.hidden[address] {
		l = nil
	}
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: kind, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if l == nil {
		return nil, refused
	}
	c, err := l.DialContext(ctx)
	if err != nil {
		return nil, refused // it was closed just now
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[address] = append(n.open[address], c)
	return connection{c, address}, nil
}

// connection knows whom it leads to: a session stays on the address that took it.
type connection struct {
	net.Conn
	address string
}

func (c connection) RemoteAddr() net.Addr { return address(c.address) }

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

// cut ends all connections to an address.
func (n *network) cut(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.open[address] {
		_ = c.Close() // it may be closed already
	}
	delete(n.open, address)
}

// remove takes the listener away: nobody answers there any more.
func (n *network) remove(address string) {
	n.mu.Lock()
	if l := n.listeners[address]; l != nil {
		_ = l.Close()
	}
	delete(n.listeners, address)
	n.mu.Unlock()
	n.cut(address)
}

// hide has an address refuse connections until show, and ends those that are open.
func (n *network) hide(address string) {
	n.mu.Lock()
	n.hidden[address] = true
	n.mu.Unlock()
	n.cut(address)
}

func (n *network) show(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.hidden, address)
}
