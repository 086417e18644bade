package web

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// codes are what the server answers with the password, with another one and without.
func codes(t *testing.T, client *http.Client, url string) (all [3]int) {
	t.Helper()
	for i, password := range []string{"guard-dog", "wrong", ""} {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			request.SetBasicAuth("ops", password)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		all[i] = response.StatusCode
	}
	return all
}

// Whatever happens to the file while it is in use, nobody gets in who did not get
// in before; what is wrong is told once, and a good file ends it.
func TestASpoiltWebConfigurationTakesNothingOff(t *testing.T) {
	file, client := writeWebConfig(t)
	dir := filepath.Dir(file)
	good, certificate, key := read(t, file), read(t, filepath.Join(dir, "cert.pem")), read(t, filepath.Join(dir, "key.pem"))
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}, ConfigFile: file})
	stop := serve(t, l, hello)
	url := "https://" + l.Addresses()[0].String()
	guarded := [3]int{200, 401, 401}
	until := func(word string) string {
		before, _, _ := strings.Cut(good, word)
		return before
	}
	for name, spoil := range map[string]func(){
		"empty":                func() { write(t, file, "") },
		"removed":              func() { _ = os.Remove(file) },
		"a directory":          func() { _ = os.Remove(file); _ = os.Mkdir(file, 0o700) },
		"cut in the users":     func() { write(t, file, until("ops")) },
		"cut in the hash":      func() { write(t, file, good[:len(good)-30]) },
		"cut before users":     func() { write(t, file, until("basic")) },
		"without TLS":          func() { write(t, file, strings.TrimPrefix(good, until("basic"))) },
		"an unknown key":       func() { write(t, file, good+"basic_auth_userz: {}\n") },
		"a key twice":          func() { write(t, file, good+"basic_auth_users: {}\n") },
		"an empty certificate": func() { write(t, filepath.Join(dir, "cert.pem"), "") },
		"a cut key":            func() { write(t, filepath.Join(dir, "key.pem"), key[:len(key)/2]) },
		"no certificate":       func() { _ = os.Remove(filepath.Join(dir, "cert.pem")) },
	} {
		spoil()
		if changed, err := l.config.reload(); !changed || err == nil || l.ConfigProblem() != err.Error() {
			t.Errorf("%s: the reload says %v, %v; the problem is %q", name, changed, err, l.ConfigProblem())
		}
		if changed, err := l.config.reload(); changed {
			t.Errorf("%s: the second look finds something new: %v", name, err)
		}
		if got := codes(t, client, url); got != guarded {
			t.Errorf("%s: answers are %v", name, got)
		}
		_ = os.Remove(file)
		write(t, file, good)
		write(t, filepath.Join(dir, "cert.pem"), certificate)
		write(t, filepath.Join(dir, "key.pem"), key)
		if changed, err := l.config.reload(); !changed || err != nil || l.ConfigProblem() != "" {
			t.Errorf("%s: the good file is back, and the reload says %v, %v", name, changed, err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAChangedWebConfigurationTakesEffect(t *testing.T) {
	file, client := writeWebConfig(t)
	l := mustListen(t, ListenOptions{Addresses: []string{loopback}, ConfigFile: file})
	stop := serve(t, l, hello)
	address := l.Addresses()[0].String()
	good := read(t, file)
	for range 50 {
		if changed, err := l.config.reload(); changed || err != nil {
			t.Fatalf("nothing has changed, and the reload says %v, %v", changed, err)
		}
	}
	write(t, file, strings.Replace(good, "{ops: ", "{other: ", 1))
	if changed, err := l.config.reload(); !changed || err != nil {
		t.Errorf("the reload says %v, %v", changed, err)
	}
	if got := codes(t, client, "https://"+address); got != [3]int{401, 401, 401} {
		t.Errorf("the user has another name now, and answers are %v", got)
	}
	other, _ := writeWebConfig(t)
	for _, name := range []string{"cert.pem", "key.pem"} {
		write(t, filepath.Join(filepath.Dir(file), name), read(t, filepath.Join(filepath.Dir(other), name)))
	}
	if _, err := l.config.reload(); err != nil {
		t.Error(err)
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	shown := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
	conn.Close()
	if shown != read(t, filepath.Join(filepath.Dir(other), "cert.pem")) {
		t.Error("a renewed certificate is not shown")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// The file is looked at by itself, and who asked is told of every change, once.
func TestWebConfigurationIsFollowed(t *testing.T) {
	file, _ := writeWebConfig(t)
	good := read(t, file)
	synctest.Test(t, func(t *testing.T) {
		config, err := openWebConfig(file)
		if err != nil {
			t.Fatal(err)
		}
		defer config.close()
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan bool, 10)
		ended := make(chan struct{})
		go func() {
			config.follow(ctx, slog.New(slog.DiscardHandler), func(ok bool) { told <- ok })
			close(ended)
		}()
		write(t, file, "")
		if <-told {
			t.Error("an empty file is taken")
		}
		write(t, file, good)
		if !<-told {
			t.Error("a good file is refused")
		}
		cancel()
		<-ended
		if n := len(told); n != 0 {
			t.Errorf("it is told %d times more", n)
		}
	})
}

// Where there is no memory for files, or no /proc, the copy is a file of its owner.
func TestTemporaryFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	file, err := newTemporaryFile([]byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file.name()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := file.replace([]byte("two")); err != nil || read(t, file.name()) != "two" {
		t.Errorf("after a replacement: %v, %q", err, read(t, file.name()))
	}
	file.close()
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}
