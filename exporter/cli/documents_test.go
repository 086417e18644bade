package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the way from here to the top of the repository.
const root = "../.."

// block is a fenced block of a document.
type block struct {
	document string // from the root, with slashes
	line     int
	language string
	text     string // without its indentation
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.document, b.line) }

// documents are the texts of all documents of the repository by their names.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != root && entry.Name() != ".github"
		if entry.IsDir() && (hidden || slices.Contains([]string{"testdata", "node_modules", "dist"}, entry.Name())) {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(name)
		relative, _ := filepath.Rel(root, name)
		texts[filepath.ToSlash(relative)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

var fence = regexp.MustCompile("^( *)```(\\w*)$")

// blocks are all blocks of all documents.
func blocks(t *testing.T) (found []block) {
	t.Helper()
	for document, text := range documents(t) {
		var open *block
		indentation := ""
		for i, line := range strings.Split(text, "\n") {
			m := fence.FindStringSubmatch(line)
			switch {
			case m == nil && strings.Contains(line, "```"):
				t.Errorf("%s:%d: a fence with something else beside it", document, i+1)
			case m != nil && open == nil:
				open, indentation = &block{document: document, line: i + 1, language: m[2]}, m[1]
			case m != nil:
				found = append(found, *open)
				open = nil
			case open != nil:
				open.text += strings.TrimPrefix(line, indentation) + "\n"
			}
		}
		if open != nil {
			t.Errorf("%s: the block does not end", open)
		}
	}
	return found
}

// proof is what holds the blocks true that stand in the documents, are of the
// language and begin with the opening.
type proof struct {
	documents, language, opening string
	holds                        func(t *testing.T, b block)
}

func (p proof) isOf(b block) bool {
	match, err := path.Match(p.documents, b.document)
	return err == nil && match && p.language == b.language && strings.HasPrefix(b.text, p.opening)
}

// proofs has one for every block, and none that is of no block.
var proofs = []proof{
	{"README.md", "", "go run . demo", runs},
	{"README.md", "", "go test ./...", isOfDevelopers},
	{"README.md", "", "curl https://", by("exporter/cli/readme_test.go", "TestTheReadmeLeadsToAServer")},
	{"README.md", "", "install -m 600", by("exporter/cli/readme_test.go", "TestTheReadmeLeadsToAServer")},
	{"README.md", "", "go build .", by("exporter/cli/readme_test.go", "TestTheReadmeLeadsToAServer")},
	{"README.md", "", "curl -s", by("exporter/cli/readme_test.go", "TestTheReadmeLeadsToAServer")},
	{"README.md", "", "go run . simulate", by("exporter/cli/readme_test.go", "TestTheReadmeLeadsToAServer")},
	{"README.md", "", "./icws_exporter ", runs},
	{"README.md", "", "icws_up{", by("exporter/cli/readme_test.go", "TestTheReadmeIsShortAndTrue")},
	{"README.md", "", "sha256sum", follows(".ci/packages")},
	{"README.md", "yaml", "scrape_configs:", isScrape},
	{"README.md", "yaml", "defaults:", isConfiguration},

	{"docs/SECURITY.md", "yaml", "defaults:", isConfiguration},
	{"docs/SECURITY.md", "yaml", "tls_server_config:", isWebConfiguration},
	{"docs/SECURITY.md", "yaml", "scrape_configs:", isScrape},
	{"docs/architecture.md", "", "YAML, flags", isDrawing},
	{"docs/operating.md", "", "level=INFO", isLog},
	{"docs/operating.md", "", "icws_exporter serve", runs},
	{"docs/operating.md", "", "count by (job, server)", by("exporter/cli/documents_e2e_test.go", "TestDocumentsBeforePromtool")},
	{"docs/operating.md", "yaml", "scrape_configs:", isScrape},
	{"docs/operating.md", "yaml", "defaults:", isConfiguration},
	{"docs/configuration.md", "yaml", "defaults:", isConfiguration},
	{"docs/check.md", "", "icws_exporter check", runs},
	{"docs/check.md", "", "openssl s_client", fetchesACertificate},
	{"docs/check.md", "", "systemd-run", runsLikeTheUnit},
	{"docs/check.md", "", "lab\n  ok ", by("exporter/cli/readme_test.go", "TestTheDocumentedCheckIsARealOne")},
	{"docs/check.md", "json", "{", by("exporter/check/document_test.go", "TestTheStepsAreDocumented")},
	{"docs/pages.md", "yaml", "scrape_configs:", isScrape},
	{"docs/api.md", "", `{"servers": [`, by("exporter/web/api/api_test.go", "TestEveryFieldIsDocumented")},
	{"docs/api.md", "json", "{", by("exporter/web/api/api_test.go", "TestTheDocumentedAnswerIsTheAnswer")},
	{"docs/windows.md", "yaml", "defaults:", isConfiguration},
	{"docs/windows.md", "bat", "", isUnderstood},
	{"docs/protocol*.md", "json", "{", isJSON},
	{"docs/protocol.md", "", "HTTP/1.1 201", isMessage},
	{"docs/protocol.md", "", ":ping", isMessage},
	{"docs/capture.md", "json", "{", by("exporter/cli/readme_test.go", "TestTheDocumentedCaptureIsOne")},

	{"deploy/README.md", "", "docker build", by("deploy/readme_test.go", "TestReadmeIsTrue")},
	{"deploy/README.md", "", "sudo install", follows(".ci/image")},
	{"deploy/README.md", "", "install -m 600 pw", follows(".ci/image")},
	{"deploy/README.md", "", "docker compose", by("deploy/compose_test.go", "TestExporterOfComposeRuns")},
	{"deploy/README.md", "", "kubectl", by("deploy/readme_test.go", "TestCommandsNameWhatIsThere")},
	{"deploy/README.md", "", "install", by("deploy/readme_test.go", "TestCommandsNameWhatIsThere")},

	{"alerts/README.md", "", "icws_exporter rules", runs},
	{"alerts/README.md", "yaml", "rule_files:", isRuleFiles},
	{"alerts/README.md", "yaml", "groups:", by("alerts/readme_test.go", "TestTheDeclarationOfMaintenanceIsOne")},
	{"alerts/runbooks/*.md", "promql", "", by("alerts/alerts_test.go", "TestEveryAlertHasARunbook")},
	{"alerts/runbooks/*.md", "sh", "", by("alerts/incidents/incidents_run_test.go", "TestIncidents")},
	{"dashboards/README.md", "", "go run ./dashboards/build", isOfDevelopers},

	{"bench/README.md", "sh", "go run ./bench", by("bench/document_test.go", "TestTheDocumentedCommandsAreUnderstood")},
	{"bench/README.md", "sh", "go test -run", by("bench/document_test.go", "TestTheDocumentedCommandsAreUnderstood")},

	{".github/CONTRIBUTING.md", "", "", isOfDevelopers},
}

// TestDocumentsBlocks wants every block of every document to hold. Whoever adds a
// block that is of no proof names one above.
func TestDocumentsBlocks(t *testing.T) {
	used := map[int]bool{}
	for _, b := range blocks(t) {
		i := slices.IndexFunc(proofs, func(p proof) bool { return p.isOf(b) })
		if i < 0 {
			t.Errorf("%s: nothing holds this block (%s) true; name what does in proofs:\n%s", b, b.language, b.text)
			continue
		}
		used[i] = true
		t.Run(b.String(), func(t *testing.T) { proofs[i].holds(t, b) })
	}
	for i, p := range proofs {
		if !used[i] {
			t.Errorf("no block of %s (%s) begins with %q", p.documents, p.language, p.opening)
		}
	}
}

// by names the test that holds a block true; it must be there.
func by(file, test string) func(*testing.T, block) {
	return func(t *testing.T, _ block) {
		source, err := os.ReadFile(filepath.Join(root, file))
		if err != nil || !strings.Contains(string(source), "\nfunc "+test+"(t *testing.T) {") {
			t.Errorf("%s has no %s (%v)", file, test, err)
		}
	}
}

// follows names the script of CI that runs a block as it stands in the README.
func follows(script string) func(*testing.T, block) {
	return func(t *testing.T, b block) {
		source, err := os.ReadFile(filepath.Join(root, script))
		opening, _, _ := strings.Cut(b.text, " ")
		reads := strings.Contains(string(source), "/^"+opening) || strings.Contains(string(source), "\nwatch_own "+opening+" ")
		if err != nil || !reads || !strings.Contains(string(source), "README.md") {
			t.Errorf("%s does not read this block (%v)", script, err)
		}
	}
}

// isJSON wants a sample of the protocol to be one JSON value after the other.
func isJSON(t *testing.T, b block) {
	for d := json.NewDecoder(strings.NewReader(b.text)); ; {
		var v any
		switch err := d.Decode(&v); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Fatal(err)
		}
	}
}

// isMessage wants what stands in an answer or an event to be JSON, but for what is
// left out of it.
func isMessage(t *testing.T, b block) {
	_, body, _ := strings.Cut(b.text, "{")
	isJSON(t, block{text: "{" + strings.ReplaceAll(body, "[…]", "[]")})
}

// Comments cite the protocol by file and section: each citation leads somewhere.
func TestCitationsOfTheProtocolLeadSomewhere(t *testing.T) {
	citation := regexp.MustCompile(`(protocol(?:-users)?\.md), (\d+(?:\.\d+)?)(?:(?:,| and) (\d+\.\d+))?`)
	texts, citations := documents(t), 0
	for name, source := range goFiles(t) {
		for _, m := range citation.FindAllStringSubmatch(source, -1) {
			for _, section := range m[2:] {
				if section == "" {
					continue
				}
				citations++
				if !hasSection(texts["docs/"+m[1]], section) {
					t.Errorf("%s: %s has no section %s", name, m[1], section)
				}
			}
		}
	}
	if citations < 60 {
		t.Errorf("only %d citations were found", citations)
	}
}

// hasSection reports whether a text has a heading of that number, or below the
// heading of the whole number a list with that item.
func hasSection(text, section string) bool {
	if regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(section) + `\.? `).MatchString(text) {
		return true
	}
	chapter, item, isItem := strings.Cut(section, ".")
	_, after, found := strings.Cut(text, "\n## "+chapter+". ")
	after, _, _ = strings.Cut(after, "\n## ")
	return isItem && found && regexp.MustCompile(`(?m)^`+item+`\. `).MatchString(after)
}

// goFiles are the texts of all Go files of the repository by their names.
func goFiles(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != root {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		texts[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// isDrawing wants the packages in a drawing to be there.
func isDrawing(t *testing.T, b block) {
	folders := regexp.MustCompile(`\b(exporter|probe)(/[a-z]+)?\s{2,}`).FindAllString(b.text, -1)
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(root, strings.TrimSpace(folder))); err != nil {
			t.Error(err)
		}
	}
	if len(folders) < 5 {
		t.Errorf("only %q were found", folders)
	}
}

// isLog wants the messages to be those of the source.
func isLog(t *testing.T, b block) {
	source, err := os.ReadFile("../reload.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`msg=("[^"]+")`).FindAllStringSubmatch(b.text, -1) {
		if !strings.Contains(string(source), m[1]) {
			t.Errorf("nothing logs %s", m[1])
		}
	}
}

// link is a link or a picture of Markdown, of this repository.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// released is what .ci/release-files puts into the archives, where links have to lead
// somewhere too; .ci/links looks at one.
var released = strings.Fields("README.md CHANGELOG.md Dockerfile docs deploy alerts dashboards bench .github")

func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	texts, links := documents(t), 0
	if script, err := os.ReadFile(filepath.Join(root, ".ci/release-files")); err != nil || !strings.Contains(string(script), strings.Join(released, " ")) {
		t.Errorf(".ci/release-files takes something else than %s (%v)", released, err)
	}
	for document, text := range texts {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			links++
			full := document
			if target != "" {
				full = path.Join(path.Dir(document), target)
			}
			if _, err := os.Stat(filepath.Join(root, full)); err != nil {
				t.Errorf("%s: there is no %s", document, m[1])
			} else if top, _, _ := strings.Cut(full, "/"); !slices.Contains(released, top) || path.Ext(full) == ".go" {
				t.Errorf("%s: %s is not in the archive of a release", document, m[1])
			} else if anchor != "" && !slices.Contains(anchors(texts[full]), anchor) {
				t.Errorf("%s: %s has no heading #%s", document, full, anchor)
			}
		}
	}
	if links < 80 {
		t.Errorf("only %d links were found", links)
	}
}

// Documents call a thing by the word that docs/glossary.md gives it, and by none of those
// that it rules out. The protocol and the changes are quoted as they are, and an account
// of Windows is none of ICWS.
func TestDocumentsUseTheWordsOfTheGlossary(t *testing.T) {
	texts := documents(t)
	var ruledOut []string
	rows := regexp.MustCompile(`(?m)^\| [a-z ]+ \| .* \| (.*) \|$`).FindAllStringSubmatch(texts["docs/glossary.md"], -1)
	for _, row := range rows[1:] { // the first is the head of the table
		ruledOut = append(ruledOut, strings.Split(row[1], ", ")...)
	}
	if len(ruledOut) < 15 {
		t.Fatalf("the glossary rules out only %q", ruledOut)
	}
	code := regexp.MustCompile("(?ms)^ *```.*?^ *```$|`[^`\n]*`|\\]\\([^)]*\\)")
	for document, text := range texts {
		if strings.HasPrefix(document, "docs/protocol") || slices.Contains([]string{"docs/glossary.md", "CHANGELOG.md"}, document) {
			continue
		}
		prose := strings.Join(strings.Fields(code.ReplaceAllString(text, " ")), " ")
		for _, word := range ruledOut {
			if word == "account" && slices.Contains([]string{"docs/windows.md", "docs/flags.md"}, document) {
				continue
			}
			if at := regexp.MustCompile(`(?i)\b` + word + `s?\b`).FindStringIndex(prose); at != nil {
				t.Errorf("%s says …%s…; the word for it is in docs/glossary.md", document, prose[max(0, at[0]-60):min(len(prose), at[1]+30)])
			}
		}
	}
}

// anchors are those of the headings, as GitHub makes them.
func anchors(text string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}
