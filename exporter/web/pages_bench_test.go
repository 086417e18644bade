package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/collect"
	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

// thousandServers are live but for every tenth, and have histories.
func thousandServers(now time.Time) stubFleet {
	var fleet stubFleet
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
		fleet.servers = append(fleet.servers, server)
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

// What the page of a thousand servers costs whoever opens it.
func BenchmarkOverviewOfAThousandServers(b *testing.B) {
	handler := handlerOf(thousandServers(time.Now()))
	size := 0
	for b.Loop() {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
		size = recorder.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes/page")
}
