package icws

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// Exchange is one HTTP exchange as it went.
type Exchange struct {
	Operation Operation
	// Host is left empty by a Client: its caller may have several, and fills it in.
	Host string
	// Code is the HTTP code, 0 when no headers came.
	Code    int
	ErrorID string
	// Err is what the operation returned, and Reason says why when Failed.
	Err    error
	Reason FailureReason
	Start  time.Time
	// Duration is from the request to the end of the body, for a stream to its
	// headers.
	Duration time.Duration
	// Date is the header of that name, zero without one.
	Date time.Time
	// NotAfter is when the first certificate of the presented chain expires; zero
	// without TLS, and on a connection that was open before: the server may have
	// another certificate by now.
	NotAfter time.Time
}

// Failed reports whether there was no usable answer. An answer with an error code
// is usable.
func (e Exchange) Failed() bool {
	var request *RequestError
	return errors.As(e.Err, &request)
}

// maxIgnoredBytes is how much of a body that nobody wants is read, so that its
// connection can be used again, and how much of an error's body is looked at.
const maxIgnoredBytes = 64 << 10

// request is one request to make.
type request struct {
	op      Operation
	url     *url.URL
	session *Session // nil: without
	body    []byte
	people  bool          // an error may say which user it is about
	limit   time.Duration // instead of RequestTimeout; 0: that
	// patience is nil for a request that ends after RequestTimeout, sent or not.
	patience *patience
	waiting  *waiting // with patience, once the exchange has begun
}

// answer is what came back with a success code. Its reader closes it.
type answer struct {
	code   int
	header http.Header
	body   *bodyReader
}

// exchange makes one request within the time-out, lets read decode the body, and
// reports the exchange. Without a read the body is ignored.
func (c *Client) exchange(ctx context.Context, r request, read func(*document, http.Header)) error {
	if r.patience != nil {
		ctx, r.waiting = r.patience.wait(ctx, c.opts.RequestTimeout)
		defer r.waiting.end()
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cmp.Or(r.limit, c.opts.RequestTimeout))
		defer cancel()
	}
	x := Exchange{Operation: r.op, Start: time.Now()}
	a, err := c.send(ctx, r, &x)
	if err == nil {
		if read != nil {
			err = a.decode(ctx, r.op, read)
		}
		a.body.discard()
	}
	c.report(x, err)
	return err
}

// report ends an exchange.
func (c *Client) report(x Exchange, err error) {
	x.Duration = time.Since(x.Start)
	x.Err = err
	if x.Failed() {
		x.Reason = ReasonOf(err)
	}
	var response *ResponseError
	if errors.As(err, &response) {
		x.ErrorID = response.ErrorID
	}
	if c.opts.OnExchange != nil {
		c.opts.OnExchange(x)
	}
}

// send makes one request and returns its answer when that has a success code.
func (c *Client) send(ctx context.Context, r request, x *Exchange) (*answer, error) {
	reused := false
	req, err := c.newRequest(ctx, r, func(i httptrace.GotConnInfo) {
		reused = i.Reused
		if r.waiting != nil {
			r.waiting.connected(i.Conn)
		}
	})
	if err != nil {
		return nil, err
	}
	resp, err := c.rt.RoundTrip(req) //nolint:bodyclose // bodyReader.discard or Stream.Close does
	if err != nil {
		return nil, failure(ctx, r.op, 0, err)
	}
	c.answered.Store(time.Now().UnixNano())
	if r.waiting != nil {
		r.waiting.answered(c.opts.RequestTimeout)
	}
	x.Code = resp.StatusCode
	x.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if !reused {
		x.NotAfter = firstExpiry(resp.TLS)
	}
	if resp.StatusCode < 200 {
		// The body of a 101 is the bare connection: no deadline ends a read of it.
		resp.Body.Close()
		resp.Body = http.NoBody
	}
	body := c.bodyReader(resp.Body, r.op)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer body.discard()
		return nil, responseError(r, resp, body)
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		body.discard()
		err := fmt.Errorf("the answer is encoded as %q although we accept identity only", cut(encoding, 40))
		return nil, &RequestError{Operation: r.op, Reason: FailDecode, Code: resp.StatusCode, Err: err}
	}
	return &answer{code: resp.StatusCode, header: resp.Header, body: body}, nil
}

// idleBeforePoll is how long a connection may have been idle before a poll. Firewalls
// forget connections, some after less than a minute.
const idleBeforePoll = 20 * time.Second

// newRequest makes the request, which tells its connection. What the transport does
// when a connection that was kept turns out dead depends on the operation: a log-on
// is never sent twice, what can be repeated is sent once more on another one. A poll
// cannot be repeated, because the server forgets what it has sent; so it goes over a
// connection that was used a moment ago, or over a new one.
func (c *Client) newRequest(ctx context.Context, r request, connected func(httptrace.GotConnInfo)) (*http.Request, error) {
	if r.url.Scheme == "https" || r.waiting != nil { // else nobody wants to know
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: connected})
	}
	req, err := http.NewRequestWithContext(ctx, resources[r.op].method, r.url.String(), bodyOf(r))
	if err != nil {
		return nil, &RequestError{Operation: r.op, Reason: FailOther, Err: errors.New("the URL is not valid")}
	}
	switch {
	case r.op == OpPoll:
		req.Body = io.NopCloser(bytes.NewReader(nil)) // that it cannot repeat keeps the transport from it
		req.TransferEncoding = []string{"identity"}   // else the transport begins a goroutine to see whether it is empty
		if time.Since(time.Unix(0, c.answered.Load())) > idleBeforePoll {
			c.Close()
		}
	case req.Method == http.MethodPut, req.Method == http.MethodDelete:
		// Without a value it is not sent. It tells the transport, which takes only
		// GET for repeatable by itself.
		req.Header["Idempotency-Key"] = []string{}
	}
	// The sign of life ends its connection: whether a new one can be made, and what
	// certificate the server has by now, a session on open connections never sees.
	req.Close = r.op == OpVersion
	if r.waiting != nil {
		r.waiting.tellSent(req, r.body)
	}
	c.setHeader(req.Header, r)
	return req, nil
}

func bodyOf(r request) io.Reader {
	if r.body == nil {
		return nil // sent with Content-Length: 0 where the method wants one
	}
	return bytes.NewReader(r.body)
}

// setHeader sets the headers of protocol.md, 1.1 and 1.3. The documented spelling
// of the token's header is kept, for servers that are not Go.
func (c *Client) setHeader(h http.Header, r request) {
	h.Set("Accept", mediaType)
	h.Set("Accept-Language", c.opts.Language)
	// Nothing is ever inflated, so no small answer becomes a huge one.
	h.Set("Accept-Encoding", "identity")
	h.Set("User-Agent", c.opts.UserAgent)
	switch resources[r.op].method {
	case http.MethodPost, http.MethodPut:
		h.Set("Content-Type", mediaType)
	}
	if r.op == OpStream {
		h.Set("Accept", "text/event-stream")
		h.Set("Cache-Control", "no-cache")
	}
	if s := r.session; s != nil {
		h["ININ-ICWS-CSRF-Token"] = []string{s.token.Reveal()}
		if cookie := s.cookie.Reveal(); cookie != "" {
			h.Set("Cookie", cookie)
		}
	}
}

// failure is the error of a request without a usable answer. When the context
// ended, that is the cause, whatever the transport made of it.
func failure(ctx context.Context, op Operation, code int, err error) *RequestError {
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		err = fmt.Errorf("no complete answer in time: %w", context.DeadlineExceeded)
	case ctx.Err() != nil:
		err = ctx.Err()
	default:
		err = named(err)
	}
	return &RequestError{Operation: op, Reason: ReasonOf(err), Code: code, Err: err}
}

// decode lets read take the one JSON document of the body.
func (a *answer) decode(ctx context.Context, op Operation, read func(*document, http.Header)) error {
	d := newDocument(skipBOM(a.body))
	defer d.release()
	read(d, a.header)
	if err := d.end(); err != nil {
		return undecoded(ctx, op, a.code, a.body.err, err)
	}
	return nil
}

// undecoded tells a document that could not be read to its end from one that made
// no sense.
func undecoded(ctx context.Context, op Operation, code int, readErr, decodeErr error) *RequestError {
	if readErr != nil {
		return failure(ctx, op, code, readErr)
	}
	return &RequestError{Operation: op, Reason: FailDecode, Code: code, Err: decodeErr}
}

func firstExpiry(state *tls.ConnectionState) time.Time {
	var first time.Time
	if state == nil {
		return first
	}
	for _, certificate := range state.PeerCertificates {
		if first.IsZero() || certificate.NotAfter.Before(first) {
			first = certificate.NotAfter
		}
	}
	return first
}
