package config

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// identity is a certificate that is its own authority.
type identity struct {
	tls.Certificate
	certPEM, keyPEM []byte
}

func newIdentity(t *testing.T, name string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	template.Subject.CommonName = name
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{
		tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}
}

// rotating is a server whose certificate can be exchanged, and a client that
// trusts what is in its CA file.
type rotating struct {
	*httptest.Server
	shown  atomic.Pointer[tls.Certificate]
	caFile string
	client http.RoundTripper
	closed chan struct{} // gets something for every connection that the client closes
}

// telling is a connection that tells when it is closed.
type telling struct {
	net.Conn
	tell func()
}

func (c telling) Close() error {
	c.tell()
	return c.Conn.Close()
}

func (r *rotating) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return telling{connection, sync.OnceFunc(func() { r.closed <- struct{}{} })}, nil
}

func (r *rotating) show(id identity) { r.shown.Store(&id.Certificate) }

func newRotating(t *testing.T, first identity, more string) *rotating {
	t.Helper()
	r := &rotating{caFile: filepath.Join(t.TempDir(), "ca.pem"), closed: make(chan struct{}, 1000)}
	r.show(first)
	r.Server = tlsServer(t, func(c *tls.Config) {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{*r.shown.Load()}, ClientAuth: tls.RequestClientCert}, nil
		}
	})
	write(t, r.caFile, first.certPEM)
	r.client = newTransport(t, edited(t, "http: {tls_config: {ca_file: '"+r.caFile+"'"+more+"}}"), r.dial)
	t.Cleanup(r.client.(interface{ CloseIdleConnections() }).CloseIdleConnections)
	return r
}

func (r *rotating) get(t *testing.T) (string, error) {
	t.Helper()
	return getWith(t, r.client, r.URL)
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func isUnknownAuthority(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }

func TestARotatedCAIsTrustedWithoutAReload(t *testing.T) {
	old, next := newIdentity(t, "old"), newIdentity(t, "next")
	r := newRotating(t, old, "")
	if _, err := r.get(t); err != nil {
		t.Fatal(err)
	}
	// The usual order: first trust both, then change the server, then drop the old.
	write(t, r.caFile, append(append([]byte{}, old.certPEM...), next.certPEM...))
	if _, err := r.get(t); err != nil {
		t.Errorf("with both authorities, the old certificate: %v", err)
	}
	select {
	case <-r.closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection from before the change stays open")
	}
	r.show(next)
	r.CloseClientConnections()
	if _, err := r.get(t); err != nil {
		t.Errorf("with both authorities, the new certificate: %v", err)
	}
	write(t, r.caFile, next.certPEM)
	if _, err := r.get(t); err != nil {
		t.Errorf("with the new authority only: %v", err)
	}
	r.show(old)
	r.CloseClientConnections()
	if _, err := r.get(t); !isUnknownAuthority(err) {
		t.Errorf("the old authority is still trusted: %v", err)
	}
}

func TestAnAuthorityThatIsDroppedLosesItsOpenConnections(t *testing.T) {
	old, next := newIdentity(t, "old"), newIdentity(t, "next")
	r := newRotating(t, old, "")
	if _, err := r.get(t); err != nil {
		t.Fatal(err)
	}
	write(t, r.caFile, next.certPEM)
	if _, err := r.get(t); !isUnknownAuthority(err) {
		t.Errorf("the next request trusts the authority that is gone from the file: %v", err)
	}
}

func TestBrokenTLSFilesLeaveTheLastGoodOnes(t *testing.T) {
	r := newRotating(t, newIdentity(t, "old"), "")
	for name, breakIt := range map[string]func(){
		"half written": func() { write(t, r.caFile, []byte("-----BEGIN CERTIFICATE-----\nMII")) },
		"gone":         func() { os.Remove(r.caFile) },
		"huge":         func() { write(t, r.caFile, make([]byte, maxPEMBytes+1)) },
	} {
		breakIt()
		r.CloseClientConnections()
		if _, err := r.get(t); err != nil {
			t.Errorf("a CA file that is %s: %v", name, err)
		}
	}
}

func TestARotatedClientCertificateIsShownWithoutAReload(t *testing.T) {
	old, next := newIdentity(t, "old"), newIdentity(t, "next")
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	write(t, cert, old.certPEM)
	write(t, key, old.keyPEM)
	r := newRotating(t, newIdentity(t, "server"), ", cert_file: '"+cert+"', key_file: '"+key+"'")
	want := func(when, name string) {
		t.Helper()
		if got, err := r.get(t); err != nil || !strings.HasSuffix(got, "CN="+name) {
			t.Errorf("%s the server sees %q, %v; want CN=%s", when, got, err, name)
		}
	}
	want("at first", "old")
	write(t, cert, next.certPEM)
	want("with a certificate that does not fit the key", "old")
	write(t, key, next.keyPEM)
	want("with both", "next")
}

func TestManyRequestsMeetARotation(t *testing.T) {
	old, next := newIdentity(t, "old"), newIdentity(t, "next")
	r := newRotating(t, old, "")
	both := append(append([]byte{}, old.certPEM...), next.certPEM...)
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			for range 25 {
				if _, err := getWith(t, r.client, r.URL); err != nil {
					t.Errorf("a request in the rotation: %v", err)
				}
			}
		})
	}
	for i := range 50 {
		content := [][]byte{old.certPEM, both}[i%2]
		// Replaced in one step, as a rotation should be.
		write(t, r.caFile+".new", content)
		if err := os.Rename(r.caFile+".new", r.caFile); err != nil {
			t.Error(err)
		}
	}
	requests.Wait()
}
