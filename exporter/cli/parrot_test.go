package cli

import (
	"bufio"
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
	"slices"
	"strings"
	"sync"
	"testing"

	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/secret"
)

// spellings are the ways in which the parrots repeat what they were told.
var spellings = map[string]func(string) string{
	"raw":        func(s string) string { return s },
	"upper":      strings.ToUpper,
	"html":       html.EscapeString,
	"entities":   func(s string) string { return eachByte(s, "&#%d;") },
	"query":      url.QueryEscape,
	"percent":    func(s string) string { return eachByte(s, "%%%02x") },
	"json":       func(s string) string { return eachByte(s, `\u%04x`) },
	"base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("svc:" + s)) },
	"base64-url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x" + s + "y")) },
	"hex":        func(s string) string { return fmt.Sprintf("%x", s) },
	"hex-upper":  func(s string) string { return fmt.Sprintf("%X", s) },
}

func eachByte(text, format string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, format, text[i])
	}
	return b.String()
}

// secretsSeen are the secrets that the parrots were told and gave out.
type secretsSeen struct {
	mu  sync.Mutex
	all []string
}

func (s *secretsSeen) add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range secrets {
		if len(text) > 5 && !slices.Contains(s.all, text) {
			s.all = append(s.all, text)
		}
	}
}

func (s *secretsSeen) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// wantNone wants none of the secrets in the text, in any spelling of the parrots.
func (s *secretsSeen) wantNone(t *testing.T, what, text string) {
	t.Helper()
	folded := strings.ToLower(text)
	for _, hidden := range s.list() {
		forms := formsOf(hidden)
		for name, spell := range spellings {
			forms[name] = spell(hidden)
		}
		for before := range 3 { // the middle, which the neighbours do not change
			encoded := base64.RawStdEncoding.EncodeToString([]byte("abc"[:before] + hidden + "xyz"))
			forms[fmt.Sprint("base64 after ", before)] = encoded[(before*8+5)/6 : (before+len(hidden))*8/6]
		}
		for name, form := range forms {
			if i := strings.Index(folded, strings.ToLower(form)); i >= 0 {
				t.Errorf("%s gives %q away (%s): …%q…", what, hidden, name, text[max(0, i-80):min(len(text), i+80)])
				return
			}
		}
	}
}

// parrot is a simulated server that repeats everything it was told in a session, in
// one spelling and everywhere in its answers.
type parrot struct {
	sim    http.Handler
	spell  func(string) string
	seen   *secretsSeen
	repeat string // the end of the path whose requests are answered so
	mu     sync.Mutex
	told   []string
}

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/icws/connection"):
		p.logOn(w, r)
	case strings.HasSuffix(r.URL.Path, p.repeat):
		p.answer(w)
	default:
		p.sim.ServeHTTP(w, r)
	}
}

func (p *parrot) logOn(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	p.sim.ServeHTTP(answer, r)
	cookie, _, _ := strings.Cut(answer.Header().Get("Set-Cookie"), ";")
	_, value, _ := strings.Cut(cookie, "=")
	guid, _, _ := strings.Cut(value, "|")
	p.mu.Lock()
	p.told = []string{answer.Header().Get("ININ-ICWS-CSRF-Token"), value, guid, answer.Header().Get("ININ-ICWS-Session-ID"), hostilePassword}
	p.seen.add(p.told...)
	p.mu.Unlock()
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = answer.Body.WriteTo(w)
}

// answer repeats one thing in the status text, a header and every member of an error.
func (p *parrot) answer(w http.ResponseWriter) {
	p.mu.Lock()
	repeated := ""
	if len(p.told) > 0 {
		repeated = p.spell(p.told[0])
		p.told = append(p.told[1:], p.told[0])
	}
	p.mu.Unlock()
	body, _ := json.Marshal(map[string]any{
		"errorId": "error." + repeated, "message": "you are " + repeated + ", are you not?", "alternateHostList": []string{repeated, repeated + ".example.com"},
	})
	conn, out, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	line := strings.NewReplacer("\r", "", "\n", "").Replace(repeated)
	fmt.Fprintf(out, "HTTP/1.1 500 %s\r\nX-Echo: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", line, line, len(body), body)
	_ = out.Flush()
}

// echoingProxy refuses everything, and repeats the credentials in the status text,
// the headers and the body.
func echoingProxy(t *testing.T) (address string) {
	t.Helper()
	return rawServer(t, func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		credentials := request.Header.Get("Proxy-Authorization")
		plain, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(credentials, "Basic "))
		body := fmt.Sprintf(`{"errorId":"error.%s","message":"no %s, no %s"}`, plain, credentials, plain)
		fmt.Fprintf(conn, "HTTP/1.1 407 %s is %s\r\nProxy-Authenticate: Basic realm=%q\r\nX: %s\r\nContent-Length: %d\r\n\r\n%s", credentials, plain, plain, credentials, len(body), body)
	})
}

// chatterbox answers, and then says the password once more although nobody has asked.
func chatterbox(t *testing.T) (address string) {
	t.Helper()
	return rawServer(t, func(conn net.Conn) {
		requests := bufio.NewReader(conn)
		for {
			request, err := http.ReadRequest(requests)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			_, _ = io.WriteString(conn, "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}")
			_, _ = io.WriteString(conn, "HTTP/1.1 500 "+hostilePassword+"\r\nContent-Length: 0\r\n\r\n")
		}
	})
}

// rawServer serves connections until the test ends.
func rawServer(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return l.Addr().String()
}

// parrots watches a parrot for each spelling, proxies that repeat the credentials,
// and a server that talks unasked.
func parrots(t *testing.T, seen *secretsSeen) (file string, names []string) {
	t.Helper()
	seen.add(hostilePassword, proxyPassword)
	var text strings.Builder
	fmt.Fprintf(&text, "defaults: {user: svc-prom, password_file: '%s', transport: poll, request_timeout: 2s, delivery_timeout: 1s, backoff: {min: 100ms, max: 1s}}\nservers:\n",
		writeFile(t, "pw", hostilePassword+"\n"))
	add := func(name, url, more string) {
		fmt.Fprintf(&text, "  - {name: %s, url: '%s'%s}\n", name, url, more)
		names = append(names, name)
	}
	for name, spell := range spellings {
		for _, repeat := range []string{"status-messages", "messages"} {
			sim := icwssim.New(icwssim.Options{User: "svc-prom", Password: hostilePassword})
			server := httptest.NewServer(&parrot{sim: sim, spell: spell, seen: seen, repeat: "/" + repeat})
			t.Cleanup(func() { sim.Close(); server.CloseClientConnections(); server.Close() })
			add(name+"-"+repeat, server.URL, "")
		}
	}
	proxy := fmt.Sprintf(", http: {proxy_url: 'http://svc:%s@%s'}", proxyPassword, echoingProxy(t))
	add("proxied", "http://cic.example.com:8018", proxy)
	add("tunnelled", "https://cic.example.com:8019", proxy)
	add("chatterbox", "http://"+chatterbox(t), "")
	return writeFile(t, "icws.yaml", text.String()), names
}

// Whatever a server repeats of a session, and a proxy of its credentials, and however
// they spell it: no log and no page shows it.
func TestNoParrotIsHeardInServe(t *testing.T) {
	seen := new(secretsSeen)
	file, names := parrots(t, seen)
	p := start(t, nil, "serve", "--config.file="+file, "--log.level=debug", "--web.listen-address=127.0.0.1:0")
	base := pagesOf(t, p, 1)[0]
	eventually(t, "every server has been tried", func() bool { return get(t, base+"/-/ready") == "ready\n" })
	eventually(t, "the errors of the servers are withheld", func() bool {
		page := get(t, base+"/api/v1/servers")
		return strings.Count(page, secret.Withheld) >= len(names)
	})
	paths := []string{"/", "/config", "/metrics", "/-/healthy", "/-/ready", "/api/v1/servers"}
	for _, name := range names {
		paths = append(paths, "/servers/"+name, "/api/v1/servers/"+name)
	}
	for _, path := range paths {
		seen.wantNone(t, path, page(t, http.MethodGet, base+path, ""))
	}
	p.end(t, os.Interrupt)
	log := p.stderr.String()
	seen.wantNone(t, "the log", log)
	if len(seen.list()) < 4*len(spellings) || strings.Contains(log, "nsolicited") {
		t.Errorf("%d secrets are known; the log:\n%s", len(seen.list()), log)
	}
}

func TestNoParrotIsHeardInCheck(t *testing.T) {
	seen := new(secretsSeen)
	file, names := parrots(t, seen)
	for _, arguments := range [][]string{nil, {"--json"}} {
		out, _ := exec.Command("icws_exporter", append([]string{"check", "--config.file=" + file}, arguments...)...).CombinedOutput()
		if strings.Count(string(out), secret.Withheld) < len(names) {
			t.Errorf("the errors of the servers are not withheld:\n%s", out)
		}
		seen.wantNone(t, fmt.Sprint("check ", arguments), string(out))
	}
	for _, name := range names {
		dir := filepath.Join(t.TempDir(), "capture")
		out, _ := exec.Command("icws_exporter", "check", "--config.file="+file, "--server="+name, "--record="+dir).CombinedOutput()
		capture, err := os.ReadFile(filepath.Join(dir, "capture.jsonl"))
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		seen.wantNone(t, "the capture of "+name, string(capture))
	}
}

// evilText is what a terminal obeys, raw and as some logs would make it so again.
const evilText = "\x1b]0;owned\a\x1b[2J\x1b[31m \\x1b[32m\u009b33m \u202edesrever\u2066 a\r\nicws_exporter: forged\u2028"

// evilServers say it wherever they can.
func evilServers(t *testing.T) (file string, names []string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "defaults: {user: svc-prom, password_file: '%s', request_timeout: 2s, delivery_timeout: 1s, backoff: {min: 100ms, max: 1s}}\nservers:\n", writeFile(t, "pw", testPassword))
	for name, f := range map[string]icwssim.Fault{
		"named":     {Operation: "switchover_status", Code: 500, Message: evilText},
		"refused":   {Operation: "connect", Code: 500, ErrorID: evilText, Message: evilText, AlternateHosts: []string{evilText}},
		"elsewhere": {Operation: "connect", Code: 503, ErrorID: evilText, AlternateHosts: []string{evilText, "b"}},
		"subscribe": {Operation: "subscribe", Code: 400, ErrorID: evilText, Message: evilText},
		"stream":    {Operation: "stream", ContentType: "text/\u202e\\x1b[31m", Body: evilText},
		"version":   {Operation: "version", Body: string(jsonOf(map[string]string{"productId": evilText}))},
	} {
		sim := icwssim.New(icwssim.Options{User: "svc-prom", Password: testPassword, Name: "cic " + evilText, AlternateHosts: []string{evilText}})
		sim.Inject(f)
		server := httptest.NewServer(sim)
		t.Cleanup(func() { sim.Close(); server.CloseClientConnections(); server.Close() })
		fmt.Fprintf(&text, "  - {name: %s, url: '%s'}\n", name, server.URL)
		names = append(names, name)
	}
	address := rawServer(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1<<12))
		_, _ = io.WriteString(conn, "HTTP/1.1 "+strings.NewReplacer("\r", "", "\n", "").Replace(evilText)+"\r\n\r\n")
	})
	fmt.Fprintf(&text, "  - {name: raw, url: 'http://%s'}\n", address)
	return writeFile(t, "icws.yaml", text.String()), append(names, "raw")
}

func jsonOf(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}

// wantTame wants nothing in a text that a terminal obeys, and no line that was forged.
func wantTame(t *testing.T, what, text string) {
	t.Helper()
	if i := strings.IndexAny(text, "\x1b\a\r\u009b\u202e\u2066\u2028"); i >= 0 {
		t.Errorf("%s is obeyed: …%q…", what, text[max(0, i-80):min(len(text), i+80)])
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "icws_exporter: forged") {
			t.Errorf("%s has a forged line", what)
		}
	}
}

func TestNoTextOfAServerIsObeyed(t *testing.T) {
	file, names := evilServers(t)
	for _, arguments := range [][]string{nil, {"--json"}} {
		out, _ := exec.Command("icws_exporter", append([]string{"check", "--config.file=" + file}, arguments...)...).CombinedOutput()
		wantTame(t, fmt.Sprint("check ", arguments), string(out))
		if strings.Count(string(out), "<U+001B>") < len(names) {
			t.Errorf("what the servers say is not shown:\n%s", out)
		}
	}
	for _, format := range []string{"json", "logfmt"} {
		p := start(t, nil, "serve", "--config.file="+file, "--log.level=debug", "--log.format="+format, "--web.listen-address=127.0.0.1:0")
		base := pagesOf(t, p, 1)[0]
		eventually(t, "every server has been tried", func() bool { return get(t, base+"/-/ready") == "ready\n" })
		eventually(t, "the pages say what was said", func() bool {
			return strings.Count(html.UnescapeString(get(t, base+"/")), "<U+001B>") > 3
		})
		for _, path := range []string{"/", "/api/v1/servers", "/-/ready"} {
			wantTame(t, path, get(t, base+path))
		}
		for _, name := range names {
			wantTame(t, name, get(t, base+"/servers/"+name))
			wantTame(t, name, get(t, base+"/api/v1/servers/"+name))
		}
		p.end(t, os.Interrupt)
		wantTame(t, "the log", p.stderr.String())
	}
}

// The names of groups and the texts of status messages are data in the metrics, and
// are withheld on the pages and in the API like every other text.
func TestNoStatusMessageShowsASecret(t *testing.T) {
	seen := new(secretsSeen)
	seen.add(hostilePassword)
	var entries []map[string]any
	for name, spell := range spellings {
		text := spell(hostilePassword)
		entries = append(entries, map[string]any{"statusId": "id " + text, "messageText": "text " + text + " \x1b[2J", "groupTag": "group " + name + " " + text})
	}
	full := jsonOf([]any{map[string]any{"__type": "urn:inin.com:status:statusMessagesMessage", "isDelta": false, "statusMessagesAdded": entries}})
	sim := icwssim.New(icwssim.Options{User: "svc-prom", Password: hostilePassword})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/messaging/messages") {
			sim.ServeHTTP(w, r)
			return
		}
		_, _ = w.Write(full)
	}))
	t.Cleanup(func() { sim.Close(); server.CloseClientConnections(); server.Close() })
	file := writeFile(t, "icws.yaml", fmt.Sprintf("defaults: {user: svc-prom, password_file: '%s', transport: poll}\nservers:\n  - {name: a, url: '%s'}\n", writeFile(t, "pw", hostilePassword+"\n"), server.URL))
	p := start(t, nil, "serve", "--config.file="+file, "--web.listen-address=127.0.0.1:0")
	base := pagesOf(t, p, 1)[0]
	eventually(t, "it is live", func() bool { return strings.Contains(get(t, base+"/api/v1/servers"), `"state": "live"`) })
	for _, path := range []string{"/", "/servers/a", "/servers/a?q=text", "/api/v1/servers/a"} {
		text := page(t, http.MethodGet, base+path, "")
		if path != "/" && strings.Count(html.UnescapeString(text), secret.Withheld) < len(spellings)/2 { // some groups are the same once they are cut
			t.Errorf("%s does not show that they are withheld:\n%.2000s", path, text)
		}
		seen.wantNone(t, path, text)
		wantTame(t, path, text)
		for _, part := range []string{"%70%c3%a4", "&#112;&#195;", `\u0070\u00c3`} {
			if strings.Contains(html.UnescapeString(text), part) {
				t.Errorf("%s shows half a secret: %s", path, part)
			}
		}
	}
}
