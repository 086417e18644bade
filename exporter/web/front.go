package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// maxBody is the longest request body, in bytes, that a POST may have: no page
	// reads one, but some clients send a few bytes with every POST.
	maxBody = 4 << 10
	// bodyTime is how long a client may take for it.
	bodyTime = 2 * time.Second
	// maxChecking is how many passwords of one address are checked at a time: each
	// takes a good part of a second of a core.
	maxChecking = 4
)

// front stands before everything else, the toolkit's password too: it wants a whole
// request, and does without those that could keep a place for long.
type front struct {
	next     http.Handler
	checking *places // of passwords
}

func newFront(next http.Handler) *front {
	return &front{next: next, checking: newPlaces(maxConnections, maxChecking)}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && !takeBody(r, http.NewResponseController(w)) {
		w.Header().Set("Connection", "close")
		http.Error(w, "No page here takes a request body: send none.", http.StatusRequestEntityTooLarge)
		return
	}
	conn := connOf(r.Context())
	if conn == nil {
		f.next.ServeHTTP(w, r)
		return
	}
	conn.beginAnswer()
	defer conn.endAnswer()
	if r.Header.Get("Authorization") == "" || conn.address == "" {
		f.next.ServeHTTP(w, r)
		return
	}
	checked, ok := f.checking.take(conn.address)
	if !ok {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many passwords of this address are being checked. Try again.", http.StatusServiceUnavailable)
		return
	}
	defer checked()
	f.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), checkedKey{}, checked)))
}

// takeBody reads a short body to its end. Without it the server would wait for the
// body after the answer; false has it wait no more.
func takeBody(r *http.Request, control *http.ResponseController) bool {
	deadline := time.Unix(1, 0)
	defer func() { _ = control.SetReadDeadline(deadline) }()
	if r.Method != http.MethodPost || r.ContentLength < 0 || r.ContentLength > maxBody || r.Header.Get("Expect") != "" {
		return false
	}
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return false
	}
	deadline = time.Time{}
	return true
}

type connKey struct{}

// withConn lets front know the connection of a request.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if limited := limitedConnOf(conn); limited != nil {
		return context.WithValue(ctx, connKey{}, limited)
	}
	return ctx
}

// connOf returns the connection of a request, or nil where it is not known.
func connOf(ctx context.Context) *limitedConn {
	conn, _ := ctx.Value(connKey{}).(*limitedConn)
	return conn
}

type checkedKey struct{}

// afterPassword gives back the place that front took for the password.
func afterPassword(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if checked, ok := r.Context().Value(checkedKey{}).(func()); ok {
			checked()
		}
		next.ServeHTTP(w, r)
	})
}
