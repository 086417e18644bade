package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The user and the password of a URL are sent, and never shown.
func TestHealthUsesTheUserAndThePasswordOfItsURL(t *testing.T) {
	const password = "s3cr3t/ü:@"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch user, given, _ := r.BasicAuth(); {
		case r.URL.Path == "/101":
			w.WriteHeader(http.StatusSwitchingProtocols)
		case user == "ops" && given == password:
			io.WriteString(w, "healthy\n")
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	ask := func(before, path string) (string, error) {
		var out bytes.Buffer
		command := healthCommand{URL: strings.Replace(server.URL, "//", "//"+before, 1) + path, Timeout: time.Minute}
		err := command.Run(t.Context(), &streams{out: &out})
		return out.String(), err
	}
	if said, err := ask("ops:s3cr3t%2F%C3%BC:%40@", ""); err != nil || said != "healthy\n" {
		t.Errorf("with the password: %q, %v", said, err)
	}
	for before, want := range map[string]string{
		"": "asks for a password", "ops:wr0ng@": "refuses the user or the password", "ops@": "refuses the user or the password",
	} {
		if _, err := ask(before, ""); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%q: %v, want %q", before, err, want)
		}
	}
	if _, err := ask("", "/101"); err == nil || !strings.Contains(err.Error(), "101") {
		t.Errorf("a 101: %v", err)
	}
}
