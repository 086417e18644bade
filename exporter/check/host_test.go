package check

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

// file is the authority's certificate for ca_file.
func (a authority) file(t *testing.T) string {
	return writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})))
}

// sign makes a certificate for a name or address.
func (a authority) sign(t *testing.T, name string, notAfter time.Time) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-100 * time.Hour), NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// signLike makes a certificate for 127.0.0.1, as edit changes it, with a key of its own.
func signLike(t *testing.T, parent *x509.Certificate, parentKey crypto.Signer, edit func(*x509.Certificate)) (tls.Certificate, *x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "cic.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	edit(template)
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, c, key
}

func pemFile(t *testing.T, c *x509.Certificate) string {
	return writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
}

// What makes a certificate useless is said as it is, and not as a certificate that
// ca_file or server_name would repair.
func TestUselessCertificatesAreExplained(t *testing.T) {
	a := newAuthority(t)
	_, noCA, noCAKey := signLike(t, nil, nil, func(c *x509.Certificate) { c.Subject.CommonName, c.SerialNumber = "No Authority", big.NewInt(9) })
	_, ca, caKey := signLike(t, nil, nil, func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA, c.KeyUsage, c.ExtKeyUsage = "RSA Authority", true, x509.KeyUsageCertSign, nil
	})
	noSAN, _, _ := signLike(t, a.certificate, a.key, func(c *x509.Certificate) { c.IPAddresses = nil })
	clientOnly, _, _ := signLike(t, a.certificate, a.key, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	sha1, _, _ := signLike(t, ca, caKey, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })
	ofNoCA, _, _ := signLike(t, noCA, noCAKey, func(*x509.Certificate) {})
	rsaOnly, _, _ := signLike(t, a.certificate, a.key, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment })
	for name, test := range map[string]struct {
		config *tls.Config
		ca     string
		want   []string
	}{
		"no SAN":            {&tls.Config{Certificates: []tls.Certificate{noSAN}}, a.file(t), []string{"no subject alternative name", "with 127.0.0.1", "no setting"}},
		"SHA-1":             {&tls.Config{Certificates: []tls.Certificate{sha1}}, pemFile(t, ca), []string{"signed with SHA1-RSA", "SHA-256", "no setting"}},
		"SHA-1 and unknown": {&tls.Config{Certificates: []tls.Certificate{sha1}}, a.file(t), []string{"signed with SHA1-RSA", "SHA-256"}},
		"no CA":             {&tls.Config{Certificates: []tls.Certificate{ofNoCA}}, pemFile(t, noCA), []string{"the certificate of No Authority signed", "no CA certificate", "server's own certificate as http.tls_config.ca_file"}},
		"client only":       {&tls.Config{Certificates: []tls.Certificate{clientOnly}}, a.file(t), []string{"not for servers", "serverAuth"}},
		"RSA key exchange": {&tls.Config{
			Certificates: []tls.Certificate{rsaOnly}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256},
		}, a.file(t), []string{"GODEBUG=tlsrsakex=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, t.Context(), serveTLS(t, test.config), Options{}, "http: {tls_config: {ca_file: '"+test.ca+"'}}")
			wantStep(t, r, StepTLS, Failed, test.want...)
		})
	}
}

func serveTLS(t *testing.T, config *tls.Config) string {
	t.Helper()
	sim := icwssim.New(icwssim.Options{User: testUser, Password: testPassword})
	server := httptest.NewUnstartedServer(sim)
	server.Config.ErrorLog = discarded
	server.TLS = config
	server.StartTLS()
	t.Cleanup(func() { sim.Close(); server.Close() })
	return server.URL
}

func TestTLSIsExplained(t *testing.T) {
	a := newAuthority(t)
	year, week := time.Now().Add(365*24*time.Hour), time.Now().Add(7*24*time.Hour)
	trusted := "http: {tls_config: {ca_file: '" + a.file(t) + "'}}"
	named := "http: {tls_config: {ca_file: '" + a.file(t) + "', server_name: cic.example.com}}"
	for name, test := range map[string]struct {
		config  *tls.Config
		setting string
		status  Status
		want    []string
	}{
		"good":         {&tls.Config{Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", year)}}, trusted, OK, []string{"certificate of 127.0.0.1, issued by Test Authority", "TLS 1.3"}},
		"by name":      {&tls.Config{Certificates: []tls.Certificate{a.sign(t, "cic.example.com", year)}}, named, OK, []string{"cic.example.com"}},
		"soon":         {&tls.Config{Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", week)}}, trusted, Warning, []string{"expires in 6 days", "renew"}},
		"expired":      {&tls.Config{Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", time.Now().Add(-time.Hour))}}, trusted, Failed, []string{"expired", "clock"}},
		"unknown":      {&tls.Config{Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", year)}}, "site: us", Failed, []string{"signed by Test Authority", "ca_file"}},
		"self-signed":  {nil, "site: us", Failed, []string{"signed by itself", "ca_file"}},
		"other name":   {&tls.Config{Certificates: []tls.Certificate{a.sign(t, "cic.example.com", year)}}, trusted, Failed, []string{"is for cic.example.com", "server_name"}},
		"old versions": {&tls.Config{Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", year)}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, trusted, Failed, []string{"min_version"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, t.Context(), serveTLS(t, test.config), Options{}, test.setting)
			wantStep(t, r, StepTLS, test.status, test.want...)
			if test.status == Failed {
				wantStep(t, r, StepVersion, Skipped)
				wantStep(t, r, StepLogOn, Skipped, "no host can be reached")
			} else if !r.OK {
				t.Error("the check failed")
			}
		})
	}
}

// With TLS 1.3 a client that shows no certificate learns of it with the answer.
func TestAServerThatWantsOurCertificate(t *testing.T) {
	a := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		url := serveTLS(t, &tls.Config{
			Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", time.Now().Add(1000*time.Hour))},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version,
		})
		r := run(t, t.Context(), url, Options{}, "http: {tls_config: {ca_file: '"+a.file(t)+"'}}")
		said := ""
		for _, s := range r.Steps {
			said += s.Advice
		}
		// The alert may be lost when the server hangs up before we have written.
		cut := version == tls.VersionTLS13 && strings.Contains(said, "connection was cut")
		if r.OK || !strings.Contains(said, "cert_file") && !cut {
			t.Errorf("%s: the advice is %q", tls.VersionName(version), said)
		}
	}
}

func TestSchemeAndPortMixedUp(t *testing.T) {
	_, plain := simulated(t, icwssim.Options{})
	r := run(t, t.Context(), strings.Replace(plain, "http:", "https:", 1), Options{})
	wantStep(t, r, StepTLS, Failed, "plain HTTP", "8018")

	secure := strings.Replace(serveTLS(t, nil), "https:", "http:", 1)
	r = run(t, t.Context(), secure, Options{})
	wantStep(t, r, StepTLS, Warning, "in the clear")
	wantStep(t, r, StepVersion, Failed, "https://", "8019")

	alert := raw(t, func(c net.Conn) { _, _ = c.Write([]byte("\x15\x03\x01\x00\x02\x02\x0a")) })
	wantStep(t, run(t, t.Context(), "http://"+alert, Options{}), StepVersion, Failed, "https://")
	mute := raw(t, func(net.Conn) {})
	wantStep(t, run(t, t.Context(), "http://"+mute, Options{}), StepVersion, Failed, "https://")
	wantStep(t, run(t, t.Context(), "https://"+mute, Options{}), StepTLS, Failed, "cut")
}

// raw listens, reads a little from every client, answers and hangs up.
func raw(t *testing.T, answer func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1<<12))
			answer(c)
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return l.Addr().String()
}

func TestNothingThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	r := run(t, t.Context(), "http://"+closed, Options{})
	wantStep(t, r, StepTCP, Failed, "refused", "8019")
	wantStep(t, r, StepVersion, Skipped)

	r = run(t, t.Context(), "https://no-such-host.invalid:8019", Options{})
	wantStep(t, r, StepDNS, Failed)
	wantStep(t, r, StepTCP, Skipped)
	wantStep(t, r, StepLogOn, Skipped)
}

func TestANameIsLookedUp(t *testing.T) {
	_, url := simulated(t, icwssim.Options{})
	r := run(t, t.Context(), strings.Replace(url, "127.0.0.1", "localhost", 1), Options{})
	wantStep(t, r, StepDNS, OK, "localhost is ", "127.0.0.1")
	wantStep(t, r, StepTCP, OK, "connected to 127.0.0.1:")
}

// One dead host of a pair does not keep the other from being checked, and is told.
func TestADeadStandby(t *testing.T) {
	_, url := simulated(t, icwssim.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	_ = l.Close()
	r := run(t, t.Context(), "http://{host}", Options{}, "hosts: ['"+dead+"', '"+strings.TrimPrefix(url, "http://")+"']")
	if r.OK || stepsOf(r, StepTCP)[0].Status != Failed || stepsOf(r, StepTCP)[1].Status != OK {
		t.Errorf("ok %t, %+v", r.OK, stepsOf(r, StepTCP))
	}
	wantStep(t, r, StepFirstMessage, OK)
}

// proxy opens ways with CONNECT and forwards plain requests; refusal, unless
// empty, is its answer to everything instead.
func proxy(t *testing.T, refusal string) (address string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	var mu sync.Mutex
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				request, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				mu.Lock()
				*asked = append(*asked, request.Method+" "+request.Host)
				mu.Unlock()
				if refusal != "" {
					_, _ = io.WriteString(c, "HTTP/1.1 "+refusal+"\r\nContent-Length: 0\r\n\r\n")
					return
				}
				there, err := net.Dial("tcp", request.Host)
				if err != nil {
					return
				}
				defer there.Close()
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				serving.Go(func() { _, _ = io.Copy(there, c); _ = there.Close() })
				_, _ = io.Copy(c, there)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return l.Addr().String(), asked
}

func TestThroughAProxy(t *testing.T) {
	a := newAuthority(t)
	url := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{a.sign(t, "127.0.0.1", time.Now().Add(1000*time.Hour))}})
	ca := "tls_config: {ca_file: '" + a.file(t) + "'}"
	open, _ := proxy(t, "")
	r := run(t, t.Context(), url, Options{}, "http: {proxy_url: 'http://svc:s3cret@"+open+"', "+ca+"}")
	if !r.OK {
		t.Error("the check failed")
	}
	for _, name := range []string{StepDNS, StepTCP} {
		steps := stepsOf(r, name)
		if len(steps) != 2 || steps[0].Status != Skipped || !strings.Contains(steps[0].Detail, "proxy") ||
			steps[1].Status != OK || steps[1].Host != "proxy "+open {
			t.Errorf("%s: %+v", name, steps)
		}
	}
	wantStep(t, r, StepTLS, OK, "Test Authority")
	if strings.Contains(statuses(r), "s3cret") {
		t.Error("the password of the proxy is shown")
	}
	for refusal, want := range map[string]string{
		"403 Forbidden": "CONNECT", "407 Proxy Authentication Required": "proxy_url", "502 Bad Gateway": "CONNECT",
	} {
		closed, _ := proxy(t, refusal)
		r = run(t, t.Context(), url, Options{}, "http: {proxy_url: 'http://"+closed+"', "+ca+"}")
		wantStep(t, r, StepTLS, Failed, want, strings.SplitN(refusal, " ", 2)[1])
		wantStep(t, r, StepVersion, Skipped)
	}
	closed, _ := proxy(t, "407 Proxy Authentication Required")
	_, plain := simulated(t, icwssim.Options{})
	r = run(t, t.Context(), plain, Options{}, "http: {proxy_url: 'http://"+closed+"'}")
	wantStep(t, r, StepVersion, Failed, "407", "proxy_url")
}

func TestANameWithSeveralAddressesIsSaid(t *testing.T) {
	v := &hostLook{}
	v.trace.dns = phase{begun: true, ended: true, addresses: []string{"192.0.2.1", "192.0.2.2"}}
	f, _ := v.dns("cic.example.com")
	if f.status != OK || !strings.Contains(f.detail, "2 addresses: 192.0.2.1, 192.0.2.2") {
		t.Errorf("%s %q", f.status, f.detail)
	}
}
