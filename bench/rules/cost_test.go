// Package rules measures what the shipped rules cost a Prometheus, with its own engine
// and storage. It is a module of its own: the exporter does not need them.
package rules

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

var (
	days    = flag.Float64("days", 3, "days of data")
	servers = flag.Int("servers", 3, "servers")
)

const (
	scrape = 15 * time.Second
	minute = time.Minute
	// budget is the CPU time that all rules may take for one server and evaluation.
	budget = 15 * time.Millisecond
	rounds = 20
)

// The rules of alerts/ cost at most 15 ms of CPU per server and evaluation on three days
// of data. Every group is evaluated every time, also those that are not every minute. Of what is
// scraped only as much is there as they read: the older samples would be in blocks that no query opens.
func TestRulesAreCheap(t *testing.T) {
	db, err := tsdb.Open(t.TempDir(), promslog.NewNopLogger(), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	groups := load(t, db)
	end := time.Unix(1_800_000_000, 0)
	start := end.Add(-time.Duration(*days * 24 * float64(time.Hour)))

	exposed := exposition(t)
	fill(t, db, exposed, start, start.Add(time.Hour), scrape)
	for _, g := range groups {
		g.Eval(t.Context(), start.Add(time.Hour))
	}
	recorded := recordedSeries(t, db, start.Add(time.Hour))
	read := reach(groups)
	for at := start.Add(time.Hour); at.Before(end); at = at.Add(minute) {
		if !at.Before(end.Add(-read)) {
			fill(t, db, exposed, at, at.Add(minute), scrape)
		}
		fill(t, db, recorded, at.Add(time.Second), at.Add(2*time.Second), minute)
	}
	t.Logf("%d series of %d servers over %s, and %d recorded ones over %g days", len(exposed), *servers, read, len(recorded), *days)

	spent := map[string]time.Duration{}
	var all time.Duration
	for round := range rounds {
		at := end.Add(time.Duration(round) * minute)
		fill(t, db, exposed, at, at.Add(minute), scrape)
		for _, g := range groups {
			before := cpu(t)
			g.Eval(t.Context(), at.Add(50*time.Second))
			spent[g.Name()] += cpu(t) - before
			all += cpu(t) - before
			for _, r := range g.Rules() {
				if r.LastError() != nil {
					t.Errorf("%s: %v", r.Name(), r.LastError())
				}
			}
		}
	}
	each := func(d time.Duration) time.Duration { return d / rounds / time.Duration(*servers) }
	for _, g := range groups {
		t.Logf("%-20s %v", g.Name(), each(spent[g.Name()]))
	}
	t.Logf("all rules: %v of CPU per server and evaluation", each(all))
	if each(all) > budget {
		t.Errorf("that is more than %v", budget)
	}
}

// reach is how far back the rules read what is scraped, and a little more.
func reach(groups []*rules.Group) (longest time.Duration) {
	for _, g := range groups {
		for _, r := range g.Rules() {
			parser.Inspect(r.Query(), func(node parser.Node, path []parser.Node) error {
				selector, ok := node.(*parser.VectorSelector)
				if !ok || strings.Contains(selector.Name, ":") {
					return nil
				}
				back := selector.OriginalOffset
				for _, n := range path {
					switch n := n.(type) {
					case *parser.MatrixSelector:
						back += n.Range
					case *parser.SubqueryExpr:
						back += n.Range + n.OriginalOffset
					}
				}
				longest = max(longest, back)
				return nil
			})
		}
	}
	return longest + time.Hour
}

// load makes the groups of the rule files, which write to the storage.
func load(t *testing.T, db *tsdb.DB) (groups []*rules.Group) {
	t.Helper()
	p := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: promslog.NewNopLogger(), MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: p,
	})
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(engine, db), NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Context: t.Context(), AppendableV2: db, Queryable: db, Logger: promslog.NewNopLogger(), Parser: p,
	})
	files, err := filepath.Glob("../../alerts/icws.*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rule files: %v", err)
	}
	loaded, errs := manager.LoadGroups(minute, labels.EmptyLabels(), "", nil, false, files...)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, g := range loaded {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *rules.Group) int { return strings.Compare(a.Name(), b.Name()) })
	return groups
}

// series is one series with how it grows.
type series struct {
	labels labels.Labels
	value  float64
	grows  bool
	ref    storage.SeriesRef
}

// exposition is what the exporter shows of one server by default, for every server, and
// what Prometheus adds.
func exposition(t *testing.T) (all []*series) {
	t.Helper()
	file, err := os.Open("../../exporter/collect/testdata/full.prom")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	target := []string{"job", "icws", "instance", "exporter:10018"}
	all = append(all, &series{labels: labels.FromStrings(append(target, "__name__", "up")...), value: 1})
	types := map[string]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) > 3 && words[1] == "TYPE" {
			types[words[2]] = words[3]
		}
		if strings.HasPrefix(lines.Text(), "#") || len(words) < 2 {
			continue
		}
		metric, err := parser.NewParser(parser.Options{}).ParseMetric(strings.Join(words[:len(words)-1], " "))
		if err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		value, err := strconv.ParseFloat(words[len(words)-1], 64)
		if err != nil {
			t.Fatal(err)
		}
		name := metric.Get("__name__")
		grows := types[name] == "counter" || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum")
		copies := []string{""}
		switch metric.Get("server") {
		case "":
		case "chicago":
			copies = nil
			for i := range *servers {
				copies = append(copies, fmt.Sprintf("server-%d", i))
			}
		default:
			continue
		}
		for _, server := range copies {
			b := labels.NewBuilder(metric)
			b.Set("job", target[1])
			b.Set("instance", target[3])
			if server != "" {
				b.Set("server", server)
			}
			all = append(all, &series{labels: b.Labels(), value: value, grows: grows})
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d series", len(all))
	}
	return all
}

// recordedSeries are those that the rules have made.
func recordedSeries(t *testing.T, db *tsdb.DB, at time.Time) (all []*series) {
	t.Helper()
	q, err := db.Querier(at.Add(-minute).UnixMilli(), at.Add(minute).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".*:.*"))
	for set.Next() {
		all = append(all, &series{labels: set.At().Labels(), value: 0.01})
	}
	if len(all) == 0 || set.Err() != nil {
		t.Fatalf("no series was recorded: %v", set.Err())
	}
	return all
}

// fill writes samples of all series, a step apart.
func fill(t *testing.T, db *tsdb.DB, all []*series, from, to time.Time, step time.Duration) {
	t.Helper()
	appender := db.Appender(context.Background())
	for at := from; at.Before(to); at = at.Add(step) {
		for i, s := range all {
			if s.grows {
				s.value += math.Mod(float64(i), 3) / 10
			}
			ref, err := appender.Append(s.ref, s.labels, at.UnixMilli(), s.value)
			if err != nil {
				t.Fatalf("%s at %v: %v", s.labels, at, err)
			}
			s.ref = ref
		}
	}
	if err := appender.Commit(); err != nil {
		t.Fatal(err)
	}
}

// cpu is the CPU time of this process.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
