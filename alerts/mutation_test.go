//go:build mutation

package alerts

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	mutateOnly = flag.String("mutate", "", "mutate only the rules whose name matches this regular expression")
	mutateHow  = flag.String("how", "", "only the mutants whose description matches this regular expression, such as deleted")
	promtool   = flag.String("promtool", "promtool", "the promtool to test the rules with")
)

// mutant is a rule file in which one thing of one rule is wrong.
type mutant struct{ file, rule, what, text string }

var (
	beginsRule  = regexp.MustCompile(`^      - (?:alert|record): (\S+)$`)
	joins       = regexp.MustCompile(`^ *(and|or|unless)\b`)
	oneMatcher  = regexp.MustCompile(`\w+(?:=~|!~|!=|=)"[^"]*"`)
	oneRange    = regexp.MustCompile(`\[(\d+)([mhd])\]`)
	compareZero = regexp.MustCompile(`(==|<|>) ([01])$`)
)

// mutants are all of a rule file.
func mutants(file, text string) (all []mutant) {
	lines := strings.Split(text, "\n")
	rule, inExpr := "", false
	put := func(what string, i, j int, replacement ...string) {
		changed := slices.Concat(lines[:i], replacement, lines[j:])
		all = append(all, mutant{file, rule, fmt.Sprintf("line %d: %s", i+1, what), strings.Join(changed, "\n")})
	}
	for i, line := range lines {
		if m := beginsRule.FindStringSubmatch(line); m != nil {
			rule = m[1]
		}
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "expr: |"):
			inExpr = true
			continue
		case strings.HasPrefix(trimmed, "for: "), strings.HasPrefix(trimmed, "keep_firing_for: "):
			inExpr = false
			put("without "+trimmed, i, i+1)
			continue
		case trimmed == "":
			inExpr = false
			continue
		case strings.HasPrefix(trimmed, "expr: "):
		case strings.HasPrefix(line, "      - ") || strings.HasPrefix(line, "        labels:"):
			inExpr = false
		}
		if !inExpr && !strings.HasPrefix(trimmed, "expr: ") {
			continue
		}
		if inExpr {
			put("deleted "+trimmed, i, i+1)
			if joins.MatchString(line) {
				put("deleted from "+trimmed+" on", i, i+2)
				put("deleted up to "+trimmed, i-1, i+1)
			}
		}
		expression, _, _ := strings.Cut(line, " # ")
		for _, at := range oneMatcher.FindAllStringIndex(expression, -1) {
			put("without "+line[at[0]:at[1]], i, i+1, strings.NewReplacer("{, ", "{", ", }", "}", ", , ", ", ").Replace(line[:at[0]]+line[at[1]:]))
			if value := line[at[0]:at[1]]; strings.Contains(value, "|") {
				name, list, _ := strings.Cut(strings.TrimSuffix(value, `"`), `"`)
				alternatives := strings.Split(list, "|")
				for k, alternative := range alternatives {
					rest := strings.Join(slices.Delete(slices.Clone(alternatives), k, k+1), "|")
					put("without "+alternative+" of "+value, i, i+1, line[:at[0]]+name+`"`+rest+`"`+line[at[1]:])
				}
			}
		}
		for _, at := range oneRange.FindAllStringSubmatchIndex(expression, -1) {
			put("a range ten times as long as "+line[at[0]:at[1]], i, i+1, line[:at[3]]+"0"+line[at[3]:])
		}
		if m := compareZero.FindStringSubmatch(expression); m != nil {
			other := map[string]string{"0": "1", "1": "0"}[m[2]]
			put(m[0]+" is "+other, i, i+1, strings.TrimSuffix(expression, m[2])+other)
		}
	}
	for _, threshold := range regexp.MustCompile(`(?m)^.*# threshold .*$`).FindAllString(text, -1) {
		i := slices.Index(lines, threshold)
		m := regexp.MustCompile(`^(.*(?:>=|<=|>|<|/) *)([0-9.]+)(.*# threshold .*)$`).FindStringSubmatch(threshold)
		for j := i; j >= 0; j-- {
			if b := beginsRule.FindStringSubmatch(lines[j]); b != nil {
				rule = b[1]
				break
			}
		}
		put("half of "+m[2], i, i+1, m[1]+"0.5 * "+m[2]+m[3])
		put("twice "+m[2], i, i+1, m[1]+"2 * "+m[2]+m[3])
	}
	return all
}

// testsOfRecorded are the tests of what is made of a recorded series, by a part of its
// name.
var testsOfRecorded = map[string][]string{
	":icws_up:":             {"IcwsServerDown.yaml"},
	":icws_down:":           {"IcwsServerDown.yaml", "IcwsAvailabilityBudgetBurn.yaml"},
	":icws_down_reason:":    {"IcwsServerDown.yaml"},
	":icws_request":         {"IcwsRequestErrors.yaml"},
	":icws_session_request": {"IcwsRequestsFailing.yaml"},
	":icws_targets:":        {"IcwsNotWatched.yaml"},
	":icws_unwatched:":      {"IcwsWatchedBudgetBurn.yaml", "IcwsAvailabilityBudgetBurn.yaml"},
	":icws_unavailable:":    {"IcwsAvailabilityBudgetBurn.yaml"},
	":icws_deliver":         {"IcwsLatencyBudgetBurn.yaml"},
	":left30d":              nil,
}

// equivalents are mutants that no test can kill, by what is in them, with the reason.
var equivalents = map[string]string{
	"vector(0)": "that the watchdog fires is all that it says",
}

func isEquivalent(m mutant) bool {
	for part := range equivalents {
		if strings.Contains(m.text, part) {
			return true
		}
	}
	return false
}

// Whatever is wrong in a rule, its tests notice. It takes minutes: see -mutate.
func TestMutantsAreKilled(t *testing.T) {
	only, how := regexp.MustCompile(*mutateOnly), regexp.MustCompile(*mutateHow)
	killed, invalid := 0, 0
	for _, file := range RuleFiles {
		for _, m := range mutants(file, text(t, file)) {
			if !only.MatchString(m.rule) || !how.MatchString(m.what) || isEquivalent(m) {
				continue
			}
			dir := t.TempDir()
			for _, name := range RuleFiles {
				content := text(t, name)
				if name == file {
					content = m.text
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if exec.Command(*promtool, "check", "rules", "--lint=none", filepath.Join(dir, file)).Run() != nil {
				invalid++
				continue
			}
			if passes(t, dir, m) {
				t.Errorf("SURVIVES %s %s", m.rule, m.what)
			} else {
				killed++
			}
			_ = os.RemoveAll(dir)
		}
	}
	t.Logf("%d mutants were killed, %d are no rules", killed, invalid)
}

// passes reports whether the tests of the rule find nothing wrong.
func passes(t *testing.T, dir string, m mutant) bool {
	t.Helper()
	patterns := []string{m.rule + ".yaml", "scenarios.yaml"}
	for part, tests := range testsOfRecorded {
		if strings.Contains(m.rule, part) {
			patterns = append(slices.Clone(tests), "recording.yaml")
		}
	}
	var files []string
	for _, pattern := range patterns {
		found, _ := filepath.Glob("tests/" + pattern)
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatalf("no tests for %s", m.rule)
	}
	tests := filepath.Join(dir, "tests")
	if err := os.Mkdir(tests, 0o700); err != nil {
		t.Fatal(err)
	}
	// Its own tests first: they are short and kill most.
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(tests, filepath.Base(file))
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if exec.Command(*promtool, "test", "rules", name).Run() != nil {
			return false
		}
	}
	return true
}
