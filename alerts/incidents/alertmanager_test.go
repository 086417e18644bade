package incidents

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/notifier"

	"icws_exporter/alerts"
)

// dispatcher is what an Alertmanager consists of, without its sockets, with the
// configuration of the example. What it delivers is in inbox.
type dispatcher struct {
	alerts     *mem.Alerts
	inhibitor  *inhibit.Inhibitor
	dispatcher *dispatch.Dispatcher
	inbox      inbox
	running    sync.WaitGroup
}

func startDispatcher(t *testing.T) *dispatcher {
	t.Helper()
	text, _ := alerts.Text(alerts.Alertmanager)
	c, err := config.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	quiet, registry, events := slog.New(slog.DiscardHandler), client.NewRegistry(), eventrecorder.NopRecorder()
	d := &dispatcher{}
	groups := marker.NewGroupMarker()
	log, err := nflog.New(nflog.Options{Retention: 120 * time.Hour, Logger: quiet, Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	silences, err := silence.New(silence.Options{Retention: 120 * time.Hour, Logger: quiet, Metrics: registry, EventRecorder: events})
	if err != nil {
		t.Fatal(err)
	}
	if d.alerts, err = mem.NewAlerts(t.Context(), 30*time.Minute, 0, nil, quiet, events, registry, featurecontrol.NoopFlags{}); err != nil {
		t.Fatal(err)
	}
	receivers := map[string][]notify.Integration{}
	for _, r := range c.Receivers {
		receivers[r.Name] = nil
		for i, hook := range r.WebhookConfigs {
			receivers[r.Name] = append(receivers[r.Name], notify.NewIntegration(&d.inbox, hook, "webhook", i, r.Name))
		}
	}
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, i := range c.TimeIntervals {
		intervals[i.Name] = i.TimeIntervals
	}
	texts, err := template.FromGlobs(nil)
	if err != nil {
		t.Fatal(err)
	}
	texts.ExternalURL = &url.URL{Scheme: "http", Host: "alertmanager.example.com"}
	d.inhibitor = inhibit.NewInhibitor(d.alerts, c.InhibitRules, quiet, events)
	pipeline := notify.NewPipelineBuilder(registry, featurecontrol.NoopFlags{}, events).New(
		receivers, func() time.Duration { return 0 }, d.inhibitor, silence.NewSilencer(silences, quiet, events),
		timeinterval.NewIntervener(intervals), groups, log, nil)
	d.dispatcher = dispatch.NewDispatcher(d.alerts, dispatch.NewRoute(c.Route, nil), pipeline, groups,
		func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) }, 30*time.Second, nil, quiet, events, nil, texts)
	d.running.Go(d.inhibitor.Run)
	d.inhibitor.WaitForLoading()
	d.running.Go(func() { d.dispatcher.Run(time.Now()) })
	d.dispatcher.WaitForLoading()
	t.Cleanup(d.stop)
	return d
}

func (d *dispatcher) stop() {
	d.dispatcher.Stop()
	d.inhibitor.Stop()
	d.running.Wait()
	d.alerts.Close()
}

// Send takes the alerts of Prometheus.
func (d *dispatcher) Send(sent ...*notifier.Alert) {
	taken := make([]*alert.Alert, len(sent))
	for i, a := range sent {
		taken[i] = &alert.Alert{UpdatedAt: time.Now(), Alert: model.Alert{
			Labels: labelSet(a.Labels), Annotations: labelSet(a.Annotations),
			StartsAt: a.StartsAt, EndsAt: a.EndsAt, GeneratorURL: a.GeneratorURL,
		}}
	}
	_ = d.alerts.Put(context.Background(), taken...) // it never fails
}

func labelSet(from labels.Labels) model.LabelSet {
	set := model.LabelSet{}
	from.Range(func(l labels.Label) { set[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return set
}

// delivery is one alert in a message of the Alertmanager.
type delivery struct {
	at       time.Time
	resolved bool
	labels   map[string]string
	runbook  string // its address
}

// inbox takes what the Alertmanager delivers.
type inbox struct {
	mu       sync.Mutex
	received []delivery
}

// Notify takes one message.
func (b *inbox) Notify(_ context.Context, sent ...*alert.Alert) (retry bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range sent {
		d := delivery{at: time.Now(), resolved: a.Resolved(), labels: map[string]string{}, runbook: string(a.Annotations["runbook_url"])}
		for name, value := range a.Labels {
			d.labels[string(name)] = string(value)
		}
		b.received = append(b.received, d)
	}
	return false, nil
}

func (b *inbox) all() []delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.received[:len(b.received):len(b.received)]
}
