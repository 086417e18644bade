package icws_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icws"

	"icws_exporter/probe/secret"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const slowTimeout = 10 * time.Second

func slowClient(t *testing.T, serve roundTrip) *icws.Client {
	t.Helper()
	base, err := url.Parse("http://a:8018")
	if err != nil {
		t.Fatal(err)
	}
	return icws.NewClient(base, serve, icws.Options{ApplicationName: "test", RequestTimeout: slowTimeout})
}

func created(body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{
		"Inin-Icws-Session-Id": {"4711"}, "Inin-Icws-Csrf-Token": {"token-of-the-session"}, "Set-Cookie": {"icws_4711=crumbs"},
	}, Body: body}
}

// after waits as a server does, unless the client is gone.
func after(r *http.Request, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	}
}

var credentials = icws.Credentials{User: "demo", Password: secret.New("s3cret-of-demo")}

// A log-on that has been sent becomes the session, however late the answer is.
func TestALogOnThatWasSentIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := slowClient(t, func(r *http.Request) (*http.Response, error) {
			_, _ = io.ReadAll(r.Body)
			if err := after(r, 5*time.Minute); err != nil {
				return nil, err
			}
			return created(io.NopCloser(strings.NewReader("{}"))), nil
		})
		start, calls := time.Now(), 0
		var overdue time.Duration
		unsent, stop := context.WithTimeout(t.Context(), time.Minute) // the second reason to be overdue
		defer stop()
		s, err := client.LogOn(t.Context(), credentials, unsent, func() { calls, overdue = calls+1, time.Since(start) })
		if err != nil || s.ID() != "4711" {
			t.Fatalf("got %v, %v", s, err)
		}
		synctest.Wait()
		if calls != 1 || overdue != slowTimeout {
			t.Errorf("told %d times that it is overdue, after %s", calls, overdue)
		}
	})
}

// One that has not been sent is given up, and is never sent afterwards.
func TestALogOnThatWasNotSentIsGivenUp(t *testing.T) {
	for name, unsent := range map[string]time.Duration{"in time": time.Hour, "at the end of the caller": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := slowClient(t, func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done() // connected in the very moment
					if _, err := io.ReadAll(r.Body); err == nil {
						t.Error("the log-on is sent after it was given up")
					}
					return nil, r.Context().Err()
				})
				start := time.Now()
				until, stop := context.WithTimeout(t.Context(), unsent)
				defer stop()
				_, err := client.LogOn(t.Context(), credentials, until, func() { t.Error("it goes on") })
				if took := time.Since(start); err == nil || took != min(unsent, slowTimeout) {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

// The end of ctx ends also one that was sent: nobody waits for ever.
func TestAnAwaitedLogOnEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := slowClient(t, func(r *http.Request) (*http.Response, error) {
			_, _ = io.ReadAll(r.Body)
			return nil, after(r, time.Hour)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start := time.Now()
		if _, err := client.LogOn(ctx, credentials, ctx, func() {}); err == nil || time.Since(start) != 10*time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

// A 201 whose body does not come is a session that has to be ended.
func TestAnUnreadSessionCanBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var deleted http.Header
		client := slowClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodDelete {
				deleted = r.Header.Clone()
				return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
			}
			_, _ = io.ReadAll(r.Body)
			return created(stalledBody{r.Context()}), nil
		})
		start := time.Now()
		_, err := client.LogOn(t.Context(), credentials, t.Context(), func() {})
		var unread *icws.UnreadSessionError
		if !errors.As(err, &unread) || time.Since(start) != slowTimeout {
			t.Fatalf("after %s: %v", time.Since(start), err)
		}
		if err := unread.Session.End(t.Context()); err != nil || deleted.Get("Cookie") != "icws_4711=crumbs" {
			t.Errorf("ended with %v, %v", deleted, err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			text := fmt.Sprintf(verb, struct {
				Session  icws.Session
				Sessions []icws.Session
			}{*unread.Session, []icws.Session{*unread.Session}})
			for _, secret := range []string{"4711", "token-of", "crumbs", credentials.Password.Reveal()} {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s prints %q: %s", verb, secret, text)
				}
			}
		}
	})
}

type stalledBody struct{ ctx context.Context }

func (b stalledBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}
func (stalledBody) Close() error { return nil }

// Only the server's word ends what is owed.
func TestEndOfASessionIsConfirmed(t *testing.T) {
	for code, confirmed := range map[int]bool{200: true, 204: true, 401: true, 404: true, 400: false, 403: false, 405: false, 410: false, 500: false, 503: false, 302: false} {
		client := slowClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodDelete {
				return &http.Response{StatusCode: code, Body: http.NoBody}, nil
			}
			return created(io.NopCloser(strings.NewReader("{}"))), nil
		})
		s, err := client.Connect(t.Context(), credentials)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.End(t.Context()); (err == nil) != confirmed {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// When an awaited log-on is given up after all, its connection is reset: what the
// network or the server's kernel still holds of it is never served.
func TestAnAwaitedLogOnIsResetWhenItIsGivenUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unsent, overdue := context.WithCancel(t.Context())
	defer overdue()
	ended := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			_, err = io.ReadAll(request.Body)
		}
		if err == nil {
			overdue()
			_, err = conn.Read(make([]byte, 1))
		}
		ended <- err
	}()
	base, err := url.Parse("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	client := icws.NewClient(base, transport, icws.Options{RequestTimeout: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := client.LogOn(ctx, credentials, unsent, cancel); icws.ReasonOf(err) != icws.FailCanceled {
		t.Errorf("the log-on that was given up: %v", err)
	}
	listener.Close() // else a log-on that never connected is waited for
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server sees %v, want a reset", err)
	}
}
