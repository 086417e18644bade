package icws

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestReasonOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want FailureReason
	}{
		{context.Canceled, FailCanceled},
		{context.DeadlineExceeded, FailTimeout},
		{os.ErrDeadlineExceeded, FailTimeout},
		{&net.OpError{Op: "read", Err: syscall.ETIMEDOUT}, FailTimeout},
		{&net.DNSError{Err: "no such host", IsTimeout: true}, FailDNS},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, FailRefused},
		{syscall.ECONNRESET, FailReset},
		{syscall.EPIPE, FailReset},
		{syscall.ECONNABORTED, FailReset},
		{io.ErrUnexpectedEOF, FailReset},
		{io.EOF, FailReset},
		{errors.New("http: server closed idle connection"), FailReset},
		{x509.UnknownAuthorityError{}, FailTLS},
		{x509.HostnameError{Certificate: &x509.Certificate{}}, FailTLS},
		{x509.CertificateInvalidError{Cert: &x509.Certificate{}}, FailTLS},
		{&tls.CertificateVerificationError{Err: errors.New("x")}, FailTLS},
		{tls.RecordHeaderError{Msg: "x"}, FailTLS},
		{&net.OpError{Op: "remote error", Err: errors.New("bad certificate")}, FailTLS},
		{errors.New("tls: no supported versions"), FailTLS},
		{ErrSpeaksHTTP, FailTLS},
		{ErrSpeaksTLS, FailTLS},
		{errTooLarge, FailTooLarge},
		{&RequestError{Reason: FailDecode, Err: io.EOF}, FailDecode},
		{&ResponseError{Code: 500}, FailOther},
		{errors.New("anything"), FailOther},
		{nil, FailOther},
	} {
		if got := ReasonOf(test.err); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
		if test.err == nil {
			continue
		}
		if got := ReasonOf(fmt.Errorf("wrapped: %w", test.err)); got != test.want {
			t.Errorf("wrapped %v: %s, want %s", test.err, got, test.want)
		}
	}
}

// versionFails asks for the version and expects no usable answer.
func versionFails(t *testing.T, ctx context.Context, base string, rt http.RoundTripper, o Options) *RequestError {
	t.Helper()
	c, exchanges := newTestClient(t, base, rt, o)
	_, err := c.Version(ctx)
	var request *RequestError
	if !errors.As(err, &request) {
		t.Fatalf("err %v is no RequestError", err)
	}
	if e := *exchanges; len(e) != 1 || !e[0].Failed() || e[0].Reason != request.Reason || e[0].Code != request.Code || !errors.Is(e[0].Err, request) {
		t.Errorf("exchanges %+v", e)
	}
	return request
}

func TestFailuresOfRealSockets(t *testing.T) {
	version := testdata(t, "version.json")
	for name, test := range map[string]struct {
		answer func(net.Conn)
		want   FailureReason
		code   int
	}{
		"closed before the answer": {func(net.Conn) {}, FailReset, 0},
		"reset": {func(c net.Conn) {
			if err := c.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		}, FailReset, 0},
		"cut in the headers": {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n") }, FailReset, 0},
		"cut in the body":    {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"+version) }, FailReset, 200},
		"cut between chunks": {func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(version), version)
		}, FailReset, 200},
		"cut in the trailer": {func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX", len(version), version)
		}, FailReset, 200},
		"closed in the body": {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+version[:40]) }, FailDecode, 200},
		"not HTTP":           {func(c net.Conn) { io.WriteString(c, "220 mail ready\r\n") }, FailDecode, 0},
		"html":               {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n<html>") }, FailDecode, 200},
		"goes on":            {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+version+"{}") }, FailDecode, 200},
		"too large": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n{\"build\":\""+strings.Repeat("x", 5000)+"\"}")
		}, FailTooLarge, 200},
	} {
		t.Run(name, func(t *testing.T) {
			base := rawServer(t, test.answer)
			got := versionFails(t, t.Context(), base, plainTransport(t), Options{MaxResponseBytes: 4096})
			if got.Reason != test.want || got.Code != test.code {
				t.Errorf("%s with code %d: %v", got.Reason, got.Code, got)
			}
		})
	}
}

func TestHalfClosedAnswerIsWhole(t *testing.T) {
	base := rawServer(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+testdata(t, "version.json"))
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	c, _ := newTestClient(t, base, plainTransport(t), Options{})
	if v, err := c.Version(t.Context()); err != nil || v.Build != "171" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestRefusedConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	got := versionFails(t, t.Context(), "http://"+l.Addr().String(), plainTransport(t), Options{})
	if got.Reason != FailRefused || !strings.HasPrefix(got.Error(), "version failed (refused): ") {
		t.Errorf("%v", got)
	}
}

func TestUnknownName(t *testing.T) {
	tr := plainTransport(t)
	tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "cic-x", IsNotFound: true}}
	}
	if got := versionFails(t, t.Context(), "http://cic-x", tr, Options{}); got.Reason != FailDNS {
		t.Errorf("%v", got)
	}
}

func TestTLSFailures(t *testing.T) {
	quiet := func(s *httptest.Server) *httptest.Server {
		s.Config.ErrorLog = discardLog()
		t.Cleanup(s.Close)
		return s
	}
	ok := answering(200, testdata(t, "version.json"))
	secure := quiet(httptest.NewUnstartedServer(ok))
	secure.StartTLS()
	clear := quiet(httptest.NewUnstartedServer(ok))
	clear.Start()
	mutual := quiet(httptest.NewUnstartedServer(ok))
	mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	mutual.StartTLS()

	trusting := func() *http.Transport {
		tr := plainTransport(t)
		tr.TLSClientConfig = &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
		return tr
	}
	wrongName := trusting()
	wrongName.TLSClientConfig.ServerName = "cic-b.invalid"
	for name, test := range map[string]struct {
		base string
		rt   http.RoundTripper
	}{
		"unknown authority":          {secure.URL, plainTransport(t)},
		"another name":               {secure.URL, wrongName},
		"https to http":              {"https://" + clear.Listener.Addr().String(), plainTransport(t)},
		"client certificate missing": {mutual.URL, trusting()},
	} {
		t.Run(name, func(t *testing.T) {
			if got := versionFails(t, t.Context(), test.base, test.rt, Options{}); got.Reason != FailTLS {
				t.Errorf("%s: %v", got.Reason, got)
			}
		})
	}
}

func TestRequestsTimeOut(t *testing.T) {
	stalls := map[string]roundTrip{
		"before the headers": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		},
		"in the body": func(r *http.Request) (*http.Response, error) {
			resp := scripted(200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"build":`), untilDone{r.Context()}))
			return resp, nil
		},
	}
	for name, rt := range stalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got := versionFails(t, t.Context(), "http://cic-a", rt, Options{RequestTimeout: 3 * time.Second})
				if got.Reason != FailTimeout || !errors.Is(got, context.DeadlineExceeded) {
					t.Errorf("%v", got)
				}
				if took := time.Since(start); took != 3*time.Second {
					t.Errorf("gave up after %v", took)
				}
			})
		})
		t.Run(name+", canceled", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				stop := time.AfterFunc(time.Second, func() { cancel(errors.New("reloaded")) })
				defer stop.Stop()
				got := versionFails(t, ctx, "http://cic-a", rt, Options{})
				if got.Reason != FailCanceled || !errors.Is(got, context.Canceled) {
					t.Errorf("%v", got)
				}
			})
		})
	}
}

// untilDone is a body that stalls until its request ends.
type untilDone struct{ ctx context.Context }

func (u untilDone) Read([]byte) (int, error) {
	<-u.ctx.Done()
	return 0, u.ctx.Err()
}

func TestDefaultTimeoutIsTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		versionFails(t, t.Context(), "http://cic-a", roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), Options{})
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestExchangeLastsUntilTheBodyIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := roundTrip(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			resp := scripted(200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"build":"1"`), slow{time.Second}, strings.NewReader(`}`)))
			return resp, nil
		})
		c, exchanges := newTestClient(t, "http://cic-a", rt, Options{})
		if _, err := c.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := (*exchanges)[0]; e.Duration != 2*time.Second || !e.Start.Add(e.Duration).Equal(time.Now()) {
			t.Errorf("exchange %+v", e)
		}
	})
}

// slow is a reader that has nothing, late.
type slow struct{ after time.Duration }

func (s slow) Read([]byte) (int, error) {
	time.Sleep(s.after)
	return 0, io.EOF
}

func TestNames(t *testing.T) {
	for op := range Operation(NumOperations) {
		ofSubscription := slices.Contains([]Operation{OpSubscribe, OpUnsubscribe, OpSubscribeOptional, OpUnsubscribeOptional, OpList}, op)
		if op.String() == "" || resources[op].method == "" || (resources[op].path == "") != ofSubscription {
			t.Errorf("operation %d has no name or resource", op)
		}
	}
	for r := range FailureReason(NumFailureReasons) {
		if r.String() == "" {
			t.Errorf("reason %d has no name", r)
		}
	}
}

// The scheme and the port that do not fit are named, from both sides.
func TestSchemeAndPortMixedUp(t *testing.T) {
	plain := rawServer(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	plainText := raw(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
	for base, want := range map[string]error{
		strings.Replace(plainText, "http:", "https:", 1):                                   ErrSpeaksHTTP,
		rawServer(t, func(c net.Conn) { c.Write([]byte("\x15\x03\x01\x00\x02\x02\x0a")) }): ErrSpeaksTLS,
		rawServer(t, func(c net.Conn) {
			io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		}): ErrSpeaksTLS,
		rawServer(t, func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n<p>The plain HTTP request was sent to HTTPS port</p>")
		}): ErrSpeaksTLS,
	} {
		got := versionFails(t, t.Context(), base, plainTransport(t), Options{})
		if got.Reason != FailTLS || !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", base, got, want)
		}
	}
	c, _ := newTestClient(t, plain, plainTransport(t), Options{})
	if _, err := c.Version(t.Context()); errors.Is(err, ErrSpeaksTLS) || err == nil {
		t.Errorf("any 400 is taken for a port that speaks TLS: %v", err)
	}
}

// raw answers every connection with the text, whatever comes.
func raw(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, text)
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return "http://" + l.Addr().String()
}
