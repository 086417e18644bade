package systemd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"icws_exporter/exporter/config"
)

// unit returns the settings of the unit, those that are given twice as a list.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("icws_exporter.service")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(key, "#") {
			settings[key] = append(settings[key], value)
		}
	}
	return settings
}

// The unit hands the exporter the credential that the configuration names, in the
// place where the exporter looks for it.
func TestConfigurationFindsItsCredential(t *testing.T) {
	settings := unit(t)
	credential, _, _ := strings.Cut(settings["LoadCredential"][0], ":")
	credentials := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	if _, err := config.Load("icws.yaml"); err == nil {
		t.Error("the configuration needs no credential")
	}
	if err := os.WriteFile(filepath.Join(credentials, credential), []byte("s3cret\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	v, err := config.Load("icws.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if password, err := v.Servers()[0].Password(); err != nil || password.Reveal() != "s3cret" {
		t.Errorf("the password is not that of the credential: %v", err)
	}
	if start := settings["ExecStart"][0]; !strings.HasSuffix(start, " serve --config.file=/etc/icws_exporter/icws.yaml") {
		t.Errorf("the unit runs %s", start)
	}
}

// A reload is a signal that the exporter knows, and no crash is the end.
func TestUnitReloadsAndRestarts(t *testing.T) {
	settings := unit(t)
	for key, want := range map[string]string{"ExecReload": "/bin/kill -HUP $MAINPID", "Restart": "on-failure", "DynamicUser": "yes",
		"Type": "notify", "RestartForceExitStatus": "SIGHUP", "TimeoutStopSec": "30s", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX"} {
		if got := settings[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}
