package advice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"icws_exporter/alerts"
	"icws_exporter/alerts/build"
	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

func TestEveryAdviceIsWhole(t *testing.T) {
	if len(advice.Reasons()) < 60 {
		t.Fatalf("there are only %d reasons", len(advice.Reasons()))
	}
	seen := map[string]advice.Reason{}
	for _, r := range advice.Reasons() {
		a := advice.For(r, advice.About{})
		if a.Reason != r || a.Do == "" || len(a.Steps()) != 1+len(a.More) {
			t.Errorf("%s has the advice %+v", r, a)
		}
		if a.Runbook != "" && !slices.Contains(alerts.Runbooks(), a.Runbook) {
			t.Errorf("%s names the runbook %s, which is not there", r, a.Runbook)
		}
		for _, text := range append([]string{a.Is, a.Do}, a.More...) {
			if strings.Contains(text, "{") && r != advice.NotMovable || strings.Contains(text, "  ") || strings.HasSuffix(text, " ") {
				t.Errorf("%s has a hole: %q", r, text)
			}
		}
		if other, found := seen[a.Line()]; found {
			t.Errorf("%s and %s have the same advice", r, other)
		}
		seen[a.Line()] = r
	}
	if a := advice.For("nothing of the kind", advice.About{}); a.Reason != "" || a.Steps() != nil {
		t.Errorf("there is advice for nothing: %+v", a)
	}
}

func TestAnAdviceNamesWhatItIsAbout(t *testing.T) {
	about := advice.About{Server: "chicago", User: "svc", Host: "cic-b", Password: "/run/pw", Code: "407"}
	for r, want := range map[advice.Reason]string{
		advice.RefusedLogOn: "svc", advice.BreakerOpen: "check --server chicago", advice.StandbyDown: "cic-b", advice.ProxyLogOn: "a 407 comes",
	} {
		if text := fmt.Sprint(advice.For(r, about)); !strings.Contains(text, want) {
			t.Errorf("%s does not name %s: %s", r, want, text)
		}
	}
}

// Whatever a server answers to whatever operation, there is something to do about it.
func TestEveryErrorHasAdvice(t *testing.T) {
	for op := range icws.NumOperations {
		for code := 300; code < 600; code++ {
			for _, e := range []icws.ResponseError{{}, {ErrorCode: 5}, {AlternateHosts: []string{"b"}}, {Location: "b"}, {AuthenticationFailed: true}} {
				e.Operation, e.Code = icws.Operation(op), code
				if a := advice.Of(fmt.Errorf("wrapped: %w", &e)); a.Do == "" {
					t.Errorf("no advice for %v", &e)
				}
			}
		}
	}
	for reason := range icws.NumFailureReasons {
		if a := advice.Of(&icws.RequestError{Reason: icws.FailureReason(reason), Err: errors.New("x")}); a.Do == "" {
			t.Errorf("no advice for %s", icws.FailureReason(reason))
		}
	}
	refused := &icws.ResponseError{Operation: icws.OpConnect, Code: http.StatusBadRequest, AuthenticationFailed: true}
	for err, want := range map[error]advice.Reason{
		refused: advice.RefusedLogOn, errors.New("what?"): advice.NoAnswer, context.Canceled: advice.Interrupted,
	} {
		if got := advice.Of(err).Reason; got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

// Some have a word of ours as their password: our own advice is shown nevertheless.
func TestAdviceIsNoSecret(t *testing.T) {
	for _, word := range []string{"password", "wrong", "server", "Session", "proxy"} {
		screen := secret.NewScreen()
		screen.Know(advice.Phrases()...)
		screen.Learn(secret.New(word))
		for _, r := range advice.Reasons() {
			a := advice.For(r, advice.About{Host: "cic-b", User: "svc"})
			for _, text := range append(a.Steps(), a.Line()) {
				if screen.Show(text) != text {
					t.Errorf("%q is withheld for the password %s", text, word)
				}
			}
			if with := a.Line() + " " + word; screen.Show(with) != secret.Withheld {
				t.Errorf("%q is shown", with)
			}
		}
	}
}

func TestTheLogSaysWhatToDo(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(advice.Log(slog.NewTextHandler(&out, nil), false)).With("server", "a")
	for down := range probe.DownReason(probe.NumDownReasons) {
		out.Reset()
		log.Warn("backoff", "from", "live", "state", "backoff", "down", down.String())
		if !strings.Contains(out.String(), "advice=") || !strings.Contains(out.String(), "runbook=Icws") {
			t.Errorf("%s: %s", down, out.String())
		}
	}
	out.Reset()
	log.Info("live", "state", "live")
	if strings.Contains(out.String(), "advice=") {
		t.Errorf("a server that is well has advice: %s", out.String())
	}
}

// The page and check speak of what expires as soon as the alert fires, and not before.
func TestWhatExpiresIsTheSameAsForTheAlert(t *testing.T) {
	text, _ := alerts.Text(alerts.RuleFiles[0])
	want := map[string]time.Duration{"certificate_days": advice.CertificateSoon, "password_days": advice.PasswordSoon}
	for _, threshold := range build.Thresholds(text) {
		if soon, ok := want[threshold.Name]; ok {
			delete(want, threshold.Name)
			if days := strconv.Itoa(int(soon / (24 * time.Hour))); days != threshold.Value {
				t.Errorf("%s is %s, and here %s", threshold.Name, threshold.Value, days)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("the alerts have no threshold for %v", want)
	}
}
