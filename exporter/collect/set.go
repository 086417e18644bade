package collect

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"icws_exporter/probe"
)

// Default limits.
const (
	DefaultGroups   = 64
	DefaultStatuses = 500
)

// Options are what a Set is made with.
type Options struct {
	// Build describes the binary; the zero value means ThisBuild().
	Build Build
	// MaxStatuses is how many status messages of a server have series when
	// StatusSeries is on; 0 means DefaultStatuses. SetMaxStatuses changes it.
	MaxStatuses int
	// StatusSeries exposes icws_status_info and icws_status_flag.
	StatusSeries bool
	// Full exposes what --metrics.detail=full asks for.
	Full bool
	// ExporterMetrics exposes go_* and process_*.
	ExporterMetrics bool
	// PerServer takes the families of the servers out of Render and Gatherer, which
	// then tell of the exporter alone: RenderServer has them, one server at a time.
	PerServer bool
	// ExternalURL is where a proxy serves the pages, the runbooks among them; nil without one.
	ExternalURL *url.URL
	// LogLinesDropped returns how many lines of the log were lost; nil means none.
	LogLinesDropped func() uint64
	// Now is the clock of staleness; nil means time.Now.
	Now func() time.Time
}

// Set holds the metrics of all servers of one exporter and of the exporter
// itself, and renders them. Make it with New. Any goroutine may use it.
type Set struct {
	opts  Options
	table []*Family // what Render and Gatherer expose
	descs map[*Family]*prometheus.Desc
	// apart are the families of a server, when they are not in table.
	apart   []*Family
	scratch sync.Pool // of *scratch

	requestDuration *prometheus.HistogramVec
	delivery        *prometheus.HistogramVec

	mu      sync.Mutex                       // held while servers is replaced
	servers atomic.Pointer[[]*ServerMetrics] // sorted by name, never changed

	reload      atomic.Pointer[reload]
	webConfig   atomic.Pointer[bool] // nil without one
	shard       atomic.Pointer[shard]
	maxStatuses atomic.Int64
	logMessages [numLogLevels]atomic.Uint64
	created     time.Time // when the counters of the exporter began

	renderer *renderer
	runtime  *runtimeMetrics // nil when switched off
	registry *prometheus.Registry
}

// New makes a Set without servers.
func New(o Options) *Set {
	if o.Build == (Build{}) {
		o.Build = ThisBuild()
	}
	if o.MaxStatuses <= 0 {
		o.MaxStatuses = DefaultStatuses
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Set{
		opts:            o,
		descs:           map[*Family]*prometheus.Desc{},
		requestDuration: newHistogramVec(MetricRequestDuration),
		delivery:        newHistogramVec(MetricDelivery),
		registry:        prometheus.NewPedanticRegistry(),
		created:         o.Now(),
		renderer:        newRenderer(),
	}
	for _, f := range Families() {
		if f.OptIn == statusSeriesFlag && !o.StatusSeries || f.OptIn == detailFlag && !o.Full {
			continue
		}
		s.descs[f] = f.desc()
		if o.PerServer && f.PerServer() {
			s.apart = append(s.apart, f)
			continue
		}
		s.table = append(s.table, f)
	}
	s.servers.Store(new([]*ServerMetrics))
	s.shard.Store(&shard{total: 1})
	s.SetMaxStatuses(o.MaxStatuses)
	s.registry.MustRegister(s)
	if o.ExporterMetrics {
		s.runtime = newRuntimeMetrics(o.Now)
	}
	return s
}

// SetMaxStatuses sets how many status messages of a server have series from the
// next exposition on (limits.statuses); 0 is none.
func (s *Set) SetMaxStatuses(n int) { s.maxStatuses.Store(int64(n)) }

// Add makes the server name part of every exposition, all its closed series at 0,
// and returns its metrics. For a name that is already there it returns what is
// there, counters and all, with the new site. Names that are the same label value
// are the same server.
func (s *Set) Add(name, site string) *ServerMetrics {
	name = labelValue(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	servers := *s.servers.Load()
	i, found := find(servers, name)
	if found {
		servers[i].site.Store(&site)
		return servers[i]
	}
	m := s.newServer(name)
	m.site.Store(&site) // before a scrape can see it
	servers = slices.Insert(slices.Clone(servers), i, m)
	s.servers.Store(&servers)
	return m
}

// Remove ends all series of the server name.
func (s *Set) Remove(name string) {
	name = labelValue(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	servers := *s.servers.Load()
	i, found := find(servers, name)
	if !found {
		return
	}
	servers = slices.Delete(slices.Clone(servers), i, i+1)
	s.servers.Store(&servers)
	s.requestDuration.DeletePartialMatch(prometheus.Labels{"server": name})
	s.delivery.DeletePartialMatch(prometheus.Labels{"server": name})
}

func find(servers []*ServerMetrics, name string) (int, bool) {
	return slices.BinarySearchFunc(servers, name, func(m *ServerMetrics, name string) int {
		return strings.Compare(m.name, name)
	})
}

// lastID is the highest id that a ServerMetrics has.
var lastID atomic.Uint64

func (s *Set) newServer(name string) *ServerMetrics {
	m := &ServerMetrics{
		set:         s,
		id:          lastID.Add(1),
		name:        name,
		escapedName: escapeLabelValue(name),
		created:     s.opts.Now(),
	}
	m.Watch(nil)
	for of := range m.subscriptions {
		m.subscriptions[of].delivery = newHistogram(s.delivery, name, probe.Subscription(of).String())
	}
	return m
}

// scrape takes a reading of every server, reusing the space of former ones.
func (s *Set) scrape(space []reading) *scrape { return s.scrapeOf(*s.servers.Load(), space) }

func (s *Set) scrapeOf(servers []*ServerMetrics, space []reading) *scrape {
	now, maxStatuses := s.opts.Now(), noStatusSeries
	if s.opts.StatusSeries {
		maxStatuses = int(s.maxStatuses.Load())
	}
	readings := space[:0]
	for _, m := range servers {
		readings = append(readings, m.read(now, maxStatuses, int(s.maxStatuses.Load()), s.opts.Full))
	}
	return &scrape{set: s, servers: readings}
}
