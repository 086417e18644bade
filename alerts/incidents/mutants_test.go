//go:build mutation

package incidents

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

var (
	mutateOnly = flag.String("mutate", "", "mutate only the rules whose name matches this regular expression")
	mutateHow  = flag.String("how", "", "only the mutants whose description matches this regular expression, such as deleted")
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
		if !inExpr && !strings.HasPrefix(trimmed, "expr: ") || strings.HasPrefix(trimmed, "#") {
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

// Whatever is wrong in a rule, its unit tests notice. A mutant has its own rule, and those that
// are made of it, evaluated in the tests that say something about them; the rest is computed once.
func TestMutantsAreKilled(t *testing.T) {
	only, how := regexp.MustCompile(*mutateOnly), regexp.MustCompile(*mutateHow)
	texts, shipped := map[string]string{}, loadRules(t)
	for _, file := range ruleFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	tests := loadUnitTests(t)
	var killed, survived, invalid atomic.Int64
	t.Run("all", func(t *testing.T) {
		for file, text := range texts {
			for _, m := range mutants(file, text) {
				if !only.MatchString(m.rule) || !how.MatchString(m.what) || isEquivalent(m) {
					continue
				}
				t.Run(m.rule, func(t *testing.T) {
					t.Parallel()
					changed, err := shipped.with(m.file, m.text)
					switch {
					case err != nil:
						invalid.Add(1)
					case passes(t, tests, shipped, changed, m):
						survived.Add(1)
						t.Errorf("SURVIVES %s %s", m.file, m.what)
					default:
						killed.Add(1)
					}
				})
			}
		}
	})
	t.Logf("%d mutants were killed, %d survive, %d are no rules", killed.Load(), survived.Load(), invalid.Load())
}

// passes reports whether the tests find nothing wrong. Those of the rule come first: they are
// short and kill most.
func passes(t *testing.T, tests []*unitTests, shipped, changed ruleSet, m mutant) bool {
	names := shipped.madeOf(m.rule)
	order := slices.Clone(tests)
	slices.SortStableFunc(order, func(a, b *unitTests) int { return distance(a, names, m) - distance(b, names, m) })
	for _, file := range order {
		if !slices.ContainsFunc(file.RuleFiles, func(f string) bool { return filepath.Base(f) == m.file }) {
			continue
		}
		for _, u := range file.Tests {
			if !u.concerns(names) {
				continue
			}
			u.shipped(t, shipped)
			in := newMemory()
			in.given, in.recorded = u.given, u.recorded
			in.hides = func(ls labels.Labels) bool {
				return names[ls.Get(labels.MetricName)] || names[ls.Get(labels.AlertName)]
			}
			evaluated := maps.Clone(names)
			maps.DeleteFunc(evaluated, func(name string, _ bool) bool { return !u.of[name] })
			if u.run(in, changed, evaluated) != "" {
				return false
			}
		}
	}
	return true
}

// distance is how far a file of tests is from a rule.
func distance(file *unitTests, names map[string]bool, m mutant) int {
	about, _, _ := strings.Cut(file.name, ".")
	switch {
	case about == m.rule:
		return 0
	case names[about]:
		return 1
	case file.name == "scenarios.yaml", file.name == "adversarial.yaml":
		return 3
	}
	return 2
}
