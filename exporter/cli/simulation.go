package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"icws_exporter/probe/icwssim"
)

// simulation is a simulated server on a socket.
type simulation struct {
	*icwssim.Server
	*socket
}

// simulations are the simulated servers of a demo.
type simulations []*simulation

// start starts one more, over HTTPS when tlsConfig is not nil.
func (all *simulations) start(o icwssim.Options, tlsConfig *tls.Config) (*simulation, error) {
	sim := icwssim.New(o)
	s, err := openSocket("127.0.0.1:0", sim, tlsConfig)
	if err != nil {
		return nil, err
	}
	*all = append(*all, &simulation{sim, s})
	return (*all)[len(*all)-1], nil
}

func (all simulations) sessions() (n int) {
	for _, s := range all {
		n += len(s.Sessions())
	}
	return n
}

func (all simulations) close() {
	for _, s := range all {
		s.close()
	}
}

// socket is where a simulated server is served.
type socket struct {
	sim       *icwssim.Server
	host, url string // host:port
	http      *http.Server
	serving   sync.WaitGroup
	failed    chan error // at most one: what ended the socket before close
}

// openSocket serves sim on address. It owns sim from then on, also when it fails.
func openSocket(address string, sim *icwssim.Server, tlsConfig *tls.Config) (*socket, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		sim.Close()
		return nil, fmt.Errorf("the simulated server cannot listen on %s, choose another address: %w", address, err)
	}
	s := &socket{
		sim:    sim,
		host:   listener.Addr().String(),
		http:   &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute},
		failed: make(chan error, 1),
	}
	s.url = "http://" + s.host
	if tlsConfig != nil {
		s.url = "https://" + s.host
		listener = tls.NewListener(listener, tlsConfig)
	}
	s.serving.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the simulated server at %s stopped: %w", s.url, err)
		}
	})
	return s, nil
}

// close ends the streams and the socket and waits for every goroutine.
func (s *socket) close() {
	s.sim.Close()
	_ = s.http.Close() // closing the socket cannot be put right
	s.serving.Wait()
}
