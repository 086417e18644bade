package icws

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// OneAddress returns a DialFunc whose connections to one host and port all go to
// the address that the first of them reached. A session lives on the server that
// took its log-on: where a name has several addresses, the next connection by name
// would find a server that does not know it. Any goroutine may use the DialFunc.
//
// Behind a proxy it is the proxy that connects; then the proxy's own address stays
// the same, and which server it reaches is up to the proxy.
func OneAddress(dial DialFunc) DialFunc {
	return (&oneAddress{dial: dial, reached: make(map[string]string)}).DialContext
}

type oneAddress struct {
	dial    DialFunc
	mu      sync.Mutex
	reached map[string]string // host and port: address and port
}

// DialContext opens a connection.
func (o *oneAddress) DialContext(ctx context.Context, network, name string) (net.Conn, error) {
	if address := o.keep(name, ""); address != "" {
		return o.dial(ctx, network, address)
	}
	conn, err := o.dial(ctx, network, name)
	if err != nil {
		return nil, err
	}
	address := conn.RemoteAddr().String()
	if reached, _ := netip.ParseAddrPort(address); !reached.IsValid() {
		return conn, nil // not an IP network
	}
	if first := o.keep(name, address); first != address {
		_ = conn.Close() // another connection was faster
		return o.dial(ctx, network, first)
	}
	return conn, nil
}

// keep notes the address of name unless there is one, and returns the one noted.
func (o *oneAddress) keep(name, address string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if first := o.reached[name]; first != "" || address == "" {
		return first
	}
	o.reached[name] = address
	return address
}
