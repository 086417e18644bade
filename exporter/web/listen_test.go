package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const loopback = "127.0.0.1:0"

func mustListen(t *testing.T, o ListenOptions) *Listeners {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	l, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve serves until the returned function is called, which returns Serve's error.
func serve(t *testing.T, l *Listeners, h http.Handler) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx, h, NewHealthHandler(stubFleet{})) }()
	return func() error {
		cancel()
		return <-ended
	}
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })

func TestServesOnEveryAddressAndEndsCleanly(t *testing.T) {
	l := mustListen(t, ListenOptions{Addresses: []string{loopback, loopback}})
	stop := serve(t, l, hello)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, address := range l.Addresses() {
		response, err := client.Get("http://" + address.String())
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if err := stop(); err != nil {
		t.Errorf("an end that was asked for returns %v", err)
	}
	if _, err := client.Get("http://" + l.Addresses()[0].String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the end the socket answers %v", err)
	}
}

func TestAnOpenRequestIsAnsweredBeforeTheEnd(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}})
	stop := serve(t, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "whole")
	}))
	body := make(chan string, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Get("http://" + l.Addresses()[0].String())
		if err != nil {
			body <- err.Error()
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		body <- string(text)
	}()
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	close(release)
	if got := <-body; got != "whole" {
		t.Errorf("the open request got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestABusyPortIsNamedWithAdvice(t *testing.T) {
	taken, err := net.Listen("tcp", loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Listen(ListenOptions{Addresses: []string{loopback, taken.Addr().String()}})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()+" is in use") || !strings.Contains(err.Error(), "--web.listen-address") {
		t.Errorf("a busy port gives %v", err)
	}
	_, err = Listen(ListenOptions{Addresses: []string{loopback}, HealthAddress: taken.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()+" is in use") || !strings.Contains(err.Error(), "--web.health-listen-address") {
		t.Errorf("a busy port for the health checks gives %v", err)
	}
	if _, err := Listen(ListenOptions{Addresses: []string{"127.0.0.1:notaport"}}); err == nil || !strings.Contains(err.Error(), "notaport") {
		t.Errorf("a wrong port gives %v", err)
	}
}

func TestSystemdWithoutSocketsSaysSo(t *testing.T) {
	if _, err := Listen(ListenOptions{SystemdSocket: true}); err == nil || !strings.Contains(err.Error(), "--web.systemd-socket") {
		t.Errorf("no socket from systemd gives %v", err)
	}
}

func TestAWrongWebConfigurationIsAConfigError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte("basic_auth_userz: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, file + ".missing"} {
		_, err := Listen(ListenOptions{Addresses: []string{loopback}, ConfigFile: name})
		var config *ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

// writeWebConfig writes a web configuration file with TLS and the user ops, password
// "guard-dog", and returns it and a client that trusts the certificate.
func writeWebConfig(t *testing.T) (file string, client *http.Client) {
	t.Helper()
	made := httptest.NewTLSServer(hello)
	made.Close()
	certificate := made.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"cert.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})),
		"key.pem":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"web.yml": "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n" +
			"basic_auth_users: {ops: $2a$04$VaI6qhp7Q5kv0a/TFBedieQh9uwpDQB.oMxAdOdBCEos2XlEMi0b.}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(made.Certificate())
	return filepath.Join(dir, "web.yml"), &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool},
	}}
}

// One web configuration guards every socket; the toolkit allows only one socket
// per server, which the race detector would show here.
func TestWebConfigurationGuardsEverySocket(t *testing.T) {
	file, client := writeWebConfig(t)
	l := mustListen(t, ListenOptions{Addresses: []string{loopback, loopback}, ConfigFile: file})
	stop := serve(t, l, hello)
	for _, address := range l.Addresses() {
		for password, want := range map[string]int{"guard-dog": 200, "wrong": 401} {
			request, _ := http.NewRequest(http.MethodGet, "https://"+address.String(), nil)
			request.SetBasicAuth("ops", password)
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s with the password %q answers %d, want %d", address, password, response.StatusCode, want)
			}
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
