//go:build unix

package config

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAPasswordInANamedPipeIsRefusedWithoutWaitingForIt(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Server{PasswordFile: pipe}).Password(); !errors.Is(err, errNotRegular) {
		t.Errorf("got %v, want %v", err, errNotRegular)
	}
}
