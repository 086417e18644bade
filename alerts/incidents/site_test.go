package incidents

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"icws_exporter/probe/icwssim"
)

// site is a simulated server, of one transport, perhaps with a second one beside it.
type site struct {
	incident
	label, transport, passwordFile string
	n                              *network
	stripsCookie                   atomic.Bool // a proxy in front does
	failsMost                      atomic.Bool // two of three requests within sessions are answered 500
	requests                       atomic.Int64
	server, second                 *icwssim.Server
	hosts                          []string
	caFile                         string
	statuses                       []icwssim.Status
	// removed takes it out of the configuration; changed are keys that it then has.
	removed bool
	changed string

	serving  sync.WaitGroup
	closings []func()
}

func newSite(t *testing.T, n *network, dir string, i incident, name, transport string) *site {
	t.Helper()
	s := &site{incident: i, label: name + "-" + transport, transport: transport, n: n}
	s.passwordFile = filepath.Join(dir, s.label+".pw")
	s.writePassword(t, "demo")
	t.Cleanup(s.stop)
	options := i.options
	if options.Statuses == nil {
		options.Statuses = icwssim.DefaultCatalogue()
	}
	if !i.steady {
		options.Life = icwssim.Life{Interval: 20 * time.Second, Seed: 1}
	}
	s.server = s.serve(t, dir, "a", options)
	switch i.pair {
	case standby:
		options.NotAccepting = true
		s.second = s.serve(t, dir, "b", options)
	case deadStandby:
		s.hosts = append(s.hosts, "b-"+s.label+".example.com:8018")
	case sibling:
		s.second = s.serve(t, dir, "b", options)
	}
	s.statuses = s.server.Truth().Statuses
	return s
}

// serve runs one simulated server.
func (s *site) serve(t *testing.T, dir, host string, options icwssim.Options) *icwssim.Server {
	t.Helper()
	sim := icwssim.New(options)
	address := host + "-" + s.label + ".example.com:8018"
	front := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stripsCookie.Load() {
			r.Header.Del("Cookie")
		}
		if s.fails(r) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		sim.ServeHTTP(w, r)
	})}
	l := s.n.listen(address)
	if s.certificate {
		s.caFile = filepath.Join(dir, s.label+".pem")
		l = tls.NewListener(l, expiringTomorrow(t, strings.Split(address, ":")[0], s.caFile))
	}
	s.serving.Go(func() { _ = front.Serve(l) }) // it ends with stop
	s.hosts = append(s.hosts, address)
	s.closings = append(s.closings, func() {
		sim.Close()
		s.n.remove(address)
		_ = front.Close()
	})
	return sim
}

// fails says which requests fail. With the event stream: the switchover status, and two of three
// checks; with polling: two of three polls. Three of a kind in a row would end the session.
func (s *site) fails(r *http.Request) bool {
	if !s.failsMost.Load() {
		return false
	}
	switch s.transport + " " + path.Base(r.URL.Path) {
	case "sse status-messages", "poll messages":
		return s.requests.Add(1)%3 != 0
	case "sse switchover-status":
		return true
	}
	return false
}

// hide has nobody answer at the address of the server, show has it back.
func (s *site) hide() { s.n.hide(s.hosts[0]) }
func (s *site) show() { s.n.show(s.hosts[0]) }

func (s *site) stop() {
	for _, f := range s.closings {
		f()
	}
	s.serving.Wait()
}

func (s *site) writePassword(t *testing.T, password string) {
	t.Helper()
	if err := os.WriteFile(s.passwordFile, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configuration is what the exporter is told of it.
func (s *site) configuration() string {
	if s.removed {
		return ""
	}
	entry := func(name, hosts string) string {
		scheme, more := "http", s.more+s.changed
		if s.certificate {
			scheme, more = "https", more+", http: {tls_config: {ca_file: '"+s.caFile+"'}}"
		}
		return fmt.Sprintf("  - {name: %s, url: '%s://{host}', hosts: [%s], user: demo, password_file: '%s', transport: %s%s}\n",
			name, scheme, hosts, s.passwordFile, s.transport, more)
	}
	if s.pair == sibling {
		return entry(s.label, s.hosts[0]) + entry("sibling-"+s.transport, s.hosts[1])
	}
	return entry(s.label, strings.Join(s.hosts, ", "))
}

// switchOver has the standby take the place of the active server, or back.
func (s *site) switchOver() {
	from, to := s.server, s.second
	if !from.Accepting() {
		from, to = to, from
	}
	from.SetNotAccepting(true)
	to.SetNotAccepting(false)
	from.EndSessions(true)
}

// keep removes the statuses whose place keeps refuses.
func (s *site) keep(keeps func(int) bool) {
	var edits []icwssim.Edit
	for i, st := range s.statuses {
		if !keeps(i) {
			edits = append(edits, icwssim.Remove(st.ID))
		}
	}
	s.server.Apply(edits...)
}

func (s *site) change(change func(*icwssim.Status)) {
	var edits []icwssim.Edit
	for _, st := range s.statuses {
		change(&st)
		edits = append(edits, icwssim.Change(st))
	}
	s.server.Apply(edits...)
}

// restore puts back the statuses of the beginning.
func (s *site) restore() {
	var edits []icwssim.Edit
	for _, st := range s.server.Truth().Statuses {
		edits = append(edits, icwssim.Remove(st.ID))
	}
	s.server.Apply(edits...)
	edits = nil
	for _, st := range s.statuses {
		edits = append(edits, icwssim.Add(st))
	}
	s.server.Apply(edits...)
}

// expiringTomorrow makes a certificate and writes it to a file, to be trusted.
func expiringTomorrow(t *testing.T, host, file string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
}
