package alerts

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"icws_exporter/alerts/build"
)

// The tables of the README are made of the rules.
func TestReadmeShowsTheRules(t *testing.T) {
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := between(t, string(content), "<!-- thresholds -->", thresholdTable(t))
	want = between(t, want, "<!-- alerts -->", alertTable(t))
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(content) {
		t.Error("README.md is not of these rules; write it anew with go test ./alerts -update")
	}
}

// between replaces what stands between a mark and the end that follows it.
func between(t *testing.T, text, mark, with string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, mark+"\n")
	_, after, ended := strings.Cut(rest, "<!-- end -->")
	if !ok || !ended {
		t.Fatalf("README.md has no %s with its end", mark)
	}
	return before + mark + "\n" + with + "<!-- end -->" + after
}

func thresholdTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| threshold | default | from | to | meaning | used by |\n|---|---|---|---|---|---|\n")
	for _, file := range RuleFiles {
		for _, threshold := range build.Thresholds(text(t, file)) {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", threshold.Name, threshold.Value, threshold.Min, threshold.Max,
				threshold.Meaning, strings.Join(threshold.UsedBy, ", "))
		}
	}
	return b.String()
}

func alertTable(t *testing.T) string {
	rules := allRules(t)
	var b strings.Builder
	b.WriteString("| alert | severity | for | keeps firing | meaning |\n|---|---|---|---|---|\n")
	for _, name := range alertNames(rules) {
		var severities, waits, keeps []string
		for _, r := range rules {
			if r.Alert == name {
				severities = append(severities, r.Labels["severity"])
				waits, keeps = append(waits, cmp.Or(r.For, "–")), append(keeps, cmp.Or(r.KeepFiringFor, "–"))
			}
		}
		fmt.Fprintf(&b, "| [%s](runbooks/%s.md) | %s | %s | %s | %s |\n", name, name,
			distinct(severities), distinct(waits),
			distinct(keeps), meaning(t, name))
	}
	return b.String()
}

// distinct lists values, each once.
func distinct(values []string) string {
	var list []string
	for _, v := range values {
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return strings.Join(list, ", ")
}

// meaning is the first paragraph of a runbook.
func meaning(t *testing.T, alert string) string {
	t.Helper()
	book, _ := Runbook(alert)
	_, after, _ := strings.Cut(book, "## Meaning\n\n")
	paragraph, _, _ := strings.Cut(after, "\n\n")
	return strings.ReplaceAll(paragraph, "\n", " ")
}

// Who is woken up knows what to put in place of $SERVER.
func TestRunbooksSayWhatTheirVariablesAre(t *testing.T) {
	variable := regexp.MustCompile(`\$[A-Z]+`)
	for _, name := range Runbooks() {
		book, _ := Runbook(name)
		for _, used := range append(Queries(book), Commands(book)...) {
			for _, v := range variable.FindAllString(used, -1) {
				if !strings.Contains(book, "`"+v+"` is ") {
					t.Errorf("the runbook of %s does not say what %s is", name, v)
				}
			}
		}
	}
}

// maintenance is the series with which an operator declares maintenance.
const maintenance = "icws_maintenance"

// The rule that declares maintenance makes the series that the objectives leave out.
func TestTheDeclarationOfMaintenanceIsOne(t *testing.T) {
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(content), "```yaml\ngroups:\n")
	block, _, _ := strings.Cut(after, "```")
	var declared struct{ Groups []struct{ Rules []rule } }
	load(t, "README.md", "groups:\n"+block, &declared)
	if len(declared.Groups) != 1 || len(declared.Groups[0].Rules) != 1 {
		t.Fatalf("README.md declares %v", declared)
	}
	if r := declared.Groups[0].Rules[0]; r.Record != maintenance || r.Labels["server"] == "" {
		t.Errorf("README.md declares %s %v", r.Record, r.Labels)
	}
	if slo := text(t, "icws.slo.yaml"); !strings.Contains(slo, "unless on (server)\n          max_over_time("+maintenance+"[") {
		t.Errorf("the objectives do not leave %s out", maintenance)
	}
}
