package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The log-on of every simulated server. The exporter reads the password from the
// variable.
const (
	user             = "bench"
	password         = "bench"
	passwordVariable = "BENCH_PASSWORD"
)

// build builds the exporter as a release is: static and stripped.
func build(file string) error {
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "icws_exporter")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the exporter: %w; run it in the directory of the source, or name a binary with --exporter\n%s", err, out)
	}
	return nil
}

// product is a running exporter.
type product struct {
	*process
	url    string
	config string
	ready  time.Time // when all servers were up
}

// watching starts the exporter on the servers of the site and waits until all are
// up. settings are lines of YAML at the top level of its configuration, for example
// limits; flags are more flags.
func (b *bench) watching(s *site, settings string, flags ...string) (*product, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	e := &product{url: "http://" + address, config: filepath.Join(b.dir, strings.ReplaceAll(address, ":", "_")+".yaml")}
	if err := os.WriteFile(e.config, []byte(s.configuration(settings)), 0o600); err != nil {
		return nil, err
	}
	flags = append([]string{"serve", "--config.file=" + e.config, "--web.listen-address=" + address, "--web.enable-lifecycle", "--log.level=warn"}, flags...)
	if e.process, err = start(b.program, flags...); err != nil {
		return nil, err
	}
	pause := time.Duration(len(s.servers)) * 100 * time.Microsecond // an answer names those that are not ready
	if err := e.waitFor("ready", 3*time.Minute, func() bool { time.Sleep(pause); return get(e.url+"/-/ready") == nil }); err != nil {
		e.stop()
		return nil, err
	}
	e.ready = time.Now()
	return e, nil
}

// freeAddress is an address on loopback that nobody listens on now.
func freeAddress() (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// get makes one request and wants 200.
func get(url string) error {
	s := newScraper(url)
	defer s.close()
	_, err := s.scrape()
	return err
}

// reload has the exporter read its configuration again, and waits for the end.
func (e *product) reload() error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, e.url+"/-/reload", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("reload: " + answer.Status)
	}
	return nil
}
