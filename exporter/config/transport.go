package config

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// RoundTripper returns a transport of the server's own. It looks at the files of
// http.tls_config before every request and trusts and shows what is in them then;
// while they cannot be used, what was in them last. Connections that are open,
// such as the stream, live on. dial opens its connections, the one to a proxy
// too; nil means the network. It speaks HTTP/1.1 only, so that the stream has a
// connection to itself (protocol.md, 3.2), and follows no redirects. Any goroutine
// may use it; whoever made it calls its CloseIdleConnections in the end.
func (s Server) RoundTripper(dial func(ctx context.Context, network, addr string) (net.Conn, error)) (http.RoundTripper, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	files, err := s.HTTP.TLS.read()
	if err != nil {
		return nil, fmt.Errorf("http.tls_config: %w", err)
	}
	config, err := s.HTTP.TLS.config(files)
	if err != nil {
		return nil, fmt.Errorf("http.tls_config: %w", err)
	}
	build := func(c *tls.Config) *http.Transport { return s.transport(dial, c) }
	if s.HTTP.TLS.hasFiles() {
		return newFollowing(s.HTTP.TLS, files.digest(), build(config), build), nil
	}
	return build(config), nil
}

func (s Server) transport(dial func(ctx context.Context, network, addr string) (net.Conn, error), config *tls.Config) *http.Transport {
	timeout := time.Duration(s.RequestTimeout)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return dial(ctx, network, addr)
		},
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    timeout,
		ResponseHeaderTimeout:  timeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    2,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		Protocols:              protocols,
	}
	if proxy := s.HTTP.ProxyURL.URL(); proxy != nil {
		transport.Proxy = http.ProxyURL(proxy)
	}
	return transport
}
