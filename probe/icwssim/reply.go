package icwssim

import (
	"net/http"
	"strconv"
	"time"
)

// reply writes one answer, and breaks it where the fault says.
type reply struct {
	w    http.ResponseWriter
	left int  // bytes until the cut; negative: no cut
	mute bool // write nothing
}

// send writes the answer of a call and notes it in the journal before the client
// can see it.
func (s *Server) send(w http.ResponseWriter, c *call, a answer) {
	if c.fault.Drop {
		s.note(c, 0)
		panic(http.ErrAbortHandler)
	}
	if a.stream != nil {
		defer s.closeStream(a.stream)
	}
	header := w.Header()
	for name, values := range a.header {
		header[name] = values
	}
	for name, value := range c.fault.Headers {
		header.Set(name, value)
	}
	if s.opts.ClockOffset != 0 {
		header.Set("Date", time.Now().Add(s.opts.ClockOffset).UTC().Format(http.TimeFormat))
	}
	if a.stream == nil && !c.fault.Stall && a.code != http.StatusNoContent && a.code != http.StatusSwitchingProtocols {
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	s.note(c, a.code)
	for n := 0; n < c.fault.Interim && c.request.Context().Err() == nil && s.closing.Err() == nil; n++ {
		w.WriteHeader(http.StatusEarlyHints)
	}
	w.WriteHeader(a.code)
	out := &reply{w: w, left: -1, mute: c.fault.Swallow == SwallowStream}
	if c.fault.Cut != nil {
		out.left = *c.fault.Cut
	}
	out.cut(nil)
	switch {
	case c.fault.Stall, a.code == http.StatusSwitchingProtocols: // and says nothing in the new one
		_ = out.flush() // the client is gone: seen below
		s.stall(c.request)
	case a.stream != nil:
		_ = out.flush()
		s.serveStream(c, a.stream, out)
	default:
		_ = out.write(a.body) // the client is gone: nothing to do
	}
}

// stall keeps the answer open without a byte, and never completes it.
func (s *Server) stall(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closing.Done():
	}
	panic(http.ErrAbortHandler)
}

func (o *reply) write(p []byte) error {
	if o.mute {
		return nil
	}
	p = o.cut(p)
	if _, err := o.w.Write(p); err != nil {
		return err
	}
	if o.left >= 0 {
		o.left -= len(p)
		o.cut(nil)
	}
	return o.flush()
}

// cut returns what of p may still be written, and aborts the connection when
// nothing may.
func (o *reply) cut(p []byte) []byte {
	if o.left == 0 {
		_ = o.flush()
		panic(http.ErrAbortHandler)
	}
	if o.left > 0 {
		p = p[:min(len(p), o.left)]
	}
	return p
}

func (o *reply) flush() error { return http.NewResponseController(o.w).Flush() }
