package icws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// streaming sends each text at once, and then keeps the stream open until the
// client leaves.
func streaming(texts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "Text/Event-Stream; charset=utf-8")
		for _, text := range texts {
			io.WriteString(w, text)
			http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

func event(data string) string {
	return "data: " + strings.ReplaceAll(strings.TrimSpace(data), "\n", "\ndata: ") + "\n\n"
}

func openStream(t *testing.T, s *icwsServer, h http.HandlerFunc, o Options) (*Stream, *[]Exchange) {
	t.Helper()
	s.session("GET messaging/messages", h)
	session, exchanges := s.connected(t, o)
	stream, err := session.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	return stream, exchanges
}

func TestStreamDeliversMessages(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", secure), func(t *testing.T) {
			s := newUnstartedServer(t)
			if secure {
				s.StartTLS()
			} else {
				s.Start()
			}
			var bytesRead, streamBytes, pings atomic.Int64
			full, down := event(testdata(t, "message_full.json")), event(testdata(t, "message_connection_down.json"))
			stream, exchanges := openStream(t, s, streaming(":ping\n\n", full, ":ping\n\n", down), Options{
				OnRead: func(op Operation, n int) {
					bytesRead.Add(int64(n))
					if op == OpStream {
						streamBytes.Add(int64(n))
					}
				},
				OnPing: func() { pings.Add(1) },
			})
			all := s.seen()
			h := all[len(all)-1].header
			if h.Get("Accept") != "text/event-stream" || h.Get("Cookie") != testCookie || h.Get("ININ-ICWS-CSRF-Token") != testToken || h.Get("Accept-Encoding") != "identity" {
				t.Errorf("header %v", h)
			}
			if e := *exchanges; len(e) != 1 || e[0].Operation != OpStream || e[0].Code != 200 || e[0].Err != nil || !e[0].NotAfter.IsZero() {
				t.Errorf("exchanges %+v", e)
			}
			var sink sinkLog
			for _, kind := range []MessageKind{KindContent, KindConnectionState} {
				if err := stream.Next(); err != nil {
					t.Fatal(err)
				}
				m, err := stream.Decode(NewStatusReader(&sink))
				if err != nil || m.Kind != kind {
					t.Fatalf("%+v, %v", m, err)
				}
			}
			want := []string{"begin",
				"add Available|Available|/icws/resources/available.png|Available|7 isSelectableStatus isPersistentStatus isAcdStatus isAllowFollowUpStatus",
				"begin"}
			if diff := cmp.Diff(want, sink.lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			sent := int64(2*len(":ping\n\n") + len(full) + len(down))
			if pings.Load() != 2 || streamBytes.Load() != sent || bytesRead.Load() != sent+int64(len(testdata(t, "connection.json"))) {
				t.Errorf("%d pings, %d of %d bytes", pings.Load(), streamBytes.Load(), sent)
			}
		})
	}
}

func TestBadEventCostsOnlyItself(t *testing.T) {
	s := newServer(t)
	stream, _ := openStream(t, s, streaming(
		event(`{"isDelta":7,`+strings.Repeat(`"x":1,`, 5000)+`"y":2}`),
		event(`[{"isDelta":true}]`),
		event(`{"isDelta":true} {"isDelta":true}`),
		"data: {\"isDelta\":tr\n\n",
		event(testdata(t, "message_delta.json")),
	), Options{})
	for i := range 4 {
		if err := stream.Next(); err != nil {
			t.Fatal(err)
		}
		_, err := stream.Decode(NewStatusReader(&sinkCount{}))
		var request *RequestError
		if !errors.As(err, &request) || request.Reason != FailDecode || request.Code != 200 || request.Operation != OpStream {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if err := stream.Next(); err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Decode(NewStatusReader(&sinkCount{})); err != nil || m.Kind != KindContent {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := stream.Decode(NewStatusReader(&sinkCount{})); ReasonOf(err) != FailDecode {
		t.Errorf("an event is decoded twice: %v", err)
	}
}

func TestStreamEnds(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	chunked := head + "Transfer-Encoding: chunked\r\n\r\n"
	data := event(`{"isDelta":true}`)
	for name, test := range map[string]struct {
		raw  string
		want FailureReason // FailureReason(NumFailureReasons): io.EOF
	}{
		"between events":          {head + "\r\n" + data + ":ping\n", FailureReason(NumFailureReasons)},
		"inside an event":         {head + "\r\n" + data + "data: {\"isDelta\":", FailReset},
		"before the blank line":   {head + "\r\n" + data + "data: {\"isDelta\":true}\n", FailReset},
		"without the last chunk":  {chunked + fmt.Sprintf("%x\r\n%s\r\n", len(data), data), FailReset},
		"with the last chunk":     {chunked + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(data), data), FailureReason(NumFailureReasons)},
		"larger than the limit":   {head + "\r\n" + data + event(`{"x":"`+strings.Repeat("x", 5000)+`"}`), FailTooLarge},
		"comment over the limit":  {head + "\r\n" + data + ":" + strings.Repeat("x", 5000), FailTooLarge},
		"with a length, cut":      {head + "Content-Length: 999\r\n\r\n" + data, FailReset},
		"with a length, complete": {head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(data), data), FailureReason(NumFailureReasons)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			stream, _ := openStream(t, s, hijacked(t, test.raw), Options{MaxResponseBytes: 4096})
			if err := stream.Next(); err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Decode(NewStatusReader(&sinkCount{})); err != nil {
				t.Fatal(err)
			}
			err := stream.Next()
			if err == nil {
				_, err = stream.Decode(NewStatusReader(&sinkCount{}))
			}
			if test.want == FailureReason(NumFailureReasons) {
				if !errors.Is(err, io.EOF) {
					t.Errorf("err %v", err)
				}
				return
			}
			var request *RequestError
			if !errors.As(err, &request) || request.Reason != test.want || request.Code != 200 {
				t.Errorf("err %v", err)
			}
			if again := stream.Next(); again == nil {
				t.Error("the stream goes on")
			}
		})
	}
}

func TestStreamIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		h    http.HandlerFunc
		code int
		want FailureReason // FailureReason(NumFailureReasons): a ResponseError
	}{
		"unauthorised": {answering(401, testdata(t, "error_cookie.json")), 401, FailureReason(NumFailureReasons)},
		"gone":         {answering(410, ""), 410, FailureReason(NumFailureReasons)},
		"json":         {answering(200, "[]"), 200, FailDecode},
		"no content":   {answering(204, ""), 204, FailDecode},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.session("GET messaging/messages", test.h)
			session, exchanges := s.connected(t, Options{})
			stream, err := session.Stream(t.Context())
			if stream != nil || err == nil {
				t.Fatalf("%v, %v", stream, err)
			}
			var response *ResponseError
			if got := errors.As(err, &response); got != (test.want == FailureReason(NumFailureReasons)) {
				t.Errorf("err %v", err)
			}
			if e := *exchanges; len(e) != 1 || e[0].Code != test.code || e[0].Failed() != (test.want == FailDecode) {
				t.Errorf("exchanges %+v", e)
			}
		})
	}
}

func TestCloseEndsAReadThatWaits(t *testing.T) {
	for name, texts := range map[string][]string{
		"next":   {":ping\n\n"},
		"decode": {"data: {\"isDelta\":"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			left := make(chan struct{})
			arrived := make(chan struct{}, 10)
			stream, _ := openStream(t, s, func(w http.ResponseWriter, r *http.Request) {
				streaming(texts...)(w, r)
				close(left)
			}, Options{OnRead: func(op Operation, _ int) {
				if op == OpStream {
					arrived <- struct{}{}
				}
			}})
			ended := make(chan error)
			go func() {
				err := stream.Next()
				if err == nil {
					_, err = stream.Decode(NewStatusReader(&sinkCount{}))
				}
				ended <- err
			}()
			<-arrived
			for range 2 {
				if err := stream.Close(); err != nil {
					t.Error(err)
				}
			}
			var request *RequestError
			if err := <-ended; !errors.As(err, &request) || request.Reason != FailCanceled || errors.Is(err, context.Canceled) {
				t.Errorf("err %v", err)
			}
			<-left
		})
	}
}

func TestContextClosesTheStream(t *testing.T) {
	s := newServer(t)
	s.session("GET messaging/messages", streaming(":ping\n\n"))
	session, _ := s.connected(t, Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	stream, err := session.Stream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	ended := make(chan error)
	go func() { ended <- stream.Next() }()
	cancel(errors.New("reloaded"))
	if err := <-ended; ReasonOf(err) != FailCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
}

// connectedTo is a session whose log-on is answered without a socket.
func connectedTo(t *testing.T, stream roundTrip, o Options) *Session {
	t.Helper()
	rt := roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			return scripted(201, `{"sessionId":"1","csrfToken":"t"}`), nil
		}
		return stream(r)
	})
	c, _ := newTestClient(t, "http://cic-a", rt, o)
	session, err := c.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func TestStreamTimesOutOnlyUntilItsHeaders(t *testing.T) {
	t.Run("no headers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			session := connectedTo(t, func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}, Options{RequestTimeout: 5 * time.Second})
			start := time.Now()
			_, err := session.Stream(t.Context())
			if ReasonOf(err) != FailTimeout || time.Since(start) != 5*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
	t.Run("headers too late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			body := &closeNoted{Reader: strings.NewReader("")}
			session := connectedTo(t, func(*http.Request) (*http.Response, error) {
				time.Sleep(6 * time.Second)
				resp := scripted(200, "")
				resp.Header.Set("Content-Type", "text/event-stream")
				resp.Body = body
				return resp, nil
			}, Options{RequestTimeout: 5 * time.Second})
			if _, err := session.Stream(t.Context()); ReasonOf(err) != FailTimeout || !body.closed {
				t.Errorf("%v, closed %v", err, body.closed)
			}
		})
	})
	t.Run("silent for a day", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			session := connectedTo(t, func(r *http.Request) (*http.Response, error) {
				resp := scripted(200, "")
				resp.Header.Set("Content-Type", "text/event-stream")
				resp.Body = io.NopCloser(io.MultiReader(slow{24 * time.Hour}, strings.NewReader(event("{}")), untilDone{r.Context()}))
				return resp, nil
			}, Options{})
			stream, err := session.Stream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			start := time.Now()
			if err := stream.Next(); err != nil || time.Since(start) != 24*time.Hour {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
}

type closeNoted struct {
	io.Reader
	closed bool
}

func (c *closeNoted) Close() error { c.closed = true; return nil }

// An event that makes no sense costs only itself; a transfer that makes no sense ends
// the stream.
func TestATransferThatMakesNoSenseBreaksTheStream(t *testing.T) {
	for name, test := range map[string]struct {
		after  string // half an event, raw
		broken bool
	}{
		"malformed event": {event("{"), false},
		"malformed chunk": {"", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			stream, _ := openStream(t, s, func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
				if test.broken {
					io.WriteString(conn, "7\r\ndata: {\r\nzz\r\n")
				} else {
					fmt.Fprintf(conn, "%x\r\n%s\r\n", len(test.after), test.after)
				}
				io.Copy(io.Discard, conn)
			}, Options{})
			if err := stream.Next(); err != nil {
				t.Fatal(err)
			}
			_, err := stream.Decode(NewStatusReader(&sinkLog{}))
			if ReasonOf(err) != FailDecode || stream.Broken() != test.broken {
				t.Errorf("%v, broken %t", err, stream.Broken())
			}
		})
	}
}
