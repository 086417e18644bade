package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"icws_exporter/probe/icwssim"
)

// site is any number of simulated servers behind one address, as a proxy has them:
// the path begins with the number of the server.
type site struct {
	servers []*icwssim.Server
	front   *httptest.Server
	options siteOptions
	ca      string // file of the certificate, with TLS

	mu     sync.Mutex
	logOns []time.Time
	floors map[int]http.ResponseWriter // of the requests of a floorCommand, by server
}

// siteOptions say how the servers of a site are, and how they are watched.
type siteOptions struct {
	servers  int
	statuses int
	users    []icwssim.User
	tls      bool
	settings string // lines of YAML under defaults, such as "transport: poll"
}

// open starts the servers of a site.
func (b *bench) open(o siteOptions) (*site, error) {
	s := &site{options: o, servers: make([]*icwssim.Server, o.servers), floors: map[int]http.ResponseWriter{}}
	statuses := icwssim.Catalogue(o.statuses, 1)
	for i := range s.servers {
		s.servers[i] = icwssim.New(icwssim.Options{
			Name: "sim", User: user, Password: password, Statuses: statuses, Prefix: prefix(i), Users: o.users,
		})
	}
	s.front = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.front.Config.ErrorLog = log.New(io.Discard, "", 0) // what goes wrong, the exporter tells
	if !o.tls {
		s.front.Start()
		return s, nil
	}
	s.ca = filepath.Join(b.dir, "ca.pem")
	config, err := icwssim.Certificate("", s.ca)
	if err != nil {
		return nil, err
	}
	s.front.TLS = config
	s.front.StartTLS()
	return s, nil
}

func prefix(i int) string { return fmt.Sprintf("/s%05d", i) }

// serve finds the server by the path, and notes the time of a log-on.
func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	if path, found := strings.CutPrefix(r.URL.Path, floorPath); found {
		s.floor(w, r, path)
		return
	}
	var i int
	if _, err := fmt.Sscanf(r.URL.Path, "/s%05d/", &i); err != nil || i >= len(s.servers) {
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/connection") {
		s.mu.Lock()
		s.logOns = append(s.logOns, time.Now())
		s.mu.Unlock()
	}
	s.servers[i].ServeHTTP(w, r)
}

// close ends the servers; their clients should have ended before.
func (s *site) close() {
	for _, server := range s.servers {
		server.Close()
	}
	s.front.CloseClientConnections()
	s.front.Close()
}

// configuration is that of an exporter which watches all servers of the site.
func (s *site) configuration(settings string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\nready_when: all\ndefaults:\n  user: %s\n  password_env: %s\n", settings, user, passwordVariable)
	if s.ca != "" {
		fmt.Fprintf(&out, "  http: {tls_config: {ca_file: %q}}\n", s.ca)
	}
	if s.options.settings != "" {
		fmt.Fprintf(&out, "  %s\n", strings.ReplaceAll(s.options.settings, "\n", "\n  "))
	}
	out.WriteString("servers:\n")
	for i := range s.servers {
		fmt.Fprintf(&out, "  - {name: server-%05d, site: bench, url: %q}\n", i, s.front.URL+prefix(i))
	}
	return out.String()
}

// answers is how many requests the servers of the site have answered so far.
func (s *site) answers() int {
	n := 0
	for _, server := range s.servers {
		for _, codes := range server.Counts() {
			for _, count := range codes {
				n += count
			}
		}
	}
	return n
}

// busiestSecond is the most log-ons that began within one second.
func (s *site) busiestSecond() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most, from := 0, 0
	for to, at := range s.logOns {
		for at.Sub(s.logOns[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// flip changes one flag of a status of the server, as one delta.
func flip(server *icwssim.Server, status *icwssim.Status) {
	status.IsAcdStatus = !status.IsAcdStatus
	server.Apply(icwssim.Change(*status))
}
