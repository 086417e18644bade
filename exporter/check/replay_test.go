package check

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/exporter/capture"
	"icws_exporter/probe/icwssim"
)

// replay serves the capture.
func replay(t *testing.T, text string) (*icwssim.Server, string) {
	t.Helper()
	recorded, err := capture.ReadCapture("capture", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	p := icwssim.New(recorded.Simulation())
	server := httptest.NewServer(p)
	t.Cleanup(func() { p.Close(); server.Close() })
	return p, server.URL
}

// outcome is a report without what a capture does not have: times and names.
func outcome(r Report) []string {
	var lines []string
	for _, s := range r.Steps {
		line := s.Name + " " + string(s.Status)
		switch s.Name {
		case StepFeatures, StepTransport, StepStream, StepFirstMessage, StepStatusList, StepSecondSubscribe:
			line += ": " + s.Detail
		}
		lines = append(lines, strings.ReplaceAll(line+" -> "+s.Advice, "cic-b", "host-2"))
	}
	return lines
}

// What a capture of an odd server shows is what its replay shows.
func TestAReplayIsCheckedLikeTheServer(t *testing.T) {
	cut := 60
	for name, test := range map[string]struct {
		options  icwssim.Options
		fault    *icwssim.Fault
		settings []string
	}{
		"plain":               {},
		"large":               {options: icwssim.Options{Statuses: icwssim.Catalogue(500, 3)}},
		"polled":              {options: icwssim.Options{MessagingVersion: 1}},
		"polled, no resend":   {options: icwssim.Options{MessagingVersion: 1, Quirks: icwssim.Quirks{NoResend: true}}, settings: []string{"delivery_timeout: 1s"}},
		"no resend":           {options: icwssim.Options{Quirks: icwssim.Quirks{NoResend: true}}, settings: []string{"delivery_timeout: 1s"}},
		"odd messages":        {options: icwssim.Options{Quirks: icwssim.Quirks{IsDeltaLast: true, TypeLast: true, ReverseStatus: true, FullInChanged: true, Empties: "null"}}},
		"ids":                 {options: icwssim.Options{Quirks: icwssim.Quirks{Replay: true, AnnounceState: true}}},
		"session in headers":  {options: icwssim.Options{Quirks: icwssim.Quirks{SessionIn: "headers", FeatureVersionsAsStrings: true}}},
		"session in body":     {options: icwssim.Options{Quirks: icwssim.Quirks{SessionIn: "body", PlainCookie: true}}},
		"include rejected":    {options: icwssim.Options{Quirks: icwssim.Quirks{RejectInclude: true}}},
		"licence":             {options: icwssim.Options{Quirks: icwssim.Quirks{LicenceMissing: true}}},
		"standby":             {options: icwssim.Options{NotAccepting: true, AlternateHosts: []string{"cic-b"}}},
		"delete missing":      {options: icwssim.Options{Quirks: icwssim.Quirks{DeleteMissingCode: 404}}},
		"refused":             {fault: &icwssim.Fault{Operation: "connect", Code: 400, ErrorID: "error.request.connection.authenticationFailure"}},
		"old version":         {fault: &icwssim.Fault{Operation: "version", Code: 404}},
		"subscribe dropped":   {fault: &icwssim.Fault{Operation: "subscribe", Drop: true}},
		"subscribe cookie":    {fault: &icwssim.Fault{Operation: "subscribe", Code: 401, ErrorID: "error.request.accessDenied.cookie.invalid"}},
		"subscribe by proxy":  {fault: &icwssim.Fault{Operation: "subscribe", Code: 502, Body: "<html>", ContentType: "text/html"}},
		"no stream":           {fault: &icwssim.Fault{Operation: "stream", Code: 404}},
		"stream cut":          {fault: &icwssim.Fault{Operation: "stream", Cut: &cut}},
		"stream buffered":     {fault: &icwssim.Fault{Operation: "stream", Swallow: icwssim.SwallowStream}, settings: []string{"delivery_timeout: 1s"}},
		"poll fails":          {fault: &icwssim.Fault{Operation: "poll", Code: 500}, settings: []string{"transport: poll"}},
		"poll cut":            {fault: &icwssim.Fault{Operation: "poll", Cut: &cut}, settings: []string{"transport: poll"}},
		"list forbidden":      {fault: &icwssim.Fault{Operation: "list", Code: 403}},
		"list cut":            {fault: &icwssim.Fault{Operation: "list", Cut: &cut}},
		"switchover 500":      {fault: &icwssim.Fault{Operation: "switchover_status", Code: 500}},
		"disconnect at first": {fault: &icwssim.Fault{Operation: "disconnect", Code: 500, Count: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, url := simulated(t, test.options)
			if test.fault != nil {
				sim.Inject(*test.fault)
			}
			real, text := record(t, url, Options{}, test.settings...)
			p, url := replay(t, text)
			for range 2 {
				again := run(t, t.Context(), url, Options{}, test.settings...)
				if diff := cmp.Diff(outcome(real), outcome(again)); diff != "" {
					t.Errorf("(-server +replay):\n%s", diff)
				}
				if left := p.Sessions(); len(left) > 0 {
					t.Errorf("left on the replay: %v", left)
				}
			}
		})
	}
}

// Changes and pings come when they came; then the pings go on.
func TestAReplayKeepsTheTimes(t *testing.T) {
	_, url := simulated(t, icwssim.Options{Quirks: icwssim.Quirks{PingInterval: icwssim.Period(50 * time.Millisecond)}, Life: icwssim.Life{Interval: 30 * time.Millisecond}})
	_, text := record(t, url, Options{Observe: 500 * time.Millisecond})
	changes := strings.Count(text, `"isDelta":true`)
	if changes == 0 {
		t.Fatal("no change was recorded")
	}
	_, url = replay(t, text)
	for _, settings := range [][]string{nil, {"transport: poll"}} {
		r := run(t, t.Context(), url, Options{Observe: 1500 * time.Millisecond}, settings...)
		wantStep(t, r, StepObserve, OK)
		observed := stepsOf(r, StepObserve)[0].Detail
		if settings == nil && strings.Contains(observed, "no ping") || strings.Contains(observed, " 0 changes") {
			t.Errorf("observed %s", observed)
		}
	}
}
