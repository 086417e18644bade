package collect

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

func TestReference(t *testing.T) {
	var b bytes.Buffer
	if err := WriteReference(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/metrics.md", b.Bytes())
}

type brokenPipe struct{}

var errBroken = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestReferenceReportsTheWriter(t *testing.T) {
	if err := WriteReference(brokenPipe{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the error of the writer", err)
	}
}

// worst publishes as many series as a server of the size can have.
func worst(size Size) *published {
	p := &published{snapshot: live()}
	s := &p.snapshot
	s.Hosts, s.Groups = nil, nil
	for i := range size.Hosts {
		s.Hosts = append(s.Hosts, probe.Host{Name: "host" + strings.Repeat("x", i), Checked: true})
	}
	for i := range size.Groups + 1 {
		s.Groups = append(s.Groups, catalogue.GroupCount{Group: "group" + strings.Repeat("x", i)})
	}
	for i := range size.Statuses + 10 {
		p.statuses = append(p.statuses, catalogue.Entry{ID: strings.Repeat("x", i)})
	}
	return p
}

// The bound that docs/metrics.md promises is what a server reaches that did everything
// it can, and no more.
func TestBoundIsTheWorstCase(t *testing.T) {
	size := Size{Groups: 20, Hosts: 5, Statuses: 30}
	s := newTestSet(Options{StatusSeries: true, MaxStatuses: size.Statuses})
	s.ConfigLoaded(noon, 1)
	m := s.Add("chicago", "us")
	m.Watch(worst(size))
	for op := range icws.Operation(icws.NumOperations) {
		for code := range 700 {
			m.Exchange(icws.Exchange{Operation: op, Code: code})
		}
	}
	page := exposition(t, s, Text)
	for _, f := range Families() {
		series := 0
		for line := range strings.Lines(page) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			name, _, _ = strings.Cut(name, "{")
			if f.Type == Histogram {
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					name = strings.TrimSuffix(name, suffix)
				}
			}
			if name == f.Name {
				series++
			}
		}
		if want := f.Bound().Series(size); series != want {
			t.Errorf("%s: %d series, the bound is %d", f.Name, series, want)
		}
	}
	_, defaults, optIn := seriesPerServer(size)
	lines := 0
	for line := range strings.Lines(page) {
		if strings.Contains(line, `server="chicago"`) {
			lines++
		}
	}
	if lines != defaults+optIn {
		t.Errorf("%d series of the server, the reference says %d", lines, defaults+optIn)
	}
}

// The rules that the exposition writer relies on.
func TestTableIsWellFormed(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Families() {
		if names[f.Name] {
			t.Errorf("%s is in the table twice", f.Name)
		}
		names[f.Name] = true
		if !strings.HasPrefix(f.Name, "icws_") {
			t.Errorf("%s: want the prefix icws_", f.Name)
		}
		if (f.Type == Counter) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s: counters, and only they, end in _total", f.Name)
		}
		// Help is written as it is in both formats.
		if f.Help == "" || strings.ContainsAny(f.Help, "\\\n\"") || !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: want a help sentence without quotes, backslashes and line breaks: %q", f.Name, f.Help)
		}
		if (f.server == nil) == (f.exporter == nil) {
			t.Errorf("%s: want exactly one source of samples", f.Name)
		}
		open := false
		for _, l := range f.Labels {
			if l.Values != nil && open {
				t.Errorf("%s: closed labels come first", f.Name)
			}
			open = l.Values == nil
		}
	}
}
