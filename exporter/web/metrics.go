package web

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"icws_exporter/exporter/collect"
)

// NewMetricsHandler serves the metrics of set to GET and HEAD, in the format that
// Accept asks for: Prometheus text, OpenMetrics, or protobuf, which carries the
// native histograms; gzip when Accept-Encoding allows it. As client_golang's
// handler does, it restricts the answer to the families named by name[] in the
// query.
func NewMetricsHandler(set *collect.Set) http.Handler {
	negotiated := new(negotiations)
	whole := exposition{
		render: func(format collect.Format, compress bool, use func([]byte)) bool {
			set.Render(format, compress, use)
			return true
		},
		gatherer: set.Gatherer,
	}
	return readOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { negotiated.answer(w, r, whole) }))
}

// exposition is a part of a collect.Set.
type exposition struct {
	// render is a method of the set; false means that there is nothing to render.
	render func(format collect.Format, compress bool, use func(body []byte)) bool
	// gatherer has the same metrics, for the formats that the set does not render;
	// nil means that there is nothing.
	gatherer func() prometheus.Gatherer
}

var (
	varyHeader = []string{"Accept, Accept-Encoding"}
	gzipHeader = []string{"gzip"}
)

// answer writes the exposition as the request wants it. It reports false, and has
// written nothing, when there is none.
func (c *negotiations) answer(w http.ResponseWriter, r *http.Request, e exposition) bool {
	n := c.get(r.Header)
	if !n.rendered || namesFamilies(r) {
		gatherer := e.gatherer()
		if gatherer == nil {
			return false
		}
		promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
			EnableOpenMetrics: true,
			// zstd needs more memory than it saves bytes.
			OfferedCompressions: []promhttp.Compression{promhttp.Identity, promhttp.Gzip},
		}).ServeHTTP(w, r)
		return true
	}
	compress := acceptsGzip(r.Header["Accept-Encoding"])
	return e.render(n.format, compress, func(body []byte) {
		header := w.Header()
		header["Content-Type"] = n.contentType
		header["Vary"] = varyHeader
		if compress {
			header["Content-Encoding"] = gzipHeader
		}
		header["Content-Length"] = []string{strconv.Itoa(len(body))}
		if r.Method == http.MethodGet {
			_, _ = w.Write(body) // the client has gone; there is nobody to tell
		}
	})
}

// namesFamilies reports whether the query asks for certain families only.
func namesFamilies(r *http.Request) bool {
	return r.URL.RawQuery != "" && r.URL.Query().Has("name[]")
}

// negotiation is what one Accept header gets.
type negotiation struct {
	contentType []string
	format      collect.Format
	rendered    bool // false: the set does not render the format by itself
}

// maxNegotiations bounds the memory that clients with odd headers can take.
const maxNegotiations = 64

// negotiations remembers the outcome by Accept header: negotiating costs more
// than the rest of an unchanged scrape.
type negotiations struct {
	mu sync.RWMutex
	by map[string]negotiation
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]negotiation{}
	}
	if len(c.by) < maxNegotiations {
		c.by[strings.Clone(accept)] = n
	}
	return n
}

func negotiate(h http.Header) negotiation {
	format := expfmt.NegotiateAccept(h, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	n := negotiation{contentType: []string{string(format)}}
	switch format.FormatType() {
	case expfmt.TypeTextPlain:
		n.format, n.rendered = collect.Text, true
	case expfmt.TypeOpenMetrics:
		n.format, n.rendered = collect.OpenMetrics, true
	}
	return n
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
