package incidents

import (
	"context"
	"slices"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// memory is a storage of the few series of a unit test. One goroutine uses it; many read
// what is below it.
type memory struct {
	byName map[string][]*promql.Series
	// given are the series of the test, and recorded what the rules made of them before: it is
	// seen but for what hides says.
	given, recorded *memory
	hides           func(labels.Labels) bool
}

func newMemory() *memory { return &memory{byName: map[string][]*promql.Series{}} }

// add appends a sample to its series.
func (m *memory) add(ls labels.Labels, t int64, v float64, h *histogram.FloatHistogram) {
	name := ls.Get(labels.MetricName)
	i := slices.IndexFunc(m.byName[name], func(s *promql.Series) bool { return labels.Equal(s.Metric, ls) })
	if i < 0 {
		i = len(m.byName[name])
		m.byName[name] = append(m.byName[name], &promql.Series{Metric: ls.Copy()})
	}
	s := m.byName[name][i]
	if h != nil {
		s.Histograms = append(s.Histograms, promql.HPoint{T: t, H: h.Copy()})
		return
	}
	if n := len(s.Floats); n > 0 && s.Floats[n-1].T >= t {
		return // another rule has said it: the first counts, as in Prometheus
	}
	s.Floats = append(s.Floats, promql.FPoint{T: t, F: v})
}

// Querier is of storage.Queryable.
func (m *memory) Querier(from, to int64) (storage.Querier, error) { return &reading{m, from, to}, nil }

type reading struct {
	m        *memory
	from, to int64
}

// Select is of storage.Querier.
func (r *reading) Select(_ context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := r.from, r.to
	if hints != nil {
		from, to = hints.Start, hints.End
	}
	set := &found{at: -1}
	for _, s := range r.m.matching(matchers) {
		part := promql.Series{Metric: s.Metric}
		i := sort.Search(len(s.Floats), func(i int) bool { return s.Floats[i].T >= from })
		j := i + sort.Search(len(s.Floats)-i, func(j int) bool { return s.Floats[i+j].T > to })
		part.Floats = s.Floats[i:j]
		i = sort.Search(len(s.Histograms), func(i int) bool { return s.Histograms[i].T >= from })
		j = i + sort.Search(len(s.Histograms)-i, func(j int) bool { return s.Histograms[i+j].T > to })
		part.Histograms = s.Histograms[i:j]
		if len(part.Floats)+len(part.Histograms) > 0 {
			set.series = append(set.series, promql.NewStorageSeries(part))
		}
	}
	slices.SortFunc(set.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return set
}

func (m *memory) matching(matchers []*labels.Matcher) (all []*promql.Series) {
	matches := func(s *promql.Series) bool {
		return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Metric.Get(m.Name)) })
	}
	names := func(yield func(string) bool) {
		i := slices.IndexFunc(matchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName && m.Type == labels.MatchEqual })
		if i >= 0 {
			yield(matchers[i].Value)
			return
		}
		for name := range m.byName {
			if !yield(name) {
				return
			}
		}
	}
	for name := range names {
		for _, s := range m.byName[name] {
			if matches(s) {
				all = append(all, s)
			}
		}
	}
	if m.given != nil {
		all = append(all, m.given.matching(matchers)...)
	}
	if m.recorded != nil {
		all = append(all, slices.DeleteFunc(m.recorded.matching(matchers), func(s *promql.Series) bool { return m.hides(s.Metric) })...)
	}
	return all
}

// LabelValues is of storage.Querier; no query asks for it.
func (r *reading) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// LabelNames is as LabelValues.
func (r *reading) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// Close is of storage.Querier.
func (r *reading) Close() error { return nil }

// found is a storage.SeriesSet.
type found struct {
	series []storage.Series
	at     int
}

func (f *found) Next() bool                        { f.at++; return f.at < len(f.series) }
func (f *found) At() storage.Series                { return f.series[f.at] }
func (f *found) Err() error                        { return nil }
func (f *found) Warnings() annotations.Annotations { return nil }

// AppenderV2 is of storage.AppendableV2: what rules record.
func (m *memory) AppenderV2(context.Context) storage.AppenderV2 { return appender{m} }

type appender struct{ m *memory }

func (a appender) Append(_ storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AppendV2Options) (storage.SeriesRef, error) {
	if h != nil {
		fh = h.ToFloat(nil)
	}
	a.m.add(ls, t, v, fh)
	return 0, nil
}

func (a appender) Commit() error   { return nil }
func (a appender) Rollback() error { return nil }
