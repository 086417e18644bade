package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
)

// stubRetrier notes which servers were tried, and answers what a test gave it.
type stubRetrier struct {
	err     error
	refused bool // the password
	tried   []string
}

func (s *stubRetrier) Retry(ctx context.Context, server string, sendRefused bool) error {
	if s.refused && !sendRefused {
		return probe.ErrPasswordRefused
	}
	s.tried = append(s.tried, server)
	if errors.Is(s.err, context.DeadlineExceeded) {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.err
}

func TestRetry(t *testing.T) {
	for name, test := range map[string]struct {
		path, accept string
		err          error
		code         int
		location     string
	}{
		"by hand":            {path: "chicago", code: http.StatusOK},
		"from the page":      {path: "a%2Fb%20c", accept: "text/html,*/*", code: http.StatusSeeOther, location: "../../../../servers/a%2Fb%20c"},
		"an unknown one":     {path: "lab", err: exporter.ErrUnknownServer, code: http.StatusNotFound},
		"a busy probe":       {path: "lab", err: context.DeadlineExceeded, code: http.StatusServiceUnavailable},
		"one that has ended": {path: "lab", err: errors.New("stopped"), code: http.StatusServiceUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			retrier := &stubRetrier{err: test.err}
			mux := http.NewServeMux()
			mux.Handle(RetryPattern, NewRetry(retrier))
			post := func() *httptest.ResponseRecorder {
				recorder := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodPost, "/api/v1/servers/"+test.path+"/retry", nil)
				r.Header.Set("Accept", test.accept)
				mux.ServeHTTP(recorder, r)
				return recorder
			}
			if got := post(); got.Code != test.code || got.Header().Get("Location") != test.location {
				t.Errorf("%s: got %d, %v: %s", name, got.Code, got.Header(), got.Body)
			}
			tried := len(retrier.tried)
			time.Sleep(time.Second)
			if got := post(); got.Code != http.StatusTooManyRequests || len(retrier.tried) != tried {
				t.Errorf("%s: a second later it is tried again: %d", name, got.Code)
			}
			time.Sleep(retryInterval)
			if post(); len(retrier.tried) != tried+1 {
				t.Errorf("%s: later it is not tried again", name)
			}
		})
	}
}

// Where the password was refused, nothing is sent and the answer says so, until
// somebody says that it is to be sent: then at once.
func TestARefusedPasswordIsSentOnlyWhenToldSo(t *testing.T) {
	retrier := &stubRetrier{refused: true}
	mux := http.NewServeMux()
	mux.Handle(RetryPattern, NewRetry(retrier))
	for _, test := range []struct {
		query string
		code  int
		tried int
	}{
		{"", http.StatusConflict, 0},
		{"?refused_password=yes", http.StatusConflict, 0},
		{"?" + SendRefused, http.StatusOK, 1},
		{"?" + SendRefused, http.StatusTooManyRequests, 1},
	} {
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/api/v1/servers/lab/retry"+test.query, nil))
		if recorder.Code != test.code || len(retrier.tried) != test.tried {
			t.Errorf("%q: %d after %d tries: %s", test.query, recorder.Code, len(retrier.tried), recorder.Body)
		}
		if test.code == http.StatusConflict && !strings.Contains(recorder.Body.String(), "?"+SendRefused) {
			t.Errorf("the answer does not say how to send it: %s", recorder.Body)
		}
	}
}
