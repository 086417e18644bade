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
	url     string
	http    *http.Server
	serving sync.WaitGroup
	failed  chan error // at most one: what ended the socket before close
}

// startSimulation serves sim on address, over HTTPS when tlsConfig is not nil.
// It owns sim from then on, also when it fails.
func startSimulation(address string, sim *icwssim.Server, tlsConfig *tls.Config) (*simulation, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		sim.Close()
		return nil, fmt.Errorf("the simulated server cannot listen on %s, choose another address: %w", address, err)
	}
	s := &simulation{
		Server: sim,
		url:    "http://" + listener.Addr().String(),
		http:   &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute},
		failed: make(chan error, 1),
	}
	if tlsConfig != nil {
		s.url = "https://" + listener.Addr().String()
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
func (s *simulation) close() {
	s.Close()
	_ = s.http.Close() // closing the socket cannot be put right
	s.serving.Wait()
}
