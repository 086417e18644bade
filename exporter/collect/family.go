package collect

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Type is the type of a metric family.
type Type uint8

// The types. A state set is a gauge with one series per state: 1 for the
// present one, 0 for the others.
const (
	Gauge Type = iota
	StateSet
	Counter
	Histogram
)

// exposed is the type that the exposition formats know.
func (t Type) exposed() string {
	return [...]string{"gauge", "gauge", "counter", "histogram"}[t]
}

// Stability says what a user may rely on.
type Stability uint8

const (
	// Stable families keep name, type, labels and meaning within a major version.
	Stable Stability = iota
	// Experimental families may change in any version.
	Experimental
)

// Dimension is what the number of values of an open label grows with.
type Dimension uint8

// The dimensions.
const (
	One          Dimension = iota // one value at a time
	PerGroup                      // group tags, at most limits.groups and (other)
	PerHost                       // configured hosts and accepted alternate hosts
	PerStatus                     // status messages, at most limits.statuses
	PerLicence                    // kinds of licences, at most probe.MaxLicences
	PerUserGroup                  // group tags as for PerGroup, and (unknown)
	PerWorkgroup                  // configured workgroups and (small), for each of PerUserGroup
)

// Label is a label of a family besides server.
type Label struct {
	Name string
	// Values are all values of a closed label; nil for an open one.
	Values []string
	// Grows is what the number of values of an open label depends on.
	Grows Dimension
	// GrowsFull is the same with --metrics.detail=full; by default the label is empty.
	GrowsFull Dimension
}

// Family is one metric family. The families are the exported Metric variables of
// this package and must not be changed.
type Family struct {
	// Name is the name in the text format, _total included.
	Name string
	Type Type
	Help string
	// Labels are the labels besides server. Closed labels come first.
	Labels    []Label
	Stability Stability
	// OptIn names the flag, or the key of the configuration, without which the family
	// is not exposed; empty for a default family.
	OptIn string
	// AtMost is how many combinations of the closed labels' values a server has at
	// most, and AtMostFull with --metrics.detail=full; 0 means all.
	AtMost, AtMostFull int

	// Exactly one of these emits the samples: of one server, or of the exporter.
	server   func(*reading, *samples)
	exporter func(*scrape, *samples)

	number int // in families
	order  []gap
	series []series
	header [numTexts]string
	// About the bytes of the header, and of the lines of one server.
	headerBytes, serverBytes int
}

var families []*Family

// define adds a family to the table.
func define(f Family) *Family {
	f.number = len(families)
	f.compile()
	families = append(families, &f)
	return &f
}

// Families returns the metric table, sorted by name. Any goroutine may call it.
func Families() []*Family {
	return slices.SortedFunc(slices.Values(families), func(a, b *Family) int {
		return strings.Compare(a.Name, b.Name)
	})
}

// PerServer reports whether the family has a label server, or else describes the
// exporter itself.
func (f *Family) PerServer() bool { return f.server != nil }

// labelNames returns the names of all labels, sorted.
func (f *Family) labelNames() []string {
	var names []string
	for _, l := range f.Labels {
		names = append(names, l.Name)
	}
	if f.PerServer() {
		names = append(names, "server")
	}
	slices.Sort(names)
	return names
}

// desc makes the description for the const collector.
func (f *Family) desc() *prometheus.Desc {
	return prometheus.NewDesc(f.Name, f.Help, f.labelNames(), nil)
}
