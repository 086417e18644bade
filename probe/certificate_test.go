package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	now := time.Now()
	a.cert, a.key = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "CA of the test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(48 * time.Hour),
	})
	return a
}

// sign makes a certificate of the template; the first one signs itself.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// issue makes the certificate of a server of that address.
func (a *authority) issue(address string, notAfter time.Time) *tls.Certificate {
	cert, key := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "server of the test"}, IPAddresses: []net.IP{net.ParseIP(address)},
		NotBefore: notAfter.Add(-24 * time.Hour), NotAfter: notAfter,
	})
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serveTLS puts the simulator on a socket, behind the relay. Each handshake shows
// the certificate of that moment.
func (r *networkRig) serveTLS(trusted *authority, shown *atomic.Pointer[tls.Certificate]) *networkRig {
	server := httptest.NewUnstartedServer(r.sim)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes
	server.TLS = &tls.Config{
		// Asked for each handshake, also one that names no host.
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}}, nil
		},
	}
	server.StartTLS()
	r.t.Cleanup(server.Close)
	r.relay = newRelay(r.t, server.Listener.Addr().String())
	r.rt.TLSClientConfig = &tls.Config{RootCAs: trusted.pool()}
	return r
}

// isRefused waits until the probe says what is wrong with the certificate.
func (r *networkRig) isRefused(says string) {
	r.t.Helper()
	r.eventually("refused because of TLS", func() bool {
		reason := r.probe.Snapshot().Reason
		return r.isAway() && r.seen.get("failed tls") > 1 && strings.Contains(reason, says)
	})
}

// untrusted are the certificates that no password may be sent to.
func untrusted(t *testing.T, trusted *authority) map[string]struct {
	cert *tls.Certificate
	says string
} {
	now := time.Now()
	return map[string]struct {
		cert *tls.Certificate
		says string
	}{
		"expired":           {trusted.issue("127.0.0.1", now.Add(-time.Hour)), "expired"},
		"not yet valid":     {trusted.issue("127.0.0.1", now.Add(36*time.Hour)), "not yet valid"},
		"wrong host":        {trusted.issue("192.0.2.1", now.Add(time.Hour)), "not 127.0.0.1"},
		"unknown authority": {newAuthority(t).issue("127.0.0.1", now.Add(time.Hour)), "unknown authority"},
	}
}

func TestCertificateThatIsNotTrustedGetsNoPassword(t *testing.T) {
	trusted := newAuthority(t)
	for name, bad := range untrusted(t, trusted) {
		t.Run(name, func(t *testing.T) {
			eachTransportOverSockets(t, func(t *testing.T, mode TransportMode) {
				var shown atomic.Pointer[tls.Certificate]
				shown.Store(bad.cert)
				r := newNetworkRig(t, mode).serveTLS(trusted, &shown)
				r.start("https")
				r.isRefused(bad.says)
				if journal := r.sim.Journal(); len(journal) != 0 {
					t.Errorf("requests reached the server: %+v", journal)
				}

				shown.Store(trusted.issue("127.0.0.1", time.Now().Add(time.Hour)))
				r.isLive("with the right certificate")
				r.leavesNothing()
			})
		})
	}
}

func TestCertificateRenewedWhileRunningHeals(t *testing.T) {
	eachTransportOverSockets(t, func(t *testing.T, mode TransportMode) {
		trusted := newAuthority(t)
		var shown atomic.Pointer[tls.Certificate]
		shown.Store(trusted.issue("127.0.0.1", time.Now().Add(time.Hour)))
		r := newNetworkRig(t, mode).serveTLS(trusted, &shown)
		r.start("https")
		r.isLive("with a good certificate")

		shown.Store(trusted.issue("127.0.0.1", time.Now().Add(-time.Minute)))
		logOns := r.sim.LogOns()["svc-prom"]
		r.relay.strike(resets)
		r.isRefused("expired")
		if n := r.sim.LogOns()["svc-prom"] - logOns; n != 0 {
			t.Errorf("%d log-ons with an expired certificate", n)
		}

		renewed := trusted.issue("127.0.0.1", time.Now().Add(2*time.Hour))
		shown.Store(renewed)
		r.isLive("with the renewed certificate")
		if s := r.probe.Snapshot(); !s.CertificateNotAfter().Equal(renewed.Leaf.NotAfter) {
			t.Errorf("the certificate's end is shown as %s, it is %s", s.CertificateNotAfter(), renewed.Leaf.NotAfter)
		}
		r.leavesNothing()
	})
}

// https asked of a server that speaks http: a wrong URL, told as such.
func TestPlainServerAskedForTLSIsToldApart(t *testing.T) {
	r := newNetworkRig(t, ModeAuto).serve()
	r.start("https")
	r.isRefused("does not look like a TLS handshake")
	if n := len(r.sim.LogOns()); n != 0 {
		t.Errorf("%d users logged on", n)
	}
}

// A session can live for months on its open connections. The certificate that the
// server got meanwhile is seen all the same.
func TestRenewedCertificateIsSeenInTheSameSession(t *testing.T) {
	eachTransport(t, func(t *testing.T, mode TransportMode) {
		trusted := newAuthority(t)
		var shown atomic.Pointer[tls.Certificate]
		first := trusted.issue("127.0.0.1", time.Now().Add(20*time.Hour))
		shown.Store(first)
		cfg := testConfig(mode, "127.0.0.1")
		cfg.URL = "https://{host}:8019"
		r := newRig(t, cfg)
		sim := r.serve("127.0.0.1", icwssim.Options{})
		server := &http.Server{Handler: sim}
		r.servers["with TLS"] = server
		go server.Serve(tls.NewListener(r.net.Listen("127.0.0.1:8019"), &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.Load(), nil },
		}))
		r.rt.TLSClientConfig = &tls.Config{RootCAs: trusted.pool()}
		r.start()
		r.pass(2 * time.Minute)
		r.equalsTruth(sim)
		if at := r.probe.Snapshot().CertificateNotAfter(); !at.Equal(first.Leaf.NotAfter) {
			t.Fatalf("the certificate's end is shown as %s, it is %s", at, first.Leaf.NotAfter)
		}
		renewed := trusted.issue("127.0.0.1", time.Now().Add(22*time.Hour))
		shown.Store(renewed)
		r.pass(time.Hour)
		if at := r.probe.Snapshot().CertificateNotAfter(); !at.Equal(renewed.Leaf.NotAfter) {
			t.Errorf("the certificate's end is shown as %s, it is %s", at, renewed.Leaf.NotAfter)
		}
		r.count("opens", 1)
		r.state(StateLive)
	})
}
