package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/exporter"
)

// stubRetrier notes which servers were tried, and answers what a test gave it.
type stubRetrier struct {
	err   error
	tried []string
}

func (s *stubRetrier) Retry(ctx context.Context, server string) error {
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
