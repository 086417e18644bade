package collect

import (
	"bytes"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// runtimeMaxAge is how old go_* and process_* may be in an exposition: reading
// them costs more than all other series of a server together.
const runtimeMaxAge = time.Second

// runtimeMetrics are go_* and process_* as client_golang collects and encodes
// them. A scrape that finds them older than runtimeMaxAge encodes them anew;
// scrapes at the same time take the former ones and wait for nothing.
type runtimeMetrics struct {
	registry *prometheus.Registry
	now      func() time.Time
	blocks   [numFormats]runtimeBlock
}

type runtimeBlock struct {
	encoded atomic.Pointer[encodedFamilies]
	busy    atomic.Bool
}

type encodedFamilies struct {
	at    time.Time
	bytes []byte
}

var encodings = [numFormats]expfmt.Format{
	Text:        expfmt.NewFormat(expfmt.TypeTextPlain),
	OpenMetrics: expfmt.FmtOpenMetrics_1_0_0,
	Protobuf:    expfmt.NewFormat(expfmt.TypeProtoDelim),
}

func newRuntimeMetrics(now func() time.Time) *runtimeMetrics {
	r := &runtimeMetrics{registry: prometheus.NewRegistry(), now: now}
	r.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	for format := range r.blocks {
		r.blocks[format].encoded.Store(r.encode(Format(format), nil))
	}
	return r
}

// encoded returns the families, those with the names if names are given, without the
// end of the page.
func (r *runtimeMetrics) encoded(format Format, names []string) []byte {
	if names != nil {
		return r.encode(format, names).bytes
	}
	b := &r.blocks[format]
	last := b.encoded.Load()
	if age := r.now().Sub(last.at); age < runtimeMaxAge && age >= 0 {
		return last.bytes
	}
	if !b.busy.CompareAndSwap(false, true) {
		return last.bytes
	}
	defer b.busy.Store(false)
	next := r.encode(format, nil)
	b.encoded.Store(next)
	return next.bytes
}

// encode leaves out what cannot be read or written: self metrics must never cost
// the page.
func (r *runtimeMetrics) encode(format Format, names []string) *encodedFamilies {
	at := r.now()
	gathered, _ := r.registry.Gather()
	var buf bytes.Buffer
	encoder := expfmt.NewEncoder(&buf, encodings[format])
	for _, f := range gathered {
		if names != nil && !slices.Contains(names, f.GetName()) {
			continue
		}
		end := buf.Len()
		if err := encoder.Encode(f); err != nil {
			buf.Truncate(end)
		}
	}
	return &encodedFamilies{at: at, bytes: buf.Bytes()}
}
