package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// Each event moves exactly the series that it is about.
func TestEventsMoveTheirSeries(t *testing.T) {
	var committed catalogue.Result
	committed.Changes[catalogue.Removed] = 4
	committed.Anomalies[catalogue.MissingID] = 2
	for name, test := range map[string]struct {
		event func(*ServerMetrics)
		moved []string
	}{
		"read":               {func(m *ServerMetrics) { m.Read(10) }, []string{`icws_received_bytes_total{server="c"} 10`}},
		"read nothing":       {func(m *ServerMetrics) { m.Read(0) }, nil},
		"heartbeat":          {(*ServerMetrics).StreamHeartbeat, []string{`icws_stream_heartbeats_total{server="c"} 1`}},
		"session opening":    {(*ServerMetrics).SessionOpening, []string{`icws_session_opens_total{server="c"} 1`}},
		"switched over":      {(*ServerMetrics).SwitchedOver, []string{`icws_switchovers_total{server="c"} 1`}},
		"session abandoned":  {(*ServerMetrics).SessionAbandoned, []string{`icws_sessions_abandoned_total{server="c"} 1`}},
		"alternate rejected": {(*ServerMetrics).AlternateHostRejected, []string{`icws_alternate_hosts_rejected_total{server="c"} 1`}},
		"breaker rejected":   {(*ServerMetrics).BreakerRejected, []string{`icws_breaker_rejections_total{server="c"} 1`}},
		"decode failed":      {func(m *ServerMetrics) { m.MessageDecodeFailed(probe.StatusMessages) }, []string{`icws_message_decode_failures_total{server="c",subscription="status-messages"} 1`}},
		"open failed": {
			func(m *ServerMetrics) { m.SessionOpenFailed(probe.OpenFailureProtocol) },
			[]string{`icws_session_open_failures_total{reason="protocol",server="c"} 1`},
		},
		"closed": {
			func(m *ServerMetrics) { m.SessionClosed(probe.CloseShutdown) },
			[]string{`icws_session_closes_total{reason="shutdown",server="c"} 1`},
		},
		"breaker changed": {
			func(m *ServerMetrics) { m.BreakerChanged(probe.BreakerHalfOpen) },
			[]string{`icws_breaker_transitions_total{server="c",to="half_open"} 1`},
		},
		"lost": {
			func(m *ServerMetrics) { m.SubscriptionLost(probe.StatusMessages, probe.LossSelfInflicted) },
			[]string{`icws_subscription_losses_total{reason="self_inflicted",server="c",subscription="status-messages"} 1`},
		},
		"checked": {
			func(m *ServerMetrics) {
				m.DeliveryChecked(probe.StatusMessages, probe.DeliveryCheck{Result: probe.CheckDrift, Drift: 3})
			},
			[]string{
				`icws_delivery_checks_total{result="drift",server="c",subscription="status-messages"} 1`,
				`icws_catalogue_drift_total{server="c"} 3`,
			},
		},
		"check timed out": {
			func(m *ServerMetrics) {
				m.DeliveryChecked(probe.StatusMessages, probe.DeliveryCheck{Result: probe.CheckTimeout})
			},
			[]string{`icws_delivery_checks_total{result="timeout",server="c",subscription="status-messages"} 1`},
		},
		"check renewed": {
			func(m *ServerMetrics) {
				m.DeliveryChecked(probe.StatusMessages, probe.DeliveryCheck{Result: probe.CheckRenewed})
			},
			[]string{`icws_delivery_checks_total{result="renewed",server="c",subscription="status-messages"} 1`},
		},
		"message": {
			func(m *ServerMetrics) { m.MessageReceived(probe.StatusMessages, probe.MessageOther) },
			[]string{`icws_messages_total{kind="other",server="c",subscription="status-messages"} 1`},
		},
		"resync": {
			func(m *ServerMetrics) { m.Resynced(probe.StatusMessages, probe.ResyncSession) },
			[]string{`icws_catalogue_resyncs_total{reason="session",server="c"} 1`},
		},
		"committed": {
			func(m *ServerMetrics) { m.CatalogueCommitted(committed) },
			[]string{
				`icws_catalogue_changes_total{change="removed",server="c"} 4`,
				`icws_catalogue_anomalies_total{anomaly="missing_id",server="c"} 2`,
			},
		},
		"no answer": {
			func(m *ServerMetrics) {
				m.Exchange(icws.Exchange{
					Operation: icws.OpStream, Reason: icws.FailTimeout, Duration: time.Second,
					Err: &icws.RequestError{Operation: icws.OpStream, Reason: icws.FailTimeout, Err: context.DeadlineExceeded},
				})
			},
			[]string{`icws_request_failures_total{operation="stream",reason="timeout",server="c"} 1`},
		},
		"broken stream": {
			func(m *ServerMetrics) { m.StreamBroke(icws.FailTooLarge) },
			[]string{`icws_request_failures_total{operation="stream",reason="too_large",server="c"} 1`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSet(Options{Full: true})
			m := s.Add("c", "")
			before := exposition(t, s, Text)
			test.event(m)
			after := exposition(t, s, Text)
			hasLines(t, after, test.moved...)
			if n := differentLines(before, after); n != len(test.moved) {
				t.Errorf("%d series moved, want %d", n, len(test.moved))
			}
		})
	}
}

// How long a full message took is a delivery in time, or not.
func TestDeliveriesAreMeasured(t *testing.T) {
	s := newTestSet(Options{})
	m := s.Add("c", "")
	m.Delivered(probe.StatusMessages, 1500*time.Millisecond)
	m.Delivered(probe.StatusMessages, 12*time.Second)
	hasLines(t, exposition(t, s, Text),
		`icws_delivery_seconds_bucket{server="c",subscription="status-messages",le="2"} 1`,
		`icws_delivery_seconds_count{server="c",subscription="status-messages"} 2`,
		`icws_delivery_seconds_sum{server="c",subscription="status-messages"} 13.5`,
	)
}

func differentLines(before, after string) int {
	n := 0
	old := strings.Split(before, "\n")
	for i, line := range strings.Split(after, "\n") {
		if i >= len(old) || line != old[i] {
			n++
		}
	}
	return n
}

// Dashboards divide by class and by exact code; nothing may fall through.
func TestResponseCodes(t *testing.T) {
	for code, label := range map[int]string{
		-5: "1xx", 99: "1xx", 102: "1xx", 200: "200", 206: "2xx", 308: "308", 399: "3xx", 418: "4xx",
		429: "429", 499: "4xx", 503: "503", 599: "5xx", 600: "5xx", 999: "5xx",
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := newTestSet(Options{Full: true})
			s.Add("c", "").Exchange(icws.Exchange{Operation: icws.OpList, Code: code, Duration: time.Second})
			hasLines(t, exposition(t, s, Text),
				`icws_responses_total{code="`+label+`",operation="list",server="c"} 1`,
				`icws_request_duration_seconds_count{operation="list",server="c"} 1`)
		})
	}
}

// An answer that could not be read is an answer and a failure; one with an error
// code is only an answer.
func TestExchangeWithAnErrorCode(t *testing.T) {
	s := newTestSet(Options{Full: true})
	m := s.Add("c", "")
	m.Exchange(icws.Exchange{
		Operation: icws.OpList, Code: 200, Reason: icws.FailDecode,
		Err: &icws.RequestError{Operation: icws.OpList, Reason: icws.FailDecode, Code: 200, Err: io.ErrUnexpectedEOF},
	})
	m.Exchange(icws.Exchange{
		Operation: icws.OpPoll, Code: 401, ErrorID: "error.request.accessDenied.cookie.invalid",
		Err: &icws.ResponseError{Operation: icws.OpPoll, Code: 401},
	})
	m.Exchange(icws.Exchange{Operation: icws.OpPoll, Code: 400, ErrorID: "error.of.the.future"})
	page := exposition(t, s, Text)
	hasLines(t, page,
		`icws_responses_total{code="200",operation="list",server="c"} 1`,
		`icws_request_failures_total{operation="list",reason="decode",server="c"} 1`,
		`icws_responses_total{code="401",operation="poll",server="c"} 1`,
		`icws_error_responses_total{error_id="error.request.accessDenied.cookie.invalid",server="c"} 1`,
		`icws_error_responses_total{error_id="other",server="c"} 1`)
	for line := range strings.Lines(page) {
		if strings.Contains(line, `icws_request_failures_total{operation="poll"`) && !strings.HasSuffix(line, " 0\n") {
			t.Errorf("an answer counts as a failed request: %s", line)
		}
	}
}

func TestCountLogs(t *testing.T) {
	s := newTestSet(Options{})
	var written strings.Builder
	next := slog.NewTextHandler(&written, &slog.HandlerOptions{Level: slog.LevelInfo})
	log := slog.New(CountLogs(next, s))
	log.Debug("not enabled")
	log.Info("hello")
	log.With("server", "chicago").WithGroup("g").Warn("look", "k", 1)
	log.Log(context.Background(), slog.LevelWarn+1, "between two levels")
	log.Error("bad", "err", errors.New("x"))
	hasLines(t, exposition(t, s, Text),
		`icws_exporter_log_messages_total{level="debug"} 0`,
		`icws_exporter_log_messages_total{level="info"} 1`,
		`icws_exporter_log_messages_total{level="warn"} 2`,
		`icws_exporter_log_messages_total{level="error"} 1`)
	if got := strings.Count(written.String(), "\n"); got != 4 || !strings.Contains(written.String(), "server=chicago g.k=1") {
		t.Errorf("the next handler got:\n%s", written.String())
	}
	log = slog.New(CountLogs(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}), s))
	log.Debug("enabled")
	hasLines(t, exposition(t, s, Text), `icws_exporter_log_messages_total{level="debug"} 1`)
}
