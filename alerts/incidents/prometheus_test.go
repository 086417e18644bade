package incidents

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
)

// interval is that of scrapes and evaluations, as in deploy/prometheus.
const interval = 15 * time.Second

// monitor is what a Prometheus consists of, without its sockets: it scrapes, stores,
// evaluates the shipped rules and sends alerts.
type monitor struct {
	db      *tsdb.DB
	engine  *promql.Engine
	scrapes *scrape.Manager
	rules   *rules.Manager
	targets chan map[string][]*targetgroup.Group
	stopped chan struct{}
}

// startMonitor starts one. One that takes zeros stores a 0 for the moment at which a counter began.
func startMonitor(t *testing.T, dir string, n *network, to rules.Sender, takesZeros bool) *monitor {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	storing := tsdb.DefaultOptions()
	storing.WALSegmentSize = -1 // none: nothing is read again
	storing.EnableSTAsZeroSample = takesZeros
	db, err := tsdb.Open(dir, quiet, nil, storing, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := parser.NewParser(parser.Options{})
	m := &monitor{db: db, targets: make(chan map[string][]*targetgroup.Group), stopped: make(chan struct{})}
	m.engine = promql.NewEngine(promql.EngineOpts{
		Logger: quiet, MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: p,
	})
	options := &scrape.Options{EnableStartTimestampZeroIngestion: takesZeros, HTTPClientOptions: []commonconfig.HTTPClientOption{commonconfig.WithDialContextFunc(n.dial)}}
	setHostName(options)
	m.scrapes, err = scrape.NewManager(options, quiet, nil, nil, db, client.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	external := &url.URL{Scheme: "http", Host: "prometheus.example.com"}
	m.rules = rules.NewManager(&rules.ManagerOptions{
		ExternalURL: external, QueryFunc: rules.EngineQueryFunc(m.engine, db), NotifyFunc: rules.SendAlerts(to, external.String()),
		Context: t.Context(), AppendableV2: db, Queryable: db, Logger: quiet, Registerer: client.NewRegistry(), Parser: p,
		ResendDelay: time.Minute, OutageTolerance: time.Hour, ForGracePeriod: 10 * time.Minute,
	})
	return m
}

// setHostName spares the manager a look-up of its host in the DNS, which a bubble could
// not wait for, and has the scrapes be at the same moments on every machine.
func setHostName(o *scrape.Options) {
	field := reflect.ValueOf(o).Elem().FieldByName("fqdn")
	reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem().SetString(fmt.Sprint("prometheus-", *seed))
}

// watch scrapes the addresses of each job.
func (m *monitor) watch(t *testing.T, jobs []string, protocols string) {
	t.Helper()
	text := fmt.Sprintf("global: {scrape_interval: %s, evaluation_interval: %s, scrape_protocols: %s}\nscrape_configs:\n", interval, interval, protocols)
	for _, job := range jobs {
		text += "  - {job_name: " + job + "}\n"
	}
	c, err := config.Load(text, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.scrapes.ApplyConfig(c); err != nil {
		t.Fatal(err)
	}
	if err := m.rules.Update(interval, ruleFiles, labels.EmptyLabels(), "", nil); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.stopped)
		_ = m.scrapes.Run(m.targets) // it ends with Stop
	}()
	go m.rules.Run()
	t.Cleanup(m.stop)
}

// discover is what service discovery finds: the addresses of each job.
func (m *monitor) discover(found map[string][]string) {
	sets := map[string][]*targetgroup.Group{}
	for job, addresses := range found {
		group := &targetgroup.Group{Source: job}
		for _, a := range addresses {
			group.Targets = append(group.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(a)})
		}
		sets[job] = []*targetgroup.Group{group}
	}
	m.targets <- sets
}

func (m *monitor) stop() {
	m.rules.Stop()
	m.scrapes.Stop()
	<-m.stopped
	_ = m.db.Close()
	_ = m.engine.Close()
}

// query returns the label sets of the result.
func (m *monitor) query(t *testing.T, expr string) []map[string]string {
	t.Helper()
	q, err := m.engine.NewInstantQuery(context.Background(), m.db, nil, expr, time.Now())
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return nil
	}
	defer q.Close()
	result := q.Exec(context.Background())
	if result.Err != nil {
		t.Errorf("%s: %v", expr, result.Err)
		return nil
	}
	var found []map[string]string
	if vector, err := result.Vector(); err == nil {
		for _, s := range vector {
			found = append(found, s.Metric.Map())
		}
	}
	return found
}
