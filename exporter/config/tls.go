package config

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	promconfig "github.com/prometheus/common/config"

	"icws_exporter/exporter/files"
)

const maxPEMBytes = 1 << 20

// pemFiles are the contents of the files that a TLS names, nil for none.
type pemFiles struct{ ca, cert, key []byte }

func (t TLS) hasFiles() bool { return t.CAFile != "" || t.CertFile != "" }

// read reads the files. Its errors name the key, and no path.
func (t TLS) read() (pemFiles, error) {
	var read pemFiles
	for _, file := range []struct {
		key, path string
		content   *[]byte
	}{{"ca_file", t.CAFile, &read.ca}, {"cert_file", t.CertFile, &read.cert}, {"key_file", t.KeyFile, &read.key}} {
		if file.path == "" {
			continue
		}
		content, err := files.Read(file.path, maxPEMBytes)
		if err != nil {
			return pemFiles{}, fmt.Errorf("%s cannot be read: %w", file.key, err)
		}
		*file.content = content
	}
	return read, nil
}

// digest tells contents apart without keeping a key in memory for it.
func (f pemFiles) digest() [sha256.Size]byte {
	digest := sha256.New()
	for _, content := range [][]byte{f.ca, f.cert, f.key} {
		_, _ = fmt.Fprintf(digest, "%d:%s", len(content), content) // a hash takes everything
	}
	return [sha256.Size]byte(digest.Sum(nil))
}

func (t TLS) config(files pemFiles) (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName, MinVersion: uint16(promconfig.TLSVersions[t.MinVersion])}
	if t.CAFile != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(files.ca) {
			return nil, errors.New("no certificate is in ca_file")
		}
	}
	if t.CertFile != "" {
		certificate, err := tls.X509KeyPair(files.cert, files.key)
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	return config, nil
}

// trust is whom to trust and what to show, and the digest of the files that said so.
type trust struct {
	config *tls.Config
	digest [sha256.Size]byte
}

// now looks at the files, which are small, and returns what is in them. Files that
// are gone or half written change nothing.
func (t *Transports) now() *trust {
	current := t.trust.Load()
	files, err := t.server.HTTP.TLS.read()
	if err != nil {
		return current
	}
	digest := files.digest()
	if digest == current.digest {
		return current
	}
	config, err := t.server.HTTP.TLS.config(files)
	if err != nil {
		return current
	}
	next := &trust{config, digest}
	if !t.trust.CompareAndSwap(current, next) {
		return t.trust.Load() // another goroutine was faster
	}
	return next
}

// following is a transport that follows the files of http.tls_config: when their
// content has changed, it goes on with a new http.Transport.
type following struct {
	from    *Transports
	build   func(*tls.Config) *http.Transport
	current atomic.Pointer[builtTransport]
}

// builtTransport is an http.Transport and the trust that it was built with.
type builtTransport struct {
	*http.Transport
	trust *trust
}

func newFollowing(from *Transports, build func(*tls.Config) *http.Transport) *following {
	f := &following{from: from, build: build}
	trust := from.now()
	f.current.Store(&builtTransport{build(trust.config), trust})
	return f
}

// RoundTrip implements http.RoundTripper.
func (f *following) RoundTrip(r *http.Request) (*http.Response, error) {
	return f.transport().RoundTrip(r)
}

// CloseIdleConnections closes the connections that no request uses.
func (f *following) CloseIdleConnections() { f.current.Load().CloseIdleConnections() }

func (f *following) transport() *builtTransport {
	current, trust := f.current.Load(), f.from.now()
	if trust == current.trust {
		return current
	}
	next := &builtTransport{f.build(trust.config), trust}
	if !f.current.CompareAndSwap(current, next) {
		return f.current.Load() // another goroutine was faster
	}
	current.CloseIdleConnections()
	return next
}

// checkTLS reads the files now, so that a wrong one is found before the start.
// The key belongs to those who watch the server; so only they check it.
func (r *resolver) checkTLS(s Server, fields map[string]field, bad map[string]bool) {
	const ca, cert, key = "http.tls_config.ca_file", "http.tls_config.cert_file", "http.tls_config.key_file"
	t := s.HTTP.TLS
	if t.CAFile != "" && !bad[ca] {
		pem, err := r.readPEM(t.CAFile)
		switch {
		case err != nil:
			r.add(fields[ca].at, "cannot be read (%v); expected a PEM file that the exporter's user may read", err)
		case !x509.NewCertPool().AppendCertsFromPEM(pem):
			r.add(fields[ca].at, "no certificate is in the file; expected CA certificates in PEM")
		}
	}
	switch {
	case bad[cert] || bad[key]:
	case t.CertFile != "" && t.KeyFile == "":
		r.add(fields[cert].at, "there is no key_file; expected both or neither")
	case t.CertFile == "" && t.KeyFile != "":
		r.add(fields[key].at, "there is no cert_file; expected both or neither")
	case t.CertFile != "" && r.watches(s.Name):
		if err := r.checkKeyPair(t.CertFile, t.KeyFile); err != nil {
			r.add(fields[cert].at, "certificate and key cannot be used (%v); expected a PEM certificate and its PEM key", err)
		}
	}
}

func (r *resolver) checkKeyPair(certFile, keyFile string) error {
	cert, err := r.readPEM(certFile)
	if err != nil {
		return err
	}
	key, err := r.readPEM(keyFile)
	if err != nil {
		return err
	}
	_, err = tls.X509KeyPair(cert, key)
	return err
}

// readPEM reads a file whose content is part of the configuration.
func (r *resolver) readPEM(path string) ([]byte, error) {
	content, err := files.Read(path, maxPEMBytes)
	_, _ = fmt.Fprintf(r.content, "%d:%s", len(content), content) // a hash takes everything
	return content, err
}
