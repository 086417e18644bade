package config

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"icws_exporter/probe/icws"
)

// Transports makes the transports of one server. Any goroutine may use it.
type Transports struct {
	server *Server
	dial   icws.DialFunc
	// trust is what was in the files of http.tls_config when they could last be used.
	trust atomic.Pointer[trust]
}

// Transports returns what makes the transports of the server. dial opens their
// connections, those to a proxy too; nil means the network. The error says which
// file of http.tls_config cannot be used. Nobody may change the server afterwards.
func (s *Server) Transports(dial icws.DialFunc) (*Transports, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t := &Transports{server: s, dial: dial}
	files, err := s.readPEM()
	if err != nil {
		return nil, err
	}
	config, err := s.tlsConfig(files)
	if err != nil {
		return nil, err
	}
	t.trust.Store(&trust{config: config, digest: files.digest()})
	return t, nil
}

// New returns a transport with connections of its own, for one session or one look
// at a host. All of them go to the address that the first of them reached
// (icws.OneAddress). It looks at the files of http.tls_config before every request
// and trusts and shows what is in them then; while they cannot be used, what was in
// them last. Connections that are open, such as the stream, live on. It speaks
// HTTP/1.1 only, so that the stream has a connection to itself (protocol.md, 3.2),
// and follows no redirects. Any goroutine may use it; whoever made it calls its
// CloseIdleConnections in the end.
func (t *Transports) New() http.RoundTripper {
	dial := icws.OneAddress(t.dial)
	build := func(c *tls.Config) *http.Transport { return t.server.transport(dial, c) }
	if t.server.HTTP.TLS.hasFiles() {
		return newFollowing(t, build)
	}
	return build(t.trust.Load().config)
}

// keepConnection is how long beyond the interval of polls an idle connection is kept.
const keepConnection = 3 * time.Second

func (s Server) transport(dial icws.DialFunc, config *tls.Config) *http.Transport {
	timeout := s.RequestTimeout
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return dial(ctx, network, addr)
		},
		TLSClientConfig:     config,
		TLSHandshakeTimeout: timeout,
		// Polls share a connection. Beside a stream none is kept from one check to the
		// next: it would cost two goroutines and the buffers.
		IdleConnTimeout:        s.PollInterval + keepConnection,
		MaxIdleConnsPerHost:    2,
		WriteBufferSize:        1 << 10, // most requests are shorter
		ReadBufferSize:         2 << 10, // whoever reads a body has a larger one
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		Protocols:              protocols,
	}
	if proxy := s.HTTP.ProxyURL.URL(); proxy != nil {
		transport.Proxy = http.ProxyURL(proxy)
	}
	return transport
}
