package collect

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
)

// reading is what the samples of one server are taken from: its counters, and
// one snapshot at one moment.
type reading struct {
	*ServerMetrics
	snapshot *probe.Snapshot
	now      time.Time
	// fresh says that the counts of the catalogue may be shown.
	fresh bool
	// full asks for everything that is known (--metrics.detail=full).
	full bool
	// maxStatuses is of how many statuses users are counted one by one.
	maxStatuses int
	// chosen are the status messages with series of their own, and notChosen counts
	// the others.
	chosen    []catalogue.Entry
	notChosen int
}

// scrape is what the whole exposition is taken from.
type scrape struct {
	set     *Set
	servers []reading
}

// done returns the space of the readings: a removed server must not live on in it.
func (s *scrape) done() []reading {
	clear(s.servers)
	return s.servers
}

// samples takes the samples of one family after the other and writes them as
// text, or only marks them, or hands them to sink as const metrics when there is one.
type samples struct {
	set    *Set
	family *Family
	server *ServerMetrics

	mark   mark // of the samples since the last piece
	marked struct {
		text string // the last value of an open label
		hash uint64
	}
	format  Format
	page    *page // nil: the samples are only marked
	started bool  // the family has its header

	sink func(prometheus.Metric)
	desc *prometheus.Desc
}

// collect emits families of some servers. Those of the exporter come with the first.
func (out *samples) collect(table []*Family, s *scrape, servers []reading) {
	out.set = s.set
	for _, f := range table {
		out.begin(f)
		if f.exporter != nil {
			f.exporter(s, out)
		}
		if f.server == nil {
			continue
		}
		for i := range servers {
			out.server = servers[i].ServerMetrics
			out.mark.add(1, out.server.id)
			f.server(&servers[i], out)
		}
	}
}

// begin begins a family, or goes on with it.
func (out *samples) begin(f *Family) {
	if f != out.family {
		out.family, out.started = f, false
	}
	out.server = nil
	out.mark.add(2, uint64(f.number))
	if out.sink != nil {
		out.desc = out.set.descs[f]
	}
}

// takeMark ends a piece and returns its mark.
func (out *samples) takeMark(headerBefore bool) mark {
	m := out.mark.ended(headerBefore)
	out.mark = 0
	return m
}

// add emits one sample: of the i-th combination of the closed labels' values, and
// with the given open label values in the order of Family.Labels.
func (out *samples) add(i int, v float64, open ...string) {
	if out.sink != nil {
		out.send(i, v, open)
		return
	}
	out.markSample(i, v, open)
	if out.start() {
		out.page.text = append(appendValue(out.appendLine(i, 0, open), v), '\n')
	}
}

// addHistogram emits the i-th histogram of the family.
func (out *samples) addHistogram(i int, h *histogram) {
	if out.sink != nil {
		out.sink(h)
		return
	}
	d := h.distribution()
	out.markSample(i, d.sum, nil)
	for n, count := range d.cumulative {
		out.mark.add(uint64(n), count)
	}
	if !out.start() {
		return
	}
	line := func(n int, v float64) {
		out.page.text = append(appendValue(out.appendLine(i, n, nil), v), '\n')
	}
	for n, count := range d.cumulative {
		line(n, float64(count))
	}
	line(linesPerHistogram-2, d.sum)
	line(linesPerHistogram-1, float64(d.cumulative[len(buckets)]))
}

// start writes the header before the first sample of a family: a family without
// samples has none. It reports whether the samples are written.
func (out *samples) start() bool {
	if !out.started && out.page != nil {
		out.page.text = append(out.page.text, out.family.header[out.format]...)
	}
	out.started = true
	return out.page != nil
}

// appendLine appends the n-th line of the i-th series up to its value.
func (out *samples) appendLine(i, n int, open []string) []byte {
	pieces := out.family.series[i].lines[out.format][n]
	buf := out.page.text
	buf = append(buf, pieces[0]...)
	for k, g := range out.family.order {
		switch {
		case g == serverGap:
			buf = append(buf, out.server.escapedName...)
		case isPlain(open[g]):
			buf = append(buf, open[g]...)
		default:
			buf = append(buf, escapeLabelValue(open[g])...)
		}
		buf = append(buf, pieces[k+1]...)
	}
	return buf
}

// send emits a sample as a const metric, a counter with the time at which it began.
// Its label values stand in the order of the sorted label names.
func (out *samples) send(i int, v float64, open []string) {
	values := map[string]string{}
	if out.server != nil {
		values["server"] = out.server.name
	}
	closed := out.family.series[i].closed
	for n, l := range out.family.Labels {
		if n < len(closed) {
			values[l.Name] = closed[n]
			continue
		}
		values[l.Name] = labelValue(open[n-len(closed)])
	}
	var ordered []string
	for _, name := range out.family.labelNames() {
		ordered = append(ordered, values[name])
	}
	if out.family.Type != Counter {
		out.sink(prometheus.MustNewConstMetric(out.desc, prometheus.GaugeValue, v, ordered...))
		return
	}
	created := out.set.created
	if out.server != nil {
		created = out.server.created
	}
	out.sink(prometheus.MustNewConstMetricWithCreatedTimestamp(out.desc, prometheus.CounterValue, v, created, ordered...))
}
