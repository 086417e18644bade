package config

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"time"

	promconfig "github.com/prometheus/common/config"
)

const maxPEMBytes = 1 << 20

// RoundTripper returns a transport of the server's own, which reads the CA file
// now and the client certificate at every handshake. dial opens its connections,
// the one to a proxy too; nil means the network. It speaks HTTP/1.1 only, so that
// the stream has a connection to itself (protocol.md, 3.2), and follows no
// redirects. Any goroutine may use it; whoever made it calls its
// CloseIdleConnections in the end.
func (s Server) RoundTripper(dial func(ctx context.Context, network, addr string) (net.Conn, error)) (http.RoundTripper, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	tlsConfig, err := s.HTTP.TLS.config()
	if err != nil {
		return nil, fmt.Errorf("http.tls_config: %w", err)
	}
	timeout := time.Duration(s.RequestTimeout)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return dial(ctx, network, addr)
		},
		TLSClientConfig:        tlsConfig,
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
	return transport, nil
}

func (t TLS) config() (*tls.Config, error) {
	return promconfig.NewTLSConfig(&promconfig.TLSConfig{
		CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName,
		MinVersion: promconfig.TLSVersions[t.MinVersion],
	})
}

// checkTLS reads the files now, so that a wrong one is found before the start,
// and remembers the content of the CA file.
func (r *resolver) checkTLS(s *Server, fields map[string]field, bad map[string]bool) {
	const ca, cert, key = "http.tls_config.ca_file", "http.tls_config.cert_file", "http.tls_config.key_file"
	t := s.HTTP.TLS
	if t.CAFile != "" && !bad[ca] {
		pem, err := readWhole(t.CAFile, maxPEMBytes)
		switch {
		case err != nil:
			r.add(fields[ca].at, "cannot be read (%v); expected a PEM file that the exporter's user may read", err)
		case !x509.NewCertPool().AppendCertsFromPEM(pem):
			r.add(fields[ca].at, "no certificate is in the file; expected CA certificates in PEM")
		}
		s.authorities = fmt.Sprintf("%x", sha256.Sum256(pem))
	}
	switch {
	case bad[cert] || bad[key]:
	case t.CertFile != "" && t.KeyFile == "":
		r.add(fields[cert].at, "there is no key_file; expected both or neither")
	case t.CertFile == "" && t.KeyFile != "":
		r.add(fields[key].at, "there is no cert_file; expected both or neither")
	case t.CertFile != "":
		if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			r.add(fields[cert].at, "certificate and key cannot be used (%v); expected a PEM certificate and its PEM key", withoutPath(err))
		}
	}
}
