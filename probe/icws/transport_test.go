package icws

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
)

// reachedAt is a connection to an address.
type reachedAt struct {
	net.Conn
	address string
	closed  func(address string)
}

func (c reachedAt) RemoteAddr() net.Addr { return namedAddr(c.address) }
func (c reachedAt) Close() error         { c.closed(c.address); return nil }

type namedAddr string

func (namedAddr) Network() string  { return "tcp" }
func (a namedAddr) String() string { return string(a) }

// Two first connections at the same time that reach different addresses: one of
// them is given up for the other's address.
func TestConcurrentDialsEndOnOneAddress(t *testing.T) {
	var mu sync.Mutex
	var closed []string
	var both sync.WaitGroup
	both.Add(2)
	next := make(chan string, 2)
	next <- "192.0.2.1:8019"
	next <- "192.0.2.2:8019"
	dial := OneAddress(func(_ context.Context, _, address string) (net.Conn, error) {
		if address == "cic:8019" {
			address = <-next
			both.Done()
			both.Wait()
		}
		return reachedAt{address: address, closed: func(address string) {
			mu.Lock()
			defer mu.Unlock()
			closed = append(closed, address)
		}}, nil
	})
	var reached [2]string
	var dialling sync.WaitGroup
	for i := range reached {
		dialling.Go(func() {
			conn, err := dial(t.Context(), "tcp", "cic:8019")
			if err != nil {
				t.Error(err)
				return
			}
			reached[i] = conn.RemoteAddr().String()
		})
	}
	dialling.Wait()
	if reached[0] != reached[1] || len(closed) != 1 || slices.Contains(closed, reached[0]) {
		t.Errorf("reached %q, closed %q; want one address and the connection to the other one closed", reached, closed)
	}
}

// An address that was never reached is not kept.
func TestADialThatFailedIsForgotten(t *testing.T) {
	var asked []string
	dial := OneAddress(func(_ context.Context, _, address string) (net.Conn, error) {
		asked = append(asked, address)
		return nil, errors.New("nobody there")
	})
	for range 2 {
		if _, err := dial(t.Context(), "tcp", "cic:8019"); err == nil {
			t.Fatal("connected")
		}
	}
	if want := []string{"cic:8019", "cic:8019"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}
