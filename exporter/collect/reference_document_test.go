package collect

import (
	"fmt"
	"slices"
	"strings"
)

// referenceSize is the server whose series the reference adds up.
var referenceSize = Size{Groups: DefaultGroups, Hosts: 2, Statuses: DefaultStatuses, Workgroups: 10}

// metricReference is docs/metrics.md.
func metricReference() string {
	var b strings.Builder
	b.WriteString(`# Metrics

Every metric family of icws_exporter, generated from the metric table. All
timestamps are Unix times and all durations are seconds. Histograms have classic
buckets in every format, and native ones for a Prometheus that scrapes native
histograms.

A family whose samples do not apply yet, such as the time of something that never
happened, is absent. While the catalogue of a server is stale, its
`)
	b.WriteString("`icws_statuses*` and `icws_status_*` series are withheld and `icws_catalogue_stale` is 1.\n")
	writeFamilies(&b, "One server", "All have the label `server`: its configured name.", (*Family).PerServer)
	writeFamilies(&b, "The exporter", "", func(f *Family) bool { return !f.PerServer() })
	b.WriteString("\nUnless `--web.disable-exporter-metrics` is given, the `go_*` and `process_*` families of\n" +
		"client_golang come with them, read at most once a second.\n")
	writeLabels(&b)
	writeCardinality(&b)
	return b.String()
}

func writeFamilies(b *strings.Builder, title, intro string, belongs func(*Family) bool) {
	fmt.Fprintf(b, "\n## %s\n\n", title)
	if intro != "" {
		b.WriteString(intro + "\n\n")
	}
	b.WriteString("| name | type | labels | series at most | stability | meaning |\n|---|---|---|---|---|---|\n")
	for _, f := range Families() {
		if !belongs(f) {
			continue
		}
		var labels []string
		for _, l := range f.Labels {
			labels = append(labels, "`"+l.Name+"`")
		}
		help := strings.ReplaceAll(f.Help, "|", `\|`)
		atMost := f.Bound(f.OptIn == detailFlag).String()
		if full := f.Bound(true).String(); full != atMost {
			atMost += ", in full detail " + full
		}
		if f.OptIn != "" {
			help += " Only with `" + f.OptIn + "`."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s |\n",
			f.Name, f.Type, strings.Join(labels, ", "), atMost, f.Stability, help)
	}
}

// writeLabels writes the values of the closed labels.
func writeLabels(b *strings.Builder) {
	b.WriteString("\n## Label values\n\nThe series of these values exist from the first scrape on, at 0. Those of\n" +
		"`icws_responses_total` and `icws_request_failures_total` do so as far as the alerts read them:\n" +
		"success, 401, 410, 429, 500, 502, 503 and 504, and failures, of connect, subscribe, list and\n" +
		"the transport in use, poll or stream; others begin with the first event.\n\n" +
		"| family | label | values |\n|---|---|---|\n")
	for _, f := range Families() {
		for _, l := range f.Labels {
			if l.Values != nil {
				fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", f.Name, l.Name, strings.Join(l.Values, ", "))
			}
		}
	}
	fmt.Fprintf(b, "\nOther label values come from the configuration or the server: invalid UTF-8 is replaced, and\n"+
		"what exceeds %d bytes is cut off.\n", maxLabelValue)
}

// writeCardinality writes how many series a server can have.
func writeCardinality(b *strings.Builder) {
	terms, total, optIn := seriesPerServer(referenceSize)
	full := fullSeriesPerServer(referenceSize)
	fmt.Fprintf(b, "\n## Cardinality\n\nBy default no family has a label per status message: a server with 10,000 of them has as\n"+
		"many series as one with 10. The bound per server is\n\n    %s\n\n"+
		"where `groups` is `limits.groups` and `hosts` counts the configured hosts and the accepted\n"+
		"alternate hosts: with %d groups and %d hosts %d series, and %d with `--metrics.detail=full`. A server that\n"+
		"works has less than 300, with nine groups. The series of one status message each,\n"+
		"`--metrics.status-series`, are %d × `limits.statuses` at most, %d with the default limit. What only a key of\n"+
		"the configuration brings comes to these, as the table says.\n"+
		"Where users are counted, a server that works has less than 150 series more, with nine groups and without\n"+
		"`users.per_status` and `users.by_workgroup`. With %d groups, %d statuses and %d workgroups they are %d at most.\n",
		terms, referenceSize.Groups, referenceSize.Hosts, total, full, optIn/referenceSize.Statuses, optIn,
		referenceSize.Groups, referenceSize.Statuses, referenceSize.Workgroups, seriesForUsers(referenceSize, false))
}

// seriesPerServer adds up the bounds of the families of one server: the default
// ones as a formula and as a number, and the opt-in ones.
func seriesPerServer(size Size) (formula string, total, optIn int) {
	var fixed [PerWorkgroup + 1]int
	for _, f := range Families() {
		b := f.Bound(false)
		switch {
		case f.OptIn == statusSeriesFlag:
			optIn += b.Series(size)
		case f.PerServer() && f.OptIn == "":
			fixed[b.Grows] += b.Fixed
			total += b.Series(size)
		}
	}
	var terms []string
	for grows, n := range fixed {
		if n > 0 {
			terms = append(terms, Bound{Fixed: n, Grows: Dimension(grows)}.String())
		}
	}
	return strings.Join(terms, " + "), total, optIn
}

// seriesForUsers is how many series more a server has at most whose users are counted.
func seriesForUsers(size Size, full bool) (total int) {
	for _, f := range Families() {
		isEach := slices.ContainsFunc(f.Labels, func(l Label) bool { return l.Name == labelSubscription.Name })
		if f.OptIn == usersKey || isEach && (full || f.OptIn == "") {
			total += f.Bound(full).Series(size)
		}
	}
	return total
}

// fullSeriesPerServer adds up the bounds of the families of one server in full detail.
func fullSeriesPerServer(size Size) (total int) {
	for _, f := range Families() {
		if f.PerServer() && (f.OptIn == "" || f.OptIn == detailFlag) {
			total += f.Bound(true).Series(size)
		}
	}
	return total
}

// Size is what the number of series of one server depends on.
type Size struct {
	Groups   int // limits.groups
	Hosts    int // configured hosts and accepted alternate hosts
	Statuses int // limits.statuses
	Licences int // kinds of licences, at most probe.MaxLicences
	// Workgroups is how many workgroups are named by users.workgroups.
	Workgroups int
}

// Bound is the most series that a family can have for one server, as the product
// of a fixed number and of what its open labels grow with.
type Bound struct {
	Fixed int
	Grows Dimension
}

// Bound returns the most series that the family can have: for one server, or in
// all when it describes the exporter. full says with --metrics.detail=full. One with a
// label subscription has as many for each.
func (f *Family) Bound(full bool) Bound {
	b := Bound{Fixed: 1}
	for _, l := range f.Labels {
		if l.Values != nil && l.Name != labelSubscription.Name {
			b.Fixed *= len(l.Values)
		}
		// At most one open label of a family grows: the others depend on it.
		b.Grows = max(b.Grows, l.Grows)
		if full {
			b.Grows = max(b.Grows, l.GrowsFull)
		}
	}
	atMost := f.AtMost
	if full {
		atMost = f.AtMostFull
	}
	if atMost > 0 {
		b.Fixed = atMost
	}
	if f.Type == Histogram {
		b.Fixed *= linesPerHistogram
	}
	return b
}

// Series returns the bound as a number.
func (b Bound) Series(s Size) int {
	switch b.Grows {
	case PerGroup:
		return b.Fixed * (s.Groups + 1)
	case PerHost:
		return b.Fixed * s.Hosts
	case PerStatus:
		return b.Fixed * s.Statuses
	case PerLicence:
		return b.Fixed * s.Licences
	case PerUserGroup:
		return b.Fixed * (s.Groups + 2)
	case PerWorkgroup:
		return b.Fixed * (s.Groups + 2) * (s.Workgroups + 1)
	default:
		return b.Fixed
	}
}

// String returns the bound as the reference prints it.
func (b Bound) String() string {
	if b.Grows == One {
		return fmt.Sprint(b.Fixed)
	}
	name := [...]string{PerGroup: "(groups + 1)", PerHost: "hosts", PerStatus: "statuses", PerLicence: "licences",
		PerUserGroup: "(groups + 2)", PerWorkgroup: "(workgroups + 1) × (groups + 2)"}[b.Grows]
	if b.Fixed == 1 {
		if strings.Count(name, "(") == 1 {
			name = strings.Trim(name, "()")
		}
		return name
	}
	return fmt.Sprintf("%d × %s", b.Fixed, name)
}

// String returns the type as the reference prints it.
func (t Type) String() string {
	return [...]string{"gauge", "gauge (state set)", "counter", "histogram, classic and native"}[t]
}

// String returns the stability as the reference prints it.
func (s Stability) String() string { return [...]string{"stable", "experimental"}[s] }
