package cli

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/secret"
)

const (
	// hostilePassword is written differently in JSON, HTML, a URL and a log.
	hostilePassword = `pä"ss \w/ord<&1>+`
	// proxyPassword belongs to a proxy, in its URL.
	proxyPassword = "pr0xy-s3cret"
)

// formsOf are the ways in which an output may give a secret away.
func formsOf(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	return map[string]string{
		"raw": secret, "JSON": string(quoted[1 : len(quoted)-1]), "HTML": html.EscapeString(secret),
		"Go": strings.Trim(strconv.Quote(secret), `"`), "ASCII": strings.Trim(strconv.QuoteToASCII(secret), `"`),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		"hex":    fmt.Sprintf("%x", secret),
	}
}

// wantNoSecret wants neither password in an output, in whatever form.
func wantNoSecret(t *testing.T, what, text string) {
	t.Helper()
	for _, hidden := range []string{hostilePassword, proxyPassword} {
		for form, written := range formsOf(hidden) {
			if i := strings.Index(text, written); i >= 0 {
				t.Errorf("%s gives a password away (%s): …%q…", what, form, text[max(0, i-80):min(len(text), i+80)])
				return
			}
		}
	}
}

// echo is the password as a hostile server might repeat it, in every way at once.
var echo = strings.Join([]string{
	hostilePassword, `p\u00e4\"ss`, url.QueryEscape(hostilePassword), url.PathEscape(hostilePassword),
	base64.StdEncoding.EncodeToString([]byte("svc-prom:" + hostilePassword)),
}, " ; ")

// hostileServers are servers that repeat the password wherever they can, by name.
func hostileServers(t *testing.T) map[string]string {
	t.Helper()
	urls := map[string]string{}
	add := func(name string, o icwssim.Options, faults ...icwssim.Fault) *icwssim.Server {
		o.User, o.Password = "svc-prom", hostilePassword
		sim := icwssim.New(o)
		for _, f := range faults {
			sim.Inject(f)
		}
		server := httptest.NewServer(sim)
		t.Cleanup(func() { sim.Close(); server.Close() })
		urls[name] = server.URL
		return sim
	}
	refusal := icwssim.Fault{Code: 500, ErrorID: "error." + url.PathEscape(hostilePassword), Message: "your password is " + echo, AlternateHosts: []string{echo, hostilePassword}}
	of := func(operation string, f icwssim.Fault) icwssim.Fault { f.Operation = operation; return f }
	add("named", icwssim.Options{Name: "cic " + echo, AlternateHosts: []string{hostilePassword}, Switchover: icwssim.Switchover{PrimaryHost: echo, SubsystemsDown: []string{hostilePassword}}})
	add("version", icwssim.Options{}, of("version", refusal))
	add("subscribe", icwssim.Options{}, of("subscribe", refusal))
	add("stream", icwssim.Options{}, icwssim.Fault{Operation: "stream", Body: hostilePassword, ContentType: "text/" + url.PathEscape(hostilePassword)})
	add("poll", icwssim.Options{MessagingVersion: 1}, icwssim.Fault{Operation: "poll", Body: "[" + hostilePassword})
	add("list", icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}}, of("list", refusal))
	add("log-on", icwssim.Options{}, of("connect", refusal))
	refusal.Code = 400
	refusal.ErrorID = "error.request.connection.authenticationFailure"
	add("refused", icwssim.Options{}, of("connect", refusal))
	refusal.Code = 503
	add("elsewhere", icwssim.Options{}, of("connect", refusal))
	add("redirect", icwssim.Options{}, icwssim.Fault{Operation: "connect", Code: 302, Headers: map[string]string{"Location": "https://svc:" + url.PathEscape(hostilePassword) + "@" + base64.RawURLEncoding.EncodeToString([]byte(hostilePassword)) + "/?" + url.QueryEscape(hostilePassword)}})
	add("page", icwssim.Options{}, icwssim.Fault{Operation: "connect", Body: echo, ContentType: "text/html"})
	urls["malformed"] = "http://" + malformed(t)
	return urls
}

// malformed answers everything with the password in place of HTTP.
func malformed(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1<<12))
			_, _ = io.WriteString(c, "HTTP/1.1 "+hostilePassword+"\r\n\r\n")
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return l.Addr().String()
}

// hostileConfiguration watches them all, and one through a proxy that is not there.
func hostileConfiguration(t *testing.T) (file string, names []string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "defaults: {user: svc-prom, password_file: '%s', request_timeout: 2s, delivery_timeout: 1s, check_interval: 10s, backoff: {min: 100ms, max: 1s}}\nservers:\n",
		writeFile(t, "pw", hostilePassword+"\n"))
	for name, url := range hostileServers(t) {
		fmt.Fprintf(&text, "  - {name: %s, url: '%s'}\n", name, url)
		names = append(names, name)
	}
	fmt.Fprintf(&text, "  - {name: proxied, url: 'http://cic.example.com:8018', http: {proxy_url: 'http://svc:%s@127.0.0.1:1'}}\n", proxyPassword)
	return writeFile(t, "icws.yaml", text.String()), append(names, "proxied")
}

// page reads a page with a header, inflated when it came compressed.
func page(t *testing.T, method, url, accept string) string {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body io.Reader = response.Body
	if response.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(response.Header) + string(text)
}

// Whatever a server does with the password, and wherever an operator put it, no
// log and no page of serve shows it.
func TestNoSecretInServe(t *testing.T) {
	file, names := hostileConfiguration(t)
	for _, arguments := range [][]string{{"--log.format=json"}, {"--log.format=logfmt", "--web.per-server"}} {
		p := start(t, nil, append([]string{
			"serve", "--config.file=" + file, "--log.level=debug", "--web.listen-address=127.0.0.1:0",
			"--web.enable-lifecycle", "--web.enable-pprof", "--metrics.status-series",
		}, arguments...)...)
		base := pagesOf(t, p, 1)[0]
		eventually(t, "every server has been tried", func() bool { return get(t, base+"/-/ready") == "ready\n" })
		eventually(t, "the errors of the servers are shown", func() bool {
			return strings.Count(get(t, base+"/"), html.EscapeString(secret.Withheld)) >= 4 && strings.Contains(p.stderr.String(), secret.Withheld)
		})
		const openMetrics = "application/openmetrics-text;version=1.0.0"
		const protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
		paths := []string{
			"/", "/config", "/metrics", "/-/healthy", "/-/ready", "/nowhere", "/api/v1/servers", "/api/v1/nowhere", "/sd", "/probe", "/probe?target=nobody",
			"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap?debug=1", "/debug/pprof/goroutine?debug=2", "/debug/pprof/goroutine",
		}
		for _, name := range names {
			paths = append(paths, "/servers/"+name, "/api/v1/servers/"+name, "/probe?target="+name)
		}
		for _, path := range paths {
			for _, accept := range []string{"", openMetrics, protobuf} {
				wantNoSecret(t, path, page(t, http.MethodGet, base+path, accept))
			}
		}
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// A reload of a file that has passwords where none belong.
		bad := string(good) + "  - {name: x, url: 'https://svc:" + proxyPassword + "@cic', password: '" + hostilePassword + "', " + proxyPassword + ": 1}\n"
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		wantNoSecret(t, "a failed reload", page(t, http.MethodPost, base+"/-/reload", ""))
		wantNoSecret(t, "the page after a failed reload", page(t, http.MethodGet, base+"/", ""))
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
		wantNoSecret(t, "a reload", page(t, http.MethodPost, base+"/-/reload", ""))
		// The end with the stacks of all goroutines, as after a panic.
		if err := p.Process.Signal(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		_ = p.wait(t) // with a code for the stacks
		if !strings.Contains(p.stderr.String(), "goroutine 1 ") {
			t.Error("there is no stack")
		}
		wantNoSecret(t, "the log and the stacks", p.stderr.String()+p.stdout.String())
	}
}

func TestNoSecretInCheck(t *testing.T) {
	file, names := hostileConfiguration(t)
	for _, arguments := range [][]string{nil, {"--json"}} {
		out, _ := exec.Command("icws_exporter", append([]string{"check", "--config.file=" + file, "--log.level=debug"}, arguments...)...).CombinedOutput()
		if text := string(out); strings.Count(text, secret.Withheld) < 5 {
			t.Errorf("the errors of the servers are not shown:\n%s", text)
		}
		wantNoSecret(t, fmt.Sprint("check ", arguments), string(out))
	}
	for _, name := range names {
		dir := filepath.Join(t.TempDir(), "capture")
		out, _ := exec.Command("icws_exporter", "check", "--config.file="+file, "--server="+name, "--record="+dir).CombinedOutput()
		capture, err := os.ReadFile(filepath.Join(dir, "capture.jsonl"))
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		wantNoSecret(t, "the capture of "+name, string(capture))
		if strings.Contains(string(capture), "svc-prom") {
			t.Errorf("the capture of %s shows the user", name)
		}
	}
}

// Secrets that stand where they do not belong are not repeated by what refuses them.
func TestNoSecretInRefusals(t *testing.T) {
	quoted, _ := json.Marshal(hostilePassword)
	for name, text := range map[string]string{
		"a password":            "servers: [{name: a, url: 'https://cic', user: u, password: " + string(quoted) + "}]",
		"a password as a file":  "servers: [{name: a, url: 'https://cic', user: u, password_file: " + string(quoted) + "}]",
		"a password as a name":  "servers: [{name: a, url: 'https://cic', user: u, password_env: " + string(quoted) + "}]",
		"a password as a key":   "servers: [{name: a, url: 'https://cic', user: u, " + string(quoted) + ": 1}]",
		"a password in the url": "servers: [{name: a, url: 'https://u:" + proxyPassword + "@cic', user: u, password_env: A}]",
		"in a proxy's":          "servers: [{name: a, url: 'https://cic', user: u, password_env: A, http: {proxy_url: 'ftp://u:" + proxyPassword + "@proxy'}}]",
		"no YAML":               "servers: [" + hostilePassword,
		"no YAML, later":        "a: b\n" + proxyPassword + ":\n\t- " + hostilePassword,
	} {
		for _, command := range []string{"serve", "check"} {
			out, err := exec.Command("icws_exporter", command, "--config.file="+writeFile(t, "icws.yaml", text)).CombinedOutput()
			if err == nil {
				t.Errorf("%s: %s accepts it", name, command)
			}
			wantNoSecret(t, command+" of "+name, string(out))
		}
	}
	for _, arguments := range [][]string{
		{"serve", "--server=https://svc:" + proxyPassword + "@cic", "--user=u"},
		{"check", "--server=https://svc:" + proxyPassword + "@cic", "--user=u", "--password-file=/nowhere"},
		{"serve", "--server=https://cic", "--user=u", "--password-file=" + hostilePassword},
	} {
		out, err := exec.Command("icws_exporter", arguments...).CombinedOutput()
		if err == nil {
			t.Errorf("%q is accepted", arguments)
		}
		wantNoSecret(t, fmt.Sprint(arguments[0]), string(out))
	}
}
