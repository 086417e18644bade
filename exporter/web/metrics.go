package web

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/common/expfmt"

	"icws_exporter/exporter/collect"
)

const (
	// maxNamed is how many scrapes of certain families are served at a time, and
	// maxNamedPerAddress how many of one address: no two of them need be alike, so
	// that each may cost a rendering of its own.
	maxNamed           = 32
	maxNamedPerAddress = 4
)

// NewMetricsHandler serves the metrics of set to GET and HEAD, in the format that
// Accept asks for: Prometheus text, OpenMetrics, or protobuf, which carries the
// native histograms; gzip when Accept-Encoding allows it. As client_golang's
// handler does, it restricts the answer to the families named by name[] in the
// query. When too many ask at once, some get 503 and when to ask again.
func NewMetricsHandler(set *collect.Set) http.Handler {
	negotiated, named := new(negotiations), newPlaces(maxNamed, maxNamedPerAddress)
	return readOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want, contentType := negotiated.want(r)
		if want.Names != nil {
			leave, ok := named.take(clientOf(r.Context()))
			if !ok {
				tooMany(w)
				return
			}
			defer leave()
		}
		err := set.Answer(r.Context(), want, func(body []byte) { writeExposition(w, r, want, contentType, body) })
		if err != nil {
			tooMany(w)
		}
	}))
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, "Too many scrapes at once. Try again in a few seconds.", http.StatusServiceUnavailable)
}

var (
	varyHeader = []string{"Accept, Accept-Encoding"}
	gzipHeader = []string{"gzip"}
)

func writeExposition(w http.ResponseWriter, r *http.Request, want collect.Want, contentType []string, body []byte) {
	header := w.Header()
	header["Content-Type"] = contentType
	header["Vary"] = varyHeader
	if want.Compress {
		header["Content-Encoding"] = gzipHeader
	}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	if r.Method != http.MethodGet {
		return
	}
	write := func() { _, _ = w.Write(body) } // the client has gone; there is nobody to tell
	if conn := connOf(r.Context()); conn != nil {
		conn.joined(write)
		return
	}
	write()
}

// negotiation is what one Accept header gets.
type negotiation struct {
	contentType []string
	format      collect.Format
}

const (
	// maxNegotiations and longestAccept bound the memory that clients with odd
	// headers can take.
	maxNegotiations = 64
	longestAccept   = 1 << 10
)

// negotiations remembers the outcome by Accept header: negotiating costs more
// than the rest of an unchanged scrape.
type negotiations struct {
	mu sync.RWMutex
	by map[string]negotiation
}

// want is what a request asks for, and its Content-Type.
func (c *negotiations) want(r *http.Request) (collect.Want, []string) {
	n := c.get(r.Header)
	want := collect.Want{Format: n.format, Compress: acceptsGzip(r.Header["Accept-Encoding"])}
	if r.URL.RawQuery != "" {
		want.Names = r.URL.Query()["name[]"]
	}
	return want, n.contentType
}

func (c *negotiations) get(h http.Header) negotiation {
	accept := h.Get("Accept")
	c.mu.RLock()
	n, ok := c.by[accept]
	c.mu.RUnlock()
	if ok {
		return n
	}
	n = negotiate(h)
	if len(accept) > longestAccept {
		return n
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil || len(c.by) >= maxNegotiations { // those in use come back
		c.by = map[string]negotiation{}
	}
	c.by[strings.Clone(accept)] = n
	return n
}

func negotiate(h http.Header) negotiation {
	format := expfmt.NegotiateAccept(h, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	switch format.FormatType() {
	case expfmt.TypeOpenMetrics:
		return negotiation{[]string{string(format)}, collect.OpenMetrics}
	case expfmt.TypeProtoDelim:
		return negotiation{[]string{string(format)}, collect.Protobuf}
	case expfmt.TypeTextPlain:
		return negotiation{[]string{string(format)}, collect.Text}
	default: // the forms of protobuf that people read
		return negotiation{[]string{string(expfmt.NewFormat(expfmt.TypeTextPlain))}, collect.Text}
	}
}

// acceptsGzip reports whether an Accept-Encoding header, given by its lines,
// allows gzip: by name, or else by a star, and not with a quality of 0.
func acceptsGzip(lines []string) bool {
	star := false
	for _, line := range lines {
		for coding := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(coding, ";")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "gzip":
				return hasQuality(parameters)
			case "*":
				star = hasQuality(parameters)
			}
		}
	}
	return star
}

// hasQuality reports whether the parameters of a coding leave it a quality above 0.
func hasQuality(parameters string) bool {
	key, q, ok := strings.Cut(parameters, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(key), "q") {
		return true
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
	return err == nil && v > 0
}
