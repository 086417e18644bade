package probe

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icws"
)

func answered(op icws.Operation, code int) icws.Exchange {
	e := icws.Exchange{Operation: op, Host: "cic-a", Code: code, Start: time.Now(), Duration: 20 * time.Millisecond}
	if code >= 300 {
		e.Err = &icws.ResponseError{Operation: op, Code: code}
	}
	return e
}

func TestFailuresOutliveSuccesses(t *testing.T) {
	h := NewHistory(new(recorder))
	failed := answered(icws.OpSubscribe, 500)
	failed.ErrorID = "error.server.unavailable"
	h.Exchange(failed)
	for range 500 {
		h.Exchange(answered(icws.OpPoll, 200))
		h.Exchange(answered(icws.OpSubscribe, 200))
	}
	got := h.Recent()
	if len(got.Failures) != 1 || got.Failures[0].Code != 500 || got.Failures[0].ErrorID != failed.ErrorID || got.Failures[0].Host != "cic-a" {
		t.Errorf("1000 successes leave of the failure %+v", got.Failures)
	}
	if n := len(got.Successes); n == 0 || n > maxSuccesses {
		t.Errorf("%d successes are kept", n)
	}
}

// A poll every two seconds must not be all that the page shows.
func TestRequestsThatGoAlikeAreCounted(t *testing.T) {
	h := NewHistory(new(recorder))
	h.Exchange(answered(icws.OpSubscribe, 200))
	for range 30 {
		h.Exchange(answered(icws.OpPoll, 200))
	}
	got := h.Recent().Successes
	if len(got) != 2 || got[0].Operation != icws.OpPoll || got[0].Times != 30 || got[1].Times != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestARequestWithoutAnAnswerSaysWhy(t *testing.T) {
	seen := new(recorder)
	h := NewHistory(seen)
	h.Exchange(icws.Exchange{Operation: icws.OpConnect, Reason: icws.FailRefused, Err: &icws.RequestError{Reason: icws.FailRefused, Err: errors.New("x")}})
	h.Exchange(icws.Exchange{Operation: icws.OpPoll, Reason: icws.FailCanceled, Err: &icws.RequestError{Reason: icws.FailCanceled, Err: errors.New("x")}})
	h.StreamBroke(icws.FailReset)
	got := h.Recent().Failures
	if len(got) != 2 || got[0].Failure != "reset" || got[0].Operation != icws.OpStream || got[1].Failure != "refused" {
		t.Errorf("got %+v", got)
	}
	if seen.get("stream broke reset") != 1 || seen.total("request ") != 2 {
		t.Error("the observer behind the history was not told")
	}
}

func TestTheLastHourIsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHistory(new(recorder))
		if got := h.LastHour(time.Now()); got != (Answers{}) {
			t.Errorf("before the first request there were %v", got)
		}
		for _, code := range []int{200, 204, 401, 410, 410, 500, 503, 0} {
			h.Exchange(answered(icws.OpPoll, code))
		}
		time.Sleep(30 * time.Minute)
		h.Exchange(answered(icws.OpPoll, 200))
		if got, want := h.LastHour(time.Now()), (Answers{3, 1, 2, 1, 1, 1}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		time.Sleep(31 * time.Minute)
		if got, want := h.LastHour(time.Now()), (Answers{1, 0, 0, 0, 0, 0}); got != want {
			t.Errorf("an hour later got %v, want %v", got, want)
		}
		time.Sleep(48 * time.Hour)
		if got := h.LastHour(time.Now()); got != (Answers{}) {
			t.Errorf("days later got %v", got)
		}
	})
}

// A probe that fails again and again goes through many states in one outage.
func TestAnOutageLastsUntilTheProbeIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := (*History)(nil).Outage(); got != (Outage{}) {
			t.Errorf("without a history there is %+v", got)
		}
		h := NewHistory(new(recorder))
		h.StateChanged(StateSubscribing, "")
		h.StateChanged(StateLive, "")
		if got := h.Outage(); got != (Outage{}) {
			t.Errorf("live is taken for %+v", got)
		}
		time.Sleep(time.Hour)
		began := time.Now()
		for range 10 {
			h.StateChanged(StateBackoff, "delivers nothing")
			time.Sleep(time.Minute)
			h.StateChanged(StateSubscribing, "")
			time.Sleep(time.Minute)
		}
		if got, want := h.Outage(), (Outage{began, "delivers nothing"}); got != want {
			t.Errorf("after 20 minutes the outage is %+v, want %+v", got, want)
		}
		h.StateChanged(StateLive, "")
		if got := h.Outage(); got != (Outage{}) {
			t.Errorf("what is over is still %+v", got)
		}
	})
}

// An outage of hours must not push out how it began.
func TestTriesOfTheBreakerAreNoNews(t *testing.T) {
	h := NewHistory(new(recorder))
	h.StateChanged(StateBreakerOpen, "the last: 500")
	h.BreakerChanged(BreakerOpen)
	for range 1000 {
		h.BreakerChanged(BreakerHalfOpen)
		h.BreakerChanged(BreakerOpen)
	}
	h.BreakerChanged(BreakerHalfOpen)
	h.BreakerChanged(BreakerClosed)
	var got []string
	for _, e := range h.Recent().Events {
		got = append(got, e.Subject+" "+e.Became)
	}
	if want := "breaker closed, breaker open, state breaker_open"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestADeliveryCheckKnowsItsDrift(t *testing.T) {
	h := NewHistory(new(recorder))
	h.DeliveryChecked(StatusMessages, DeliveryCheck{Result: CheckFailed})
	h.DeliveryChecked(StatusMessages, DeliveryCheck{Result: CheckDrift, Took: 30 * time.Millisecond, Drift: 2, IDs: []string{"Lunch", "Away"}})
	got := h.Recent().Checks
	if len(got) != 2 || got[0].Drift != 2 || got[0].DriftIDs != "Lunch, Away" || got[0].Took != 30*time.Millisecond {
		t.Fatalf("got %+v", got)
	}
	if got[1].Took != 0 || got[1].Drift != 0 {
		t.Errorf("the failed check has what belongs to others: %+v", got[1])
	}
}

func TestTheLogIsTold(t *testing.T) {
	var log bytes.Buffer
	h := NewHistory(new(recorder))
	quiet := slog.New(h.Tee(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))).With("server", "chicago")
	quiet.Debug("not worth a line")
	quiet.With("host", "cic-a").Warn("backoff", "reason", `two "words"`)
	quiet.Error("worse")
	got := h.Recent().Log
	if len(got) != 2 || got[1].Message != "backoff" || got[1].Level != slog.LevelWarn || got[1].Attributes != `host=cic-a reason="two \"words\""` {
		t.Errorf("the history has %+v", got)
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "msg=worse server=chicago") {
		t.Errorf("the log has %q", log.String())
	}
}

// What was read does not change afterwards.
func TestRecentIsASnapshot(t *testing.T) {
	h := NewHistory(new(recorder))
	for i := range 100 {
		h.SessionClosed(CloseNetwork)
		h.Exchange(answered(icws.OpPoll, 400+i))
	}
	before := h.Recent()
	want := fmt.Sprint(before)
	for i := range 100 {
		h.SessionClosed(CloseReload)
		h.Exchange(answered(icws.OpList, 400+i))
	}
	if got := fmt.Sprint(before); got != want {
		t.Errorf("a snapshot changed:\n%s\n%s", want, got)
	}
}

// The worst a server can do to the memory of its history.
func TestAHistoryIsSmall(t *testing.T) {
	const histories, most = 50, 20 << 10
	long := strings.Repeat("ü", 1000)
	var kept [histories]*History
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	seen := new(recorder)
	before := heap()
	for i := range kept {
		h := NewHistory(seen)
		kept[i] = h
		log := slog.New(h.Tee(slog.DiscardHandler))
		for n := range 100 {
			text := fmt.Sprint(n, long)
			e := answered(icws.OpPoll, 500)
			e.Host, e.ErrorID = text, text
			h.Exchange(e)
			e.Err = nil
			h.Exchange(e)
			h.StateChanged(StateBackoff, text)
			h.DeliveryChecked(StatusMessages, DeliveryCheck{Result: CheckDrift, Drift: 3, IDs: []string{text, text, text}})
			log.Warn(text, "reason", text)
		}
	}
	each := (heap() - before) / histories
	runtime.KeepAlive(kept)
	t.Logf("%d bytes", each)
	if each > most {
		t.Errorf("a history takes %d bytes, more than %d", each, most)
	}
	if h := NewHistory(seen); h.minutes != nil || h.events.items != nil {
		t.Error("a history takes memory before anything has happened")
	}
}

// What becomes of users is none of the history of the status messages: one of them drifts,
// or their subscription is lost, and nothing says so of the server's list.
func TestTheHistoryOfTheStatusMessagesHasNoUsers(t *testing.T) {
	h := NewHistory(new(recorder))
	h.DeliveryChecked(StatusMessages, DeliveryCheck{Result: CheckDrift, Drift: 2})
	for range 2 * maxChecks {
		h.DeliveryChecked(UserStatuses, DeliveryCheck{Result: CheckDrift, Drift: 1})
	}
	h.SubscriptionLost(UserStatuses, LossNotDelivering)
	if checks := h.Recent().Checks; len(checks) != 1 || h.DriftSince(time.Now().Add(-time.Hour)) != 2 {
		t.Errorf("drift %d, checks %+v", h.DriftSince(time.Now().Add(-time.Hour)), checks)
	}
	if e := h.Recent().Events; len(e) != 1 || e[0].Subject != "user-statuses" {
		t.Errorf("%+v", e)
	}
}
