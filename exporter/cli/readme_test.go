package cli

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/exporter/capture"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe/icwssim"
)

// newcomer follows the README line by line, in a directory of its own.
type newcomer struct {
	t       *testing.T
	blocks  []block
	replace *strings.Replacer
}

// command is the only line of the block that begins so.
func (n newcomer) command(opening string) string {
	n.t.Helper()
	for _, b := range n.blocks {
		if b.document == "README.md" && strings.HasPrefix(b.text, opening) && strings.Count(b.text, "\n") == 1 {
			return n.replace.Replace(remark.ReplaceAllString(strings.TrimSpace(b.text), ""))
		}
	}
	n.t.Fatalf("the README has no command that begins with %q", opening)
	return ""
}

// does runs the command with something typed into it and returns what it printed.
func (n newcomer) does(opening, typed string) string {
	n.t.Helper()
	command := n.command(opening)
	shell := exec.Command("sh", "-c", command)
	shell.Stdin = strings.NewReader(typed)
	output, err := shell.CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v:\n%s", command, err, output)
	}
	return string(output)
}

// The steps to a real server, as they are printed, with the simulated server that
// the README offers in its place: over TLS, with a binary built as it says.
func TestTheReadmeLeadsToAServer(t *testing.T) {
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	server, page := "localhost:"+freePort(t), "127.0.0.1:"+freePort(t)
	n := newcomer{t, nil, strings.NewReplacer(
		"cic-a.example.com:8019", server, "localhost:8019", server, // as the README has it
		"localhost:10018", page, "serve ", "serve --ca-file sim.pem --web.listen-address "+page+" ", // the port may be taken here
		// This test is the program: to link it once more takes seconds and shows nothing.
		"go build . && ./icws_exporter", "exec icws_exporter", "go run . ", "exec icws_exporter ",
		"curl https", "curl --cacert sim.pem https",
	)}
	n.blocks = in(t, filepath.Join(top, "exporter", "cli"), blocks)

	n.does("install -m 600", testPassword+"\n")
	if info, err := os.Stat("pw"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password file: %v, %v", info, err)
	}
	simulator, err := run(exec.Command("sh", "-c", n.command("go run . simulate")), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(simulator.kill)
	find(t, &simulator.stdout, `(URL +https://)`)

	if version := n.does("curl https://", ""); !strings.Contains(version, "productId") {
		t.Errorf("the version is %s", version)
	}
	exporter, err := run(exec.Command("sh", "-c", n.command("go build .")), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exporter.kill)
	pagesOf(t, exporter, 1)
	eventually(t, "the server is up", func() bool {
		return n.does("curl -s", "") == fmt.Sprintf("icws_up{server=%q,site=\"\"} 1\n", server)
	})
	exporter.end(t, syscall.SIGTERM)
	simulator.end(t, syscall.SIGTERM)
	if !strings.Contains(simulator.stdout.String(), "Sessions left on it: 0.") {
		t.Errorf("the simulator says:\n%s", simulator.stdout.String())
	}
}

// in runs find in another working directory.
func in[T any](t *testing.T, dir string, find func(*testing.T) T) T {
	t.Helper()
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chdir(before) }()
	return find(t)
}

// The first screen of the README is of the program that there is: its series are those of the
// demo, its ten metrics are in the metric table, and its picture loads fast.
func TestTheReadmeIsShortAndTrue(t *testing.T) {
	text := documents(t)["README.md"]
	if lines := strings.Count(text, "\n"); lines >= 200 {
		t.Errorf("it has %d lines", lines)
	}
	demo := start(t, nil, "demo", "--web.listen-address=127.0.0.1:0")
	page, metrics := pagesOf(t, demo, 1)[0], ""
	eventually(t, "chicago is up", func() bool {
		metrics = get(t, page+"/metrics")
		return strings.Contains(metrics, "\nicws_up{server=\"chicago\",site=\"us\"} 1\n")
	})
	demo.end(t, syscall.SIGTERM)
	samples := 0
	for _, b := range blocks(t) {
		if b.document != "README.md" || !strings.HasPrefix(b.text, "icws_up{") {
			continue
		}
		for line := range strings.Lines(b.text) {
			samples++
			series := line[:strings.LastIndex(line, " ")+1]
			if !strings.Contains(metrics, "\n"+series) {
				t.Errorf("the demo has no series %s", series)
			}
		}
	}
	if samples != 10 {
		t.Errorf("it shows %d lines of /metrics", samples)
	}
	known := map[string]bool{}
	for _, f := range collect.Families() {
		known[f.Name] = true
	}
	_, table, _ := strings.Cut(text, "\n## The ten metrics that matter\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `(icws_[a-z_]+)` \\|").FindAllStringSubmatch(table, -1)
	for _, row := range rows {
		if !known[row[1]] {
			t.Errorf("there is no %s", row[1])
		}
	}
	if len(rows) != 10 {
		t.Errorf("the table of ten has %d metrics", len(rows))
	}
	picture := regexp.MustCompile(`!\[[^\]]+\]\((docs/[a-z]+\.png)\)`).FindStringSubmatch(text)
	if picture == nil {
		t.Fatal("it shows no picture of docs/")
	}
	if info, err := os.Stat(filepath.Join(root, picture[1])); err != nil || info.Size() > 150<<10 {
		t.Errorf("the picture: %v, %v", info, err)
	}
}

var changing = regexp.MustCompile(`\d+\.\d{3} s|:\d{4,5}\b|\d{4}-\d\d-\d\d|\b\d+ days`)

// What docs/check.md shows of a wrong password is what check prints.
func TestTheDocumentedCheckIsARealOne(t *testing.T) {
	var documented string
	for _, b := range blocks(t) {
		if b.document == "docs/check.md" && strings.HasPrefix(b.text, "lab\n") {
			documented = b.text
		}
	}
	t.Chdir(t.TempDir())
	simulator := start(t, []string{"ICWS_PASSWORD=" + testPassword}, "simulate", "--user=svc-prom",
		"--listen-address=127.0.0.1:0", "--certificate-file=sim.pem")
	port := find(t, &simulator.stdout, `URL +https://127\.0\.0\.1:(\d+)`)
	configuration := "servers:\n  - {name: lab, url: 'https://{host}:" + port + "', hosts: [localhost], user: svc-prom, " +
		"password_env: ICWS_PASSWORD, http: {tls_config: {ca_file: sim.pem}}}\n"
	if err := os.WriteFile("icws.yaml", []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	check := start(t, []string{"ICWS_PASSWORD=wrong"}, "check", "--config.file=icws.yaml")
	_ = check.wait(t)
	same := func(text string) string {
		// localhost is one address here and two there.
		text = regexp.MustCompile(`localhost is .*`).ReplaceAllString(text, "localhost is …")
		text = regexp.MustCompile(`connected to (127\.0\.0\.1|\[::1\])`).ReplaceAllString(text, "connected to …")
		return strings.TrimSpace(changing.ReplaceAllString(text, "…"))
	}
	if diff := cmp.Diff(same(documented), same(check.stdout.String())); diff != "" {
		t.Errorf("check prints something else (-documented +real):\n%s", diff)
	}
}

// The lines of docs/capture.md make a capture that can be played, with the line of the
// stream whose parts it shows.
func TestTheDocumentedCaptureIsOne(t *testing.T) {
	const stream = `{"t":0.01,"exchange":3,"host":"host-1","method":"GET","path":"/icws/session-1/messaging/messages",` +
		`"send":{"header":{}},"seconds":0,"status":200,"stream":true}` + "\n"
	var lines []string
	for _, b := range blocks(t) {
		if b.document == "docs/capture.md" {
			lines = append(lines, b.text)
		}
	}
	if len(lines) != 3 {
		t.Fatalf("docs/capture.md has %d examples", len(lines))
	}
	text := lines[0] + lines[1] + stream + lines[2]
	if _, err := capture.ReadCapture("docs/capture.md", strings.NewReader(text)); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
}

// foreign are the flags of other programs, such as systemd-run, examples of flags, our own name and a cookie.
var foreign = []string{"--lint", "--flag", "icws_exporter", "icws_session", "--pipe", "--wait", "--collect", "--property"}

// foreignOfDeployment are the flags of curl, sha256sum, dpkg, Docker, kubectl, systemctl and goreleaser.
var foreignOfDeployment = []string{
	"--cacert", "--check", "--ignore-missing", "--purge", "--build-arg", "--platform", "--read-only", "--cap-drop", "--namespace", "--from-file", "--now", "--clean", "--config",
}

// Every flag and metric that a document names is there.
func TestDocumentsNameFlagsAndMetricsThatAreThere(t *testing.T) {
	known := map[string]bool{}
	_, parser := parserFor(t)
	for _, command := range append(parser.Model.Leaves(true), parser.Model.Node) {
		for _, flag := range command.Flags {
			known["--"+flag.Name] = true
		}
	}
	for _, f := range collect.Families() {
		known[f.Name] = true
	}
	names := 0
	for document, text := range documents(t) {
		if strings.HasPrefix(document, "dashboards/") || strings.HasPrefix(document, "alerts/") {
			continue // their own tests know recorded names and suffixes
		}
		if strings.HasPrefix(document, "bench/") { // its own test knows the flags of that program
			text = strings.Join(regexp.MustCompile(`(?m)^go run \. .*$|--web\.[a-z-]+`).FindAllString(text, -1), "\n")
		}
		for _, name := range regexp.MustCompile(`(^|[^\w/-])(--[a-z]+[a-z.-]*[a-z]|icws_[a-z_]*[a-z])\b([*{.(]?)`).FindAllStringSubmatch(text, -1) {
			names++
			if (document == "deploy/README.md" || document == "README.md") && slices.Contains(foreignOfDeployment, name[2]) {
				continue
			}
			if !known[name[2]] && name[3] != "*" && !slices.Contains(foreign, name[2]) {
				t.Errorf("%s: there is no %s", document, name[2])
			}
		}
	}
	if names < 200 {
		t.Errorf("only %d names were found", names)
	}
}

// Every path that docs/pages.md lists is served, with the flags that it names.
func TestTheDocumentedPagesAreServed(t *testing.T) {
	_, server := simulated(t, false, icwssim.Options{})
	p := start(t, []string{"ICWS_PASSWORD=" + testPassword}, "serve", "--server=NAME="+server.URL, "--user=svc-prom",
		"--web.listen-address=127.0.0.1:0", "--web.per-server", "--web.enable-lifecycle", "--web.enable-pprof")
	page := pagesOf(t, p, 1)[0]
	paths := regexp.MustCompile("(?m)^\\| (`.*`) \\|").FindAllStringSubmatch(documents(t)["docs/pages.md"], -1)
	asked := 0
	for _, row := range paths {
		for _, name := range regexp.MustCompile("`(POST )?(/[^` ]*)`").FindAllStringSubmatch(row[1], -1) {
			method := http.MethodGet
			if name[1] != "" {
				method = http.MethodPost
			}
			request, err := http.NewRequest(method, page+name[2], nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close() // a stream does not end
			asked++
			if response.StatusCode != http.StatusOK {
				t.Errorf("%s %s answers %s", method, name[2], response.Status)
			}
		}
	}
	if asked < 14 {
		t.Errorf("only %d paths were found", asked)
	}
	p.end(t, syscall.SIGTERM)
}
