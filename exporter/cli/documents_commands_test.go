package cli

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"

	"icws_exporter/probe/icwssim"
)

func parserFor(t *testing.T) (*grammar, *kong.Kong) {
	t.Helper()
	flags := &grammar{}
	parser, err := kong.New(flags, kong.Vars{"version": "", "scenarios": ""})
	if err != nil {
		t.Fatal(err)
	}
	return flags, parser
}

// serving matches the commands that serve until a signal; the others end by themselves.
var (
	remark  = regexp.MustCompile(`\s{2,}# .*$`)
	serving = regexp.MustCompile(`^icws_exporter (serve|demo|simulate)\b`)
)

// commandsOf are the lines of a block, without remarks, as the binary's name is.
func commandsOf(b block) (commands []string) {
	for line := range strings.Lines(b.text) {
		line = remark.ReplaceAllString(strings.TrimSpace(line), "")
		for _, name := range []string{"go run . ", "./icws_exporter "} {
			if rest, found := strings.CutPrefix(line, name); found {
				line = "icws_exporter " + rest
			}
		}
		commands = append(commands, line)
	}
	return commands
}

// runs runs the commands of a block as they stand there, in a directory that has
// the files that they name. Servers are simulated ones, and what would serve for
// ever is ended when it serves.
func runs(t *testing.T, b block) {
	_, server := simulated(t, false, icwssim.Options{})
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"pw": testPassword,
		"icws.yaml": "defaults: {user: svc-prom, password_file: pw}\nservers:\n" +
			"  - {name: chicago, url: '" + server.URL + "'}\n  - {name: lab, url: '" + server.URL + "'}\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range commandsOf(b) {
		command = strings.ReplaceAll(command, "https://cic-a.example.com:8019", server.URL)
		if serving.MatchString(command) {
			arguments := strings.Fields(command)[1:]
			p := start(t, nil, append(arguments, "--web.listen-address=127.0.0.1:0")...)
			pagesOf(t, p, 1)
			p.end(t, syscall.SIGTERM)
			continue
		}
		if output, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil || len(output) == 0 {
			t.Errorf("%s: %v:\n%s", command, err, output)
		}
	}
}

// isUnderstood wants the commands to be ones of the command line; they cannot run here.
func isUnderstood(t *testing.T, b block) {
	for line := range strings.Lines(b.text) {
		arguments, ours := strings.CutPrefix(line, "icws_exporter ")
		if !ours {
			continue
		}
		var flags grammar
		if command, _, err := parse(&flags, strings.Fields(arguments), io.Discard, io.Discard); err != nil || command == nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// curl is as much of curl as the documents use, for machines that have nothing but Go.
func curl() {
	flags := flag.NewFlagSet("curl", flag.ExitOnError)
	method := flags.String("X", "", "method")
	body := flags.String("d", "", "body")
	flags.Func("cacert", "authorities to trust", func(file string) error { return os.Setenv("SSL_CERT_FILE", file) })
	flags.Bool("s", false, "no progress, of which there is none")
	_ = flags.Parse(os.Args[1:])
	if *body != "" {
		*method = cmp.Or(*method, http.MethodPost)
	}
	request, err := http.NewRequest(cmp.Or(*method, http.MethodGet), flags.Arg(0), strings.NewReader(*body))
	if err == nil {
		var response *http.Response
		if response, err = http.DefaultClient.Do(request); err == nil {
			_, err = io.Copy(os.Stdout, response.Body)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// kubectl wants one manifest on its standard input.
func kubectl() {
	var manifest struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
	}
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = yaml.Load(text, &manifest)
	}
	if err != nil || manifest.APIVersion == "" || manifest.Kind == "" || strings.Join(os.Args[1:], " ") != "apply -f -" {
		fmt.Fprintf(os.Stderr, "not a manifest to apply: %+v, %v\n", manifest, err)
		os.Exit(1)
	}
	fmt.Println(manifest.Kind, "applied")
}

// freePort is a port of this machine that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

var (
	// ownModule is a command for the tests of a module of its own.
	ownModule   = regexp.MustCompile(`^\(cd (\S+) && go test (?:-update |-tags mutation -run Mutants -timeout 60m )?\./\.\.\.(?: -mutate=\w+)?\)$`)
	assignments = regexp.MustCompile(`^([A-Z]+=\S+ )*`)
	// ownFlag is a flag that a test file defines.
	ownFlag = regexp.MustCompile(`^-([a-z]+\.[a-z]+|update)(=.*)?$`)
)

// isOfDevelopers wants a command for those who change the project to name packages,
// tests, flags, tags, tools and files that there are. CI runs most of them.
func isOfDevelopers(t *testing.T, b block) {
	for _, command := range commandsOf(b) {
		checkDeveloperCommand(t, command)
	}
}

func checkDeveloperCommand(t *testing.T, command string) {
	t.Helper()
	words := strings.Fields(assignments.ReplaceAllString(command, ""))
	switch {
	case ownModule.MatchString(command):
		checkFiles(t, command, ownModule.FindStringSubmatch(command)[1]+"/go.mod")
	case command == ".ci/run":
		checkFiles(t, command, command)
	case strings.HasPrefix(words[0], ".ci/bin/"):
		script, err := os.ReadFile(filepath.Join(root, ".ci/run"))
		if err != nil || !strings.Contains(string(script), strings.TrimPrefix(words[0], ".ci/bin/")) {
			t.Errorf("%s: .ci/run does not build it (%v)", words[0], err)
		}
		for _, word := range words[1:] {
			if strings.HasSuffix(word, ".yaml") {
				checkFiles(t, command, word)
			}
		}
	case words[0] == "go" && len(words) > 2:
		checkGoCommand(t, command, words[2:])
	default:
		t.Errorf("%s: how is this command known to be right?", command)
	}
}

func checkFiles(t *testing.T, command, pattern string) {
	t.Helper()
	if found, err := filepath.Glob(filepath.Join(root, pattern)); err != nil || len(found) == 0 {
		t.Errorf("%s: there is no %s", command, pattern)
	}
}

func checkGoCommand(t *testing.T, command string, words []string) {
	t.Helper()
	var sources, tests string
	for _, word := range words {
		folder, below := strings.CutSuffix(word, "/...")
		if !strings.HasPrefix(word, ".") {
			continue
		}
		patterns := []string{folder + "/*.go"}
		if below {
			patterns = append(patterns, folder+"/*/*.go", folder+"/*/*/*.go")
		}
		for _, pattern := range patterns {
			files, _ := filepath.Glob(filepath.Join(root, pattern))
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				sources += string(text)
			}
		}
		if sources == "" {
			t.Errorf("%s: there is no package %s", command, word)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(sources, -1) {
		tests += m[1] + "\n"
	}
	for i, word := range words {
		next := strings.Trim(strings.Join(words[min(i+1, len(words)):min(i+2, len(words))], ""), "'")
		switch own := ownFlag.FindStringSubmatch(word); {
		case word == "-run":
			if !regexp.MustCompile("(?m)" + next).MatchString(tests) {
				t.Errorf("%s: no test matches %s", command, next)
			}
		case word == "-tags":
			if !strings.Contains(sources, "//go:build "+next) {
				t.Errorf("%s: nothing has the tag %s", command, next)
			}
		case own != nil:
			if !strings.Contains(sources, `"`+own[1]+`"`) {
				t.Errorf("%s: no test has the flag %s", command, own[1])
			}
		}
	}
}

// The commands that stand in the lines of the documents are as right as those in
// blocks.
func TestDocumentsNameGoCommands(t *testing.T) {
	found := 0
	for document, text := range documents(t) {
		for _, m := range regexp.MustCompile("`(go (?:test|vet|run ./)[^`]*)`").FindAllStringSubmatch(text, -1) {
			found++
			t.Run(document, func(t *testing.T) { checkDeveloperCommand(t, m[1]) })
		}
	}
	if found < 10 {
		t.Errorf("only %d commands were found", found)
	}
}
