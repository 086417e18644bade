//go:build unix

package config

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/exporter/files"
)

func TestAPasswordInANamedPipeIsRefusedWithoutWaitingForIt(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Server{PasswordFile: pipe}).Password(); !errors.Is(err, files.ErrNotRegular) {
		t.Errorf("got %v, want %v", err, files.ErrNotRegular)
	}
}

func TestNoFileOfAConfigurationIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(pipe); !errors.Is(err, files.ErrNotRegular) {
		t.Errorf("a named pipe as configuration: got %v", err)
	}
	for _, key := range []string{"password_file: " + pipe, "http: {tls_config: {ca_file: " + pipe + "}}",
		"http: {tls_config: {cert_file: " + pipe + ", key_file: " + pipe + "}}"} {
		_, err := Parse("icws.yaml", []byte("servers: [{name: a, hosts: [a.example.com], user: u, "+key+"}]"), dir)
		if err == nil || !strings.Contains(err.Error(), "a named pipe") {
			t.Errorf("%s: got %v", key, err)
		}
	}
}
