package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers every connection to the address with its name, once for each byte.
func echo(n *memNetwork, addr string) net.Listener {
	l := n.Listen(addr)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for b := make([]byte, 1); ; {
					if _, err := conn.Read(b); err != nil {
						return
					}
					conn.Write([]byte(addr[:1]))
				}
			}()
		}
	}()
	return l
}

func dialMem(t *testing.T, n *memNetwork, addr string) net.Conn {
	t.Helper()
	conn, err := n.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func ask(conn net.Conn) (string, error) {
	if _, err := conn.Write([]byte{1}); err != nil {
		return "", err
	}
	b := make([]byte, 1)
	_, err := io.ReadFull(conn, b)
	return string(b), err
}

func TestMemNetworkRotatesAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNetwork()
		defer echo(n, "1:80").Close()
		defer echo(n, "2:80").Close()
		n.Alias("a:80", "1:80", "2:80")
		seen := ""
		for range 3 {
			conn := dialMem(t, n, "a:80")
			who, err := ask(conn)
			if err != nil {
				t.Fatal(err)
			}
			seen += who
			conn.Close()
		}
		if seen != "121" {
			t.Errorf("%q answered", seen)
		}
	})
}

func TestMemNetworkForgetsIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNetwork()
		defer echo(n, "a:80").Close()
		n.ForgetIdle(50 * time.Second)
		for wait, want := range map[time.Duration]error{49 * time.Second: nil, 51 * time.Second: syscall.ECONNRESET} {
			conn := dialMem(t, n, "a:80")
			time.Sleep(wait)
			if _, err := ask(conn); !errors.Is(err, want) {
				t.Errorf("after %s: %v, want %v", wait, err, want)
			}
			conn.Close()
		}
	})
}

// What was sent into a held network arrives later, also when its sender has closed.
func TestMemNetworkHoldsPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNetwork()
		l := n.Listen("a:80")
		defer l.Close()
		conn := dialMem(t, n, "a:80")
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		n.Hold("a:80")
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("something came through")
		}
		conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.DialContext(ctx, "tcp", "a:80"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dialled: %v", err)
		}
		time.AfterFunc(time.Minute, func() { n.Release("a:80") })
		began := time.Now()
		got, err := io.ReadAll(far)
		if string(got) != "x" || err != nil || time.Since(began) != time.Minute {
			t.Errorf("%q, %v after %s", got, err, time.Since(began))
		}
		synctest.Wait()
		if len(n.conns) != 0 {
			t.Errorf("%d connections are kept", len(n.conns))
		}
	})
}
