package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// servers is a fleet of them.
type servers []exporter.Server

func (s servers) Servers() []exporter.Server { return s }
func (s servers) Statuses(context.Context, string) ([]catalogue.Entry, error) {
	return nil, nil
}

type neverReloaded struct{}

func (neverReloaded) Last() exporter.Outcome { return exporter.Outcome{} }

func liveServer(now time.Time) exporter.Server {
	return exporter.Server{Name: "chicago", Site: "us", Snapshot: &probe.Snapshot{
		State: probe.StateLive, StateSince: now.Add(-3 * time.Hour),
		Hosts:          []probe.Host{{Name: "cic-a"}, {Name: "cic-b", Active: true}},
		TransportKnown: true, Transport: probe.TransportSSE,
		SessionUp: true, Feeds: [probe.NumSubscriptions]probe.FeedState{probe.StatusMessages: {Up: true, State: probe.SubscriptionNormal}},
		LastContact: now.Add(-2 * time.Second), Entries: 4711, FreshUntil: now.Add(time.Minute),
	}}
}

// thousandServers are live but for every tenth, and have histories.
func thousandServers(now time.Time) servers {
	var fleet servers
	for i := range 1000 {
		server := liveServer(now)
		server.Name = fmt.Sprintf("cic-%04d", i)
		server.Snapshot.FreshUntil, server.Snapshot.Heartbeat = now.Add(time.Hour), now.Add(time.Hour)
		server.History = probe.NewHistory(collect.New(collect.Options{}).Add(server.Name, ""))
		for _, code := range []int{200, 200, 401, 500} {
			server.History.Exchange(icws.Exchange{Operation: icws.OpPoll, Code: code, Start: now})
		}
		if i%10 == 0 {
			fail(&server, now)
		}
		fleet = append(fleet, server)
	}
	return fleet
}

func fail(server *exporter.Server, now time.Time) {
	s := *server.Snapshot
	s.State, s.StateSince, s.NextAttempt = probe.StateBackoff, now, now.Add(time.Minute)
	s.Reason = "log-on failed: cic-a: connect: the server answered 500 (Internal Server Error)"
	server.Snapshot = &s
	server.History.StateChanged(probe.StateBackoff, s.Reason)
}

// What the page of a thousand servers costs to make.
func BenchmarkOverviewOfAThousandServers(b *testing.B) {
	now := time.Now()
	page := newOverview(Options{Fleet: thousandServers(now), Reloads: neverReloaded{}})
	for b.Loop() {
		b.ReportMetric(float64(len(page.page(filter{}, now).body)), "bytes/page")
	}
}

// What an open page of a thousand servers costs at each of its looks, 2.5 a second,
// when nothing has changed, and when a hundred servers fail at once.
func BenchmarkLookOfAThousandServers(b *testing.B) {
	for name, failing := range map[string]int{"calm": 0, "a hundred fail": 100} {
		b.Run(name, func(b *testing.B) {
			now := time.Now()
			fleet := thousandServers(now)
			page := newOverview(Options{Fleet: fleet, Reloads: neverReloaded{}})
			request := httptest.NewRequest(http.MethodGet, "/events", nil)
			var told shown
			size := 0
			look := func(at time.Time) {
				content, ok := page.fragments(request, at)
				if !ok {
					b.Fatal(content.err)
				}
				u, changed := told.next(content)
				if size = 0; changed {
					size = len(u.event())
				}
			}
			look(now)
			for round := 1; b.Loop(); round++ {
				b.StopTimer()
				for i := range failing {
					fail(&fleet[i], now.Add(time.Duration(round)*lookInterval))
				}
				b.StartTimer()
				look(now.Add(time.Duration(round) * lookInterval))
			}
			b.ReportMetric(float64(size), "bytes/event")
		})
	}
}
