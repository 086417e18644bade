package alerts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter/collect"
)

// selector is a metric in an expression, with its matchers.
type selector struct {
	name     string
	function string // that it, or its range, is the argument of; may be empty
	matchers []matcher
}

type matcher struct{ label, operator, value string }

var (
	comment      = regexp.MustCompile(`(?m)#.*$`)
	grouping     = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right) *\(([^)]*)\)`)
	stringOutput = regexp.MustCompile(`\("\w+",`)    // the label that count_values makes
	stringInput  = regexp.MustCompile(`,\s*"[^"]*"`) // what label_replace replaces
	name         = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	oneMatch     = regexp.MustCompile(`(\w+) *(=~|!~|!=|=) *"((?:[^"\\]|\\.)*)"`)
	rangeOf      = regexp.MustCompile(`\[(\d+)([smhd])(?::\d+[smhd])?\]`)
)

// words of PromQL that are no metrics.
var words = []string{"and", "or", "unless", "offset", "bool", "group_left"}

// selectors finds the metrics of an expression. It knows what the rules use, not
// all of PromQL: promtool parses them.
func selectors(expr string) []selector {
	expr = comment.ReplaceAllString(expr, "")
	expr = grouping.ReplaceAllString(expr, "")
	expr = stringOutput.ReplaceAllString(expr, "(")
	expr = stringInput.ReplaceAllString(expr, "")
	expr = rangeOf.ReplaceAllString(expr, "")
	var found []selector
	for i := 0; i < len(expr); {
		at := name.FindStringIndex(expr[i:])
		if at == nil {
			break
		}
		begin, end := i+at[0], i+at[1]
		i = end
		if begin > 0 && strings.ContainsRune("0123456789.", rune(expr[begin-1])) {
			continue // the unit of a duration
		}
		rest := strings.TrimLeft(expr[end:], " \n")
		if strings.HasPrefix(rest, "(") || slices.Contains(words, expr[begin:end]) {
			continue
		}
		s := selector{name: expr[begin:end]}
		before := strings.TrimRight(expr[:begin], " \n")
		if inner, ok := strings.CutSuffix(before, "("); ok {
			names := name.FindAllString(strings.TrimRight(inner, " \n"), -1)
			if len(names) > 0 {
				s.function = names[len(names)-1]
			}
		}
		if strings.HasPrefix(rest, "{") {
			close := strings.Index(rest, "}")
			for _, m := range oneMatch.FindAllStringSubmatch(rest[:close], -1) {
				s.matchers = append(s.matchers, matcher{m[1], m[2], strings.ReplaceAll(m[3], `\\`, `\`)})
			}
			i = end + strings.Index(expr[end:], "}") + 1
		}
		found = append(found, s)
	}
	return found
}

// groupings finds the label lists of an expression: the word before it, and the
// labels.
func groupings(expr string) (found [][]string) {
	for _, m := range grouping.FindAllStringSubmatch(comment.ReplaceAllString(expr, ""), -1) {
		list := []string{m[1]}
		for _, label := range strings.Split(m[2], ",") {
			if label = strings.TrimSpace(label); label != "" {
				list = append(list, label)
			}
		}
		found = append(found, list)
	}
	return found
}

// ranges finds the ranges of an expression.
func ranges(expr string) (found []time.Duration) {
	for _, m := range rangeOf.FindAllStringSubmatch(expr, -1) {
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
		var n time.Duration
		fmt.Sscan(m[1], &n)
		found = append(found, n*unit)
	}
	return found
}

// foreign are the metrics that Prometheus, and client_golang, make.
var foreign = regexp.MustCompile(`^(up|ALERTS|scrape_duration_seconds|go_\w+|process_\w+)$`)

// maintenance is the series with which an operator declares maintenance.
const maintenance = "icws_maintenance"

// targetLabels come from Prometheus.
var targetLabels = []string{"job", "instance", "pod", "cluster"}

// family returns what the metric table says of a series, and whether it is one of
// the series of a histogram.
func family(series string) (f *collect.Family, ofHistogram, found bool) {
	base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(series, "_bucket"), "_count"), "_sum")
	for _, f := range collect.Families() {
		if f.Name == series {
			return f, f.Type == collect.Histogram, true
		}
		if f.Name == base && f.Type == collect.Histogram {
			return f, true, true
		}
	}
	return nil, false, false
}

// checkExpression checks that every metric, label and label value exists, and that
// counters are only read through rate and increase.
func checkExpression(t *testing.T, where, expr string, recorded []string) {
	t.Helper()
	all := selectors(expr)
	if len(all) == 0 {
		t.Errorf("%s: no metric found in %q", where, expr)
	}
	for _, s := range all {
		if foreign.MatchString(s.name) || s.name == maintenance || slices.Contains(recorded, s.name) {
			continue
		}
		f, ofHistogram, found := family(s.name)
		if !found {
			t.Errorf("%s: there is no metric %s", where, s.name)
			continue
		}
		if counts := f.Type == collect.Counter || ofHistogram; counts != slices.Contains([]string{"rate", "increase"}, s.function) {
			t.Errorf("%s: %s is read through %q", where, s.name, s.function)
		}
		for _, m := range s.matchers {
			checkMatcher(t, where, f, m)
		}
	}
}

func checkMatcher(t *testing.T, where string, f *collect.Family, m matcher) {
	t.Helper()
	if slices.Contains(targetLabels, m.label) || m.label == "server" && f.PerServer() || m.label == "le" && f.Type == collect.Histogram {
		return
	}
	i := slices.IndexFunc(f.Labels, func(l collect.Label) bool { return l.Name == m.label })
	if i < 0 {
		t.Errorf("%s: %s has no label %s", where, f.Name, m.label)
		return
	}
	values := f.Labels[i].Values
	if values == nil {
		return
	}
	alternatives := []string{regexp.QuoteMeta(m.value)}
	if strings.HasSuffix(m.operator, "~") {
		alternatives = strings.Split(m.value, "|")
	}
	for _, alternative := range alternatives {
		pattern := regexp.MustCompile("^(?:" + alternative + ")$")
		if !slices.ContainsFunc(values, pattern.MatchString) {
			t.Errorf("%s: %s of %s is never %q", where, m.label, f.Name, alternative)
		}
	}
}

// The checks of this package are worth nothing if the scanner overlooks things.
func TestScannerFindsWhatIsThere(t *testing.T) {
	for expr, want := range map[string]string{
		`up`: `[{up  []}]`,
		`sum without (code) (increase(icws_responses_total{code=~"5..", operation!="poll"}[10m])) >= 3 # icws_up`: `[{icws_responses_total increase [{code =~ 5..} {operation != poll}]}]`,
		"a_b == 0\nand on (job, server)\nlast_over_time(c:d:rate5m[5m] offset 1h) > 5":                            `[{a_b  []} {c:d:rate5m last_over_time []}]`,
		`count by (job) (count_values by (job) ("hash", x * on (job) group_left (site) max by (job) (y{z!=""})))`: `[{x count_values []} {y max [{z != }]}]`,
		`1 - histogram_fraction(0, 2, increase(h[5m]))`:                                                           `[{h increase []}]`,
	} {
		if got := fmt.Sprint(selectors(expr)); got != want {
			t.Errorf("selectors(%q) are %s, want %s", expr, got, want)
		}
	}
}
