package config

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	promconfig "github.com/prometheus/common/config"

	"icws_exporter/exporter/files"
)

const maxPEMBytes = 1 << 20

// pemFiles are the contents of the files that a TLS names, nil for none.
type pemFiles struct{ ca, cert, key []byte }

func (t TLS) hasFiles() bool { return t.CAFile != "" || t.CertFile != "" }

// pemFile is one of the files that a TLS names: its key below http.tls_config, its
// path, and what should stand in it.
type pemFile struct {
	key, path, want string
	content         *[]byte
}

// named are the files that t names. What is read from them goes into f.
func (f *pemFiles) named(t TLS) []pemFile {
	return slices.DeleteFunc([]pemFile{
		{"ca_file", t.CAFile, "a PEM file that the exporter's user may read", &f.ca},
		{"cert_file", t.CertFile, "a PEM certificate", &f.cert},
		{"key_file", t.KeyFile, "the PEM key of the certificate", &f.key},
	}, func(file pemFile) bool { return file.path == "" })
}

// readPEM reads the files. Its errors name the key and the path.
func (s Server) readPEM() (pemFiles, error) {
	var read pemFiles
	for _, file := range read.named(s.HTTP.TLS) {
		content, err := files.Read(file.path, maxPEMBytes)
		if err != nil {
			return pemFiles{}, fmt.Errorf("%s: %s cannot be read: %w", s.tlsKey(file.key), files.Absolute(file.path), err)
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

// tlsKey is what the operator calls a key of http.tls_config.
func (s Server) tlsKey(key string) string {
	if s.ByFlags && key == "ca_file" {
		return "--ca-file"
	}
	return "http.tls_config." + key
}

// tlsConfig returns nil for what an http.Transport does by itself: most servers.
func (s Server) tlsConfig(read pemFiles) (*tls.Config, error) {
	t := s.HTTP.TLS
	if t == (TLS{}) {
		return nil, nil
	}
	config := &tls.Config{ServerName: t.ServerName, MinVersion: uint16(promconfig.TLSVersions[t.MinVersion])}
	if t.CAFile != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(read.ca) {
			return nil, fmt.Errorf("%s: no certificate is in %s", s.tlsKey("ca_file"), files.Absolute(t.CAFile))
		}
	}
	if t.CertFile != "" {
		certificate, err := tls.X509KeyPair(read.cert, read.key)
		if err != nil {
			return nil, fmt.Errorf("%s and key_file: %w", s.tlsKey("cert_file"), err)
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
	files, err := t.server.readPEM()
	if err != nil {
		return current
	}
	digest := files.digest()
	if digest == current.digest {
		return current
	}
	config, err := t.server.tlsConfig(files)
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

// checkTLS reads the files now, so that a wrong one is found before the start. They
// belong to those who watch the server; so only they check them.
func (r *resolver) checkTLS(s Server, fields map[string]field, bad map[string]bool) {
	const prefix, cert, key = "http.tls_config.", "http.tls_config.cert_file", "http.tls_config.key_file"
	t := s.HTTP.TLS
	switch {
	case bad[cert] || bad[key]:
		t.CertFile, t.KeyFile = "", ""
	case t.CertFile != "" && t.KeyFile == "":
		r.add(fields[cert].at, "there is no key_file; expected both or neither")
	case t.CertFile == "" && t.KeyFile != "":
		r.add(fields[key].at, "there is no cert_file; expected both or neither")
	}
	if !r.watches(s.Name) {
		return
	}
	var read pemFiles
	for _, file := range read.named(t) {
		if f := fields[prefix+file.key]; !bad[prefix+file.key] {
			content, err := files.Read(file.path, maxPEMBytes)
			_, _ = fmt.Fprintf(r.content, "%d:%s", len(content), content) // a hash takes everything
			if err != nil {
				r.add(f.at, "cannot be read (%v): %s; expected %s", err, r.tried(f.value.Value, file.path), file.want)
			}
			*file.content = content
		}
	}
	if read.ca != nil && !x509.NewCertPool().AppendCertsFromPEM(read.ca) {
		r.add(fields[prefix+"ca_file"].at, "no certificate is in the file; expected certificates in PEM (Base64)")
	}
	if read.cert != nil && read.key != nil {
		if _, err := tls.X509KeyPair(read.cert, read.key); err != nil {
			r.add(fields[cert].at, "certificate and key cannot be used (%v); expected a PEM certificate and its PEM key", err)
		}
	}
}
