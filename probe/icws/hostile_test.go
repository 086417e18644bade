package icws

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// forever writes the text until the connection ends.
func forever(conn net.Conn, begin, text string) {
	_, err := io.WriteString(conn, begin)
	for err == nil {
		_, err = io.WriteString(conn, text)
	}
}

// trickling writes the text for ever, a byte at a time.
func trickling(conn net.Conn, begin, text string) {
	_, err := io.WriteString(conn, begin)
	for i := 0; err == nil; i = (i + 1) % len(text) {
		_, err = io.WriteString(conn, text[i:i+1])
		time.Sleep(time.Millisecond)
	}
}

// silence waits until the client has gone.
func silence(conn net.Conn, begin string) {
	io.WriteString(conn, begin)
	io.Copy(io.Discard, conn)
}

const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

// hostileAnswers are what may come back instead of an answer, none of which may
// keep an exchange from its end.
var hostileAnswers = map[string]func(net.Conn){
	"nothing": func(c net.Conn) { silence(c, "") },
	"101": func(c net.Conn) {
		silence(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	},
	"101 bare":             func(c net.Conn) { silence(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n") },
	"101 with a length":    func(c net.Conn) { silence(c, "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\nab") },
	"101 and a flood":      func(c net.Conn) { forever(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n", strings.Repeat("x", 1000)) },
	"1xx flood":            func(c net.Conn) { forever(c, "", "HTTP/1.1 102 Processing\r\n\r\n") },
	"1xx now and then":     func(c net.Conn) { trickling(c, "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") },
	"100 and nothing":      func(c net.Conn) { silence(c, "HTTP/1.1 100 Continue\r\n\r\n") },
	"status line for ever": func(c net.Conn) { forever(c, "HTTP/1.1 200 ", "OK OK OK ") },
	"header line for ever": func(c net.Conn) { forever(c, ok+"X: ", "aaaaaaaa") },
	"headers for ever":     func(c net.Conn) { forever(c, ok, "X-More: aaaaaaaaaaaaaaaaaaaaaaaa\r\n") },
	"header that trickles": func(c net.Conn) { trickling(c, ok, "X-More: a\r\n") },
	"10 MB of headers":     func(c net.Conn) { silence(c, ok+"X: "+strings.Repeat("a", 10<<20)+"\r\n\r\n") },
	"cookies for ever":     func(c net.Conn) { forever(c, ok, "Set-Cookie: icws_1=abcdefgh; Path=/\r\n") },
	"length that lies":     func(c net.Conn) { silence(c, ok+"Content-Length: 1000\r\n\r\n{") },
	"length beyond everything": func(c net.Conn) {
		forever(c, ok+"Content-Length: 9223372036854775807\r\n\r\n{", `"a":1,`)
	},
	"two lengths":             func(c net.Conn) { silence(c, ok+"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{") },
	"length and chunks":       func(c net.Conn) { silence(c, ok+"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") },
	"chunk extension":         func(c net.Conn) { forever(c, ok+"Transfer-Encoding: chunked\r\n\r\n1", ";a=aaaaaaaaaa") },
	"chunks of one byte":      func(c net.Conn) { forever(c, ok+"Transfer-Encoding: chunked\r\n\r\n", "1;a=b\r\n \r\n") },
	"chunk that is too large": func(c net.Conn) { silence(c, ok+"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n") },
	"trailers for ever":       func(c net.Conn) { forever(c, ok+"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "X: y\r\n") },
	"body that trickles":      func(c net.Conn) { trickling(c, ok+"\r\n", " ") },
	"body for ever":           func(c net.Conn) { forever(c, ok+"\r\n[", `"aaaaaaaaaaaaaaaaaa",`) },
	"HTTP/1.0 for ever":       func(c net.Conn) { forever(c, "HTTP/1.0 200 OK\r\n\r\n", "  ") },
	"HTTP/0.9":                func(c net.Conn) { forever(c, "", "{}") },
	"HTTP/2 frames":           func(c net.Conn) { silence(c, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64") },
	"TLS alert":               func(c net.Conn) { io.WriteString(c, "\x15\x03\x01\x00\x02\x02\x46") },
	"redirect for ever":       func(c net.Conn) { forever(c, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "moved ") },
	"error for ever":          func(c net.Conn) { forever(c, "HTTP/1.1 500 Oops\r\n\r\n", " ") },
	"error that trickles":     func(c net.Conn) { trickling(c, "HTTP/1.1 503 Oops\r\nContent-Length: 100000\r\n\r\n", " ") },
	"204 with a body":         func(c net.Conn) { forever(c, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "{}") },
	"stream that is none":     func(c net.Conn) { trickling(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "<p>") },
}

// operations are all that may be asked of a server.
func operations(c *Client, s *Session) map[Operation]func(context.Context) error {
	return map[Operation]func(context.Context) error{
		OpVersion: func(ctx context.Context) error { _, err := c.Version(ctx); return err },
		OpConnect: func(ctx context.Context) error { _, err := c.Connect(ctx, testCredentials); return err },
		OpPoll: func(ctx context.Context) error {
			return s.Poll(ctx, []*Reader{NewStatusReader(&sinkCount{})}, func(Message) {})
		},
		OpStream: func(ctx context.Context) error {
			stream, err := s.Stream(ctx)
			if err == nil {
				err = stream.Close()
			}
			return err
		},
		OpSubscribe:        func(ctx context.Context) error { return s.Subscribe(ctx, StatusMessages, nil) },
		OpUnsubscribe:      func(ctx context.Context) error { return s.Unsubscribe(ctx, StatusMessages) },
		OpList:             func(ctx context.Context) error { return s.List(ctx, NewStatusReader(&sinkCount{})) },
		OpSwitchoverStatus: func(ctx context.Context) error { _, err := s.SwitchoverStatus(ctx); return err },
		OpDisconnect:       s.End,
	}
}

// hostileServer lets the test log on, and then answers as it likes.
func hostileServer(t *testing.T, timeout time.Duration, answer func(net.Conn)) (*Client, *Session) {
	t.Helper()
	var loggedOn atomic.Bool
	base := rawServer(t, func(conn net.Conn) {
		if loggedOn.Swap(true) {
			answer(conn)
			return
		}
		body := testdata(t, "connection.json")
		fmt.Fprintf(conn, "HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	})
	transport := &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
	t.Cleanup(transport.CloseIdleConnections)
	client := NewClient(mustURL(t, base), transport, Options{RequestTimeout: time.Minute})
	session, err := client.Connect(t.Context(), testCredentials)
	if err != nil {
		t.Fatal(err)
	}
	client.opts.RequestTimeout = timeout // a busy machine may log on slowly
	return client, session
}

// Whatever a server answers, each operation ends: by the answer or by its time-out
// (P6).
func TestEveryExchangeEnds(t *testing.T) {
	for name, answer := range hostileAnswers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, session := hostileServer(t, 250*time.Millisecond, answer)
			ended := make(chan Operation)
			running := map[Operation]bool{}
			for op, ask := range operations(client, session) {
				running[op] = true
				go func() {
					_ = ask(context.Background())
					ended <- op
				}()
			}
			patience := time.After(time.Minute)
			for len(running) > 0 {
				select {
				case op := <-ended:
					delete(running, op)
				case <-patience:
					t.Fatalf("did not end: %v", running)
				}
			}
		})
	}
}

// An end that somebody asks for, such as Ctrl-C, does not wait for the time-out.
func TestEveryExchangeEndsWithItsContext(t *testing.T) {
	for _, name := range []string{"nothing", "101", "1xx now and then", "header that trickles", "body that trickles", "trailers for ever", "error that trickles"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{}, 100)
			client, session := hostileServer(t, time.Hour, func(conn net.Conn) {
				reached <- struct{}{}
				hostileAnswers[name](conn)
			})
			for op, ask := range operations(client, session) {
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_ = ask(ctx)
				}()
				select {
				case <-reached:
				case <-ended: // by itself
				case <-time.After(time.Minute):
					t.Fatalf("%s did not reach the server", op)
				}
				cancel()
				select {
				case <-ended:
				case <-time.After(time.Minute):
					t.Fatalf("%s did not end", op)
				}
			}
		})
	}
}

// A 101 is an answer like another one that nobody wanted.
func TestA101IsAnUnwantedAnswer(t *testing.T) {
	client, _ := hostileServer(t, time.Minute, hostileAnswers["101"])
	_, err := client.Version(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the server answered 101 (Switching Protocols)") {
		t.Errorf("got %v", err)
	}
}

// Headers without end are given up at their bound, long before the time-out.
func TestHeadersAreBounded(t *testing.T) {
	for _, name := range []string{"headers for ever", "header line for ever", "10 MB of headers", "cookies for ever", "1xx flood"} {
		client, _ := hostileServer(t, time.Hour, hostileAnswers[name])
		_, err := client.Version(t.Context())
		if ReasonOf(err) != FailDecode || !strings.Contains(err.Error(), "the headers of the answer are larger") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What answers without HTTP has the port and the network in order: the advice is to
// look at the URL, not to start the server.
func TestAnAnswerThatIsNoHTTPIsUndecodable(t *testing.T) {
	const ok, chunked = "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, answer := range map[string]string{
		"banner":                     "SSH-2.0-OpenSSH_9.6\r\n",
		"no code":                    "HTTP/1.1 abc\r\n\r\n",
		"code of two digits":         "HTTP/1.1 99 no\r\n\r\n",
		"no version":                 "HTTP/x 200 OK\r\n\r\n",
		"header line":                ok + "no header\r\n\r\n",
		"header that goes on":        ok + " from before\r\n\r\n",
		"no headers":                 `{"majorVersion":"18"}` + "\r\n\r\n",
		"two lengths":                ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"length of no number":        ok + "Content-Length: two\r\n\r\n{}",
		"length below zero":          ok + "Content-Length: -2\r\n\r\n{}",
		"empty length":               ok + "Content-Length: \r\n\r\n{}",
		"transfer encoding":          ok + "Transfer-Encoding: gzip\r\n\r\n{}",
		"two transfer encodings":     ok + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n{}",
		"chunk length of no number":  chunked + "zz\r\n{}\r\n0\r\n\r\n",
		"no chunk length":            chunked + "\r\n{}\r\n0\r\n\r\n",
		"chunk length beyond bounds": chunked + "fffffffffffffffff\r\n{}",
		"chunk longer than said":     chunked + "1\r\n{}\r\n0\r\n\r\n",
		"chunk length by LF":         chunked + "2\n{}\r\n0\r\n\r\n",
		"CR in a chunk length":       chunked + "2\r;x\r\n{}\r\n0\r\n\r\n",
		"chunk extension for ever":   chunked + "2;" + strings.Repeat("x", 8192) + "\r\n{}\r\n0\r\n\r\n",
		"chunks of extensions":       chunked + strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\n \r\n", 20) + "2\r\n{}\r\n0\r\n\r\n",
		"trailer that is a length":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"trailer line":               chunked + "2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
		"trailer for ever":           chunked + "2\r\n{}\r\n0\r\nX: " + strings.Repeat("x", 1<<16),
	} {
		client, _ := hostileServer(t, time.Minute, func(c net.Conn) { fmt.Fprint(c, answer) })
		_, err := client.Version(t.Context())
		if ReasonOf(err) != FailDecode {
			t.Errorf("%s: %v: %v, want %v", name, err, ReasonOf(err), FailDecode)
		}
	}
}
