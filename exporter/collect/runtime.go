package collect

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"icws_exporter/exporter/process"
)

// runtimeMaxAge is how old go_* and process_* may be in an exposition: reading
// them costs more than all other series of a server together.
const runtimeMaxAge = time.Second

// runtimeMetrics are go_* and process_* as client_golang collects and encodes
// them; the values of the text formats we read ourselves where we can. A scrape that finds them older than runtimeMaxAge encodes them anew;
// scrapes at the same time take the former ones and wait for nothing.
type runtimeMetrics struct {
	registry *prometheus.Registry
	now      func() time.Time
	blocks   [numFormats]runtimeBlock

	mu     sync.Mutex // of who reads the values
	values *runtimeValues
	lines  [numTexts][]runtimeLine // nil: as client_golang writes them
}

// runtimeLine is a line of the text: a whole one, or one that a value completes.
type runtimeLine struct {
	text string
	// read sets the values of this sample and of those that follow in its family.
	read func(*runtimeValues)
	nth  int // of the values; -1 for a whole line
}

type runtimeBlock struct {
	encoded atomic.Pointer[encodedFamilies]
	busy    atomic.Bool
}

type encodedFamilies struct {
	at    time.Time
	bytes []byte
	mark  mark // of the bytes
}

var noFamilies = new(encodedFamilies)

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
	r.values = newRuntimeValues()
	for format := range r.lines {
		r.lines[format] = runtimeLines(string(r.encode(Format(format), nil).bytes))
	}
	for format := range r.blocks {
		r.blocks[format].encoded.Store(r.encode(Format(format), nil))
	}
	return r
}

// encoded returns the families, those with the names if names are given, without the
// end of the page. A nil runtimeMetrics has none.
func (r *runtimeMetrics) encoded(format Format, names []string) *encodedFamilies {
	if r == nil {
		return noFamilies
	}
	if names != nil {
		return r.encode(format, names)
	}
	b := &r.blocks[format]
	last := b.encoded.Load()
	if age := r.now().Sub(last.at); age < runtimeMaxAge && age >= 0 {
		return last
	}
	if !b.busy.CompareAndSwap(false, true) {
		return last
	}
	defer b.busy.Store(false)
	next := r.write(format, len(last.bytes))
	if next == nil {
		next = r.encode(format, nil)
	}
	b.encoded.Store(next)
	return next
}

// runtimeLines are the lines that client_golang wrote, but for the values, which we
// read from the same sources at a fifth of the cost. It returns nil when client_golang has
// a family that we do not know, or of another form.
func runtimeLines(text string) (lines []runtimeLine) {
	values := newRuntimeValues()
	if !process.Known || !values.read() {
		return nil
	}
	family, samples := "", 0
	for line := range strings.Lines(text) {
		if rest, isHelp := strings.CutPrefix(line, "# HELP "); isHelp {
			family, _, _ = strings.Cut(rest, " ")
			samples = 0
		}
		if strings.HasPrefix(line, "#") || family == "process_start_time_seconds" {
			lines = append(lines, runtimeLine{text: line, nth: -1})
			continue
		}
		read := readerOf(line[:strings.IndexAny(line, "{ ")], family)
		if read == nil {
			return nil
		}
		if read(values); samples >= len(values.values) {
			return nil
		}
		lines = append(lines, runtimeLine{line[:strings.LastIndex(line, " ")+1], read, samples})
		samples++
	}
	return lines
}

// readerOf finds a sample by its name, or by that of its family: those of a summary.
func readerOf(names ...string) func(*runtimeValues) {
	for _, name := range names {
		for _, readers := range []map[string]func(*runtimeValues){goReaders, processReaders} {
			if read := readers[name]; read != nil {
				return read
			}
		}
	}
	return nil
}

// write reads and writes all families, or returns nil when it cannot.
func (r *runtimeMetrics) write(format Format, size int) *encodedFamilies {
	if format >= numTexts || r.lines[format] == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.now()
	if !r.values.read() {
		return nil
	}
	buf := make([]byte, 0, size+128)
	for _, line := range r.lines[format] {
		buf = append(buf, line.text...)
		if line.nth < 0 {
			continue
		}
		if line.nth == 0 {
			line.read(r.values)
		}
		buf = append(appendValue(buf, r.values.values[line.nth]), '\n')
	}
	return &encodedFamilies{at, buf, markOf(buf)}
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
	return &encodedFamilies{at, buf.Bytes(), markOf(buf.Bytes())}
}
