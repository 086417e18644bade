package web

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

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
	return &metricsHandler{
		set: set,
		other: promhttp.HandlerFor(set.Gatherer(), promhttp.HandlerOpts{
			EnableOpenMetrics: true,
			// zstd needs more memory than it saves bytes.
			OfferedCompressions: []promhttp.Compression{promhttp.Identity, promhttp.Gzip},
		}),
	}
}

type metricsHandler struct {
	set        *collect.Set
	other      http.Handler // what set does not render by itself
	negotiated negotiations
}

var (
	varyHeader = []string{"Accept, Accept-Encoding"}
	gzipHeader = []string{"gzip"}
)

func (h *metricsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD are allowed here.", http.StatusMethodNotAllowed)
		return
	}
	n := h.negotiated.get(r.Header)
	if !n.rendered || namesFamilies(r) {
		h.other.ServeHTTP(w, r)
		return
	}
	compress := acceptsGzip(r.Header["Accept-Encoding"])
	header := w.Header()
	header["Content-Type"] = n.contentType
	header["Vary"] = varyHeader
	if compress {
		header["Content-Encoding"] = gzipHeader
	}
	h.set.Render(n.format, compress, func(body []byte) {
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
