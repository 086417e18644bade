package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe/icws"
)

// get requests url through the server's own transport and returns the body.
func get(t *testing.T, s Server, url string) (string, error) {
	t.Helper()
	trips := newTransport(t, s, nil)
	defer trips.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	return getWith(t, trips, url)
}

func newTransport(t *testing.T, s Server, dial icws.DialFunc) http.RoundTripper {
	t.Helper()
	transports, err := s.Transports(dial)
	if err != nil {
		t.Fatal(err)
	}
	return transports.New()
}

func getWith(t *testing.T, trips http.RoundTripper, url string) (string, error) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := trips.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.Status + " " + string(body), err
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func tlsServer(t *testing.T, configure func(*tls.Config)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" "+r.Header.Get("Accept-Encoding"))
		if len(r.TLS.PeerCertificates) > 0 {
			io.WriteString(w, r.TLS.PeerCertificates[0].Subject.String())
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{}
	configure(server.TLS)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func withCA(t *testing.T, server *httptest.Server) string {
	return "http: {tls_config: {ca_file: '" + writePEM(t, "CERTIFICATE", server.Certificate().Raw) + "'}}"
}

func TestOnlyTheRightCAIsTrusted(t *testing.T) {
	server := tlsServer(t, func(*tls.Config) {})
	if got, err := get(t, edited(t, withCA(t, server)), server.URL); err != nil || got != "200 OK HTTP/1.1 " {
		t.Errorf("with the right CA: %q, %v; want HTTP/1.1 without compression", got, err)
	}
	for name, key := range map[string]string{"wrong": "http: {tls_config: {ca_file: ca.pem}}", "public": "site: us"} {
		_, err := get(t, edited(t, key), server.URL)
		if unknown := (x509.UnknownAuthorityError{}); !errors.As(err, &unknown) {
			t.Errorf("with the %s CA: %v, want an unknown authority", name, err)
		}
	}
}

func TestTheNameInTheCertificateCounts(t *testing.T) {
	server := tlsServer(t, func(*tls.Config) {})
	url := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	key := withCA(t, server)
	if _, err := get(t, edited(t, key), url); err == nil {
		t.Error("a certificate for another name is accepted")
	}
	named := strings.Replace(key, "{ca_file", "{server_name: example.com, ca_file", 1)
	if _, err := get(t, edited(t, named), url); err != nil {
		t.Errorf("server_name does not help: %v", err)
	}
}

func TestTheMinimumTLSVersionIsKept(t *testing.T) {
	server := tlsServer(t, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
	key := withCA(t, server)
	if _, err := get(t, edited(t, key), server.URL); err != nil {
		t.Errorf("TLS 1.2 is refused: %v", err)
	}
	strict := strings.Replace(key, "{ca_file", "{min_version: TLS13, ca_file", 1)
	if _, err := get(t, edited(t, strict), server.URL); err == nil {
		t.Error("TLS 1.2 is accepted although min_version is TLS13")
	}
}

func TestTheClientCertificateIsSent(t *testing.T) {
	id := newIdentity(t, "exporter")
	keyFile := filepath.Join(t.TempDir(), "key.pem")
	write(t, keyFile, id.keyPEM)
	server := tlsServer(t, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	setting := strings.Replace(withCA(t, server), "{ca_file", "{cert_file: '"+writePEM(t, "CERTIFICATE", id.Certificate.Certificate[0])+
		"', key_file: '"+keyFile+"', ca_file", 1)
	if got, err := get(t, edited(t, setting), server.URL); err != nil || !strings.HasSuffix(got, "CN=exporter") {
		t.Errorf("got %q, %v; want our certificate to be seen", got, err)
	}
	if _, err := get(t, edited(t, withCA(t, server)), server.URL); err == nil {
		t.Error("the server lets us in without a certificate, so this test shows nothing")
	}
}

func TestRequestsGoThroughTheProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.URL.String()+" by "+r.Header.Get("Proxy-Authorization"))
	}))
	defer proxy.Close()
	address := proxy.Listener.Addr().String()
	server := edited(t, "http: {proxy_url: 'http://svc:pw@"+address+"'}")
	got, err := get(t, server, "http://cic-a.invalid:8018/icws/connection/version")
	if want := "200 OK http://cic-a.invalid:8018/icws/connection/version by Basic c3ZjOnB3"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	proxy.Close()
	if _, err := get(t, server, "http://cic-a.invalid:8018/"); err == nil || strings.Contains(err.Error(), "svc") {
		t.Errorf("without the proxy: %v, want an error without its user", err)
	}
}

func TestTheTransportIsBounded(t *testing.T) {
	server := edited(t, "request_timeout: 5s")
	var deadline time.Time
	trips := newTransport(t, server, func(ctx context.Context, _, addr string) (net.Conn, error) {
		deadline, _ = ctx.Deadline()
		return nil, errors.New("no route to " + addr)
	})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://cic-a:8018/", nil)
	if _, err := trips.RoundTrip(request); err == nil || !strings.Contains(err.Error(), "no route to cic-a:8018") {
		t.Errorf("got %v, want the error of the given dialler", err)
	}
	transport := trips.(*http.Transport)
	if deadline.IsZero() || transport.TLSHandshakeTimeout != 5*time.Second {
		t.Error("a step of the connection has no timeout")
	}
	if transport.MaxResponseHeaderBytes == 0 || transport.IdleConnTimeout == 0 {
		t.Error("headers or idle connections have no bound")
	}
}

func TestACAFileThatIsGoneIsAnError(t *testing.T) {
	if _, err := (&Server{HTTP: HTTP{TLS: TLS{CAFile: "testdata/absent.pem"}}}).Transports(nil); err == nil {
		t.Error("a transport is made without the CA that it should trust")
	}
}

// All connections of a transport go where the first went, under the server's name;
// the next transport looks the name up again (P4).
func TestATransportStaysOnOneAddress(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }))
	defer server.Close()
	reached := server.Listener.Addr().String()
	var dialled []string
	s := edited(t, "request_timeout: 5s")
	transports, err := s.Transports(func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return new(net.Dialer).DialContext(ctx, network, reached)
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		transport := transports.New().(*http.Transport)
		for range 3 {
			if got, err := getWith(t, transport, "http://cic-a.test:8018"); err != nil || got != "200 OK cic-a.test:8018" {
				t.Errorf("got %q, %v; want the name as the host", got, err)
			}
			transport.CloseIdleConnections()
		}
	}
	if want := []string{"cic-a.test:8018", reached, reached, "cic-a.test:8018", reached, reached}; !slices.Equal(dialled, want) {
		t.Errorf("dialled %q, want %q", dialled, want)
	}
}
