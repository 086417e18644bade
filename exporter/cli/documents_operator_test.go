package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// runsLikeTheUnit wants a command of systemd-run to hand the exporter what the unit
// does, from the same place, as the same kind of user.
func runsLikeTheUnit(t *testing.T, b block) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/systemd/icws_exporter.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := strings.Split(string(text), "\n")
	words := strings.Fields(b.text)
	properties := 0
	for i, word := range words {
		if property, found := strings.CutPrefix(word, "--property="); found {
			properties++
			if !slices.Contains(unit, property) {
				t.Errorf("the unit has no %s", property)
			}
			continue
		}
		if strings.HasPrefix(word, "/") {
			file := words[i+2]
			if start := "ExecStart=" + word + " serve " + file; !slices.Contains(unit, start) {
				t.Errorf("the unit has no %s", start)
			}
			var flags grammar
			if command, _, err := parse(&flags, words[i+1:], io.Discard, io.Discard); err != nil || command == nil {
				t.Errorf("%s: %v", b, err)
			}
			break
		}
	}
	if properties != 2 || !strings.Contains(b.text, " --property=LoadCredential=") {
		t.Errorf("%s has %d properties of the unit", b, properties)
	}
}

// fetchesACertificate follows the commands against a simulated server with a
// certificate of its own. Where there is no openssl, only the last is tried, with the
// same certificate.
func fetchesACertificate(t *testing.T, b block) {
	t.Chdir(t.TempDir())
	server := start(t, []string{"ICWS_PASSWORD=" + testPassword}, "simulate", "--listen-address=127.0.0.1:0", "--user=svc-prom", "--certificate-file=own.pem")
	address := find(t, &server.stdout, `URL +https://(\S+)`)
	if err := os.WriteFile("pw", []byte(testPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	_, noOpenSSL := exec.LookPath("openssl")
	for _, command := range commandsOf(b) {
		command = strings.NewReplacer("cic-a.example.com:8019", address, "=cic-a.example.com ", "="+address+" ").Replace(command)
		if noOpenSSL != nil && strings.HasPrefix(command, "openssl") {
			own, err := os.ReadFile("own.pem")
			if err == nil {
				err = os.WriteFile("cic-a.pem", own, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if output, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Errorf("%s: %v:\n%s", command, err, output)
		}
	}
	server.end(t, os.Interrupt)
}
