package capture

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// fetch answers a poll with what is due, or opens the stream. A captured answer
// that is neither is played as it was.
func (p *Replay) fetch(r *http.Request, x *replaySession) replayed {
	key := polling
	if wantsStream(r.Header) {
		key = streaming
	}
	captured := p.capture.answers[key]
	n, last := x.asked[key], len(captured)-1
	x.asked[key]++
	if n <= last || key == streaming && last >= 0 {
		if l := captured[min(n, last)]; !l.Stream && (polled(l) == nil || l.Cut || n > last) {
			return x.rewritten(l.answer())
		}
	}
	if key == streaming && (last >= 0 || p.capture.answers[polling] == nil) {
		return replayed{streams: true}
	}
	messages := []json.RawMessage{}
	due, _ := x.take(time.Now())
	for _, m := range due {
		if m.line.JSON != nil {
			messages = append(messages, json.RawMessage(x.rewrite.Replace(string(m.line.JSON))))
		}
	}
	return jsonAnswer(http.StatusOK, messages)
}

func wantsStream(h http.Header) bool { return strings.Contains(h.Get("Accept"), "text/event-stream") }

// take returns what is due, and how long until the next is, 0 for never.
func (x *replaySession) take(now time.Time) (due []dueMessage, next time.Duration) {
	n := 0
	for n < len(x.waiting) && !x.waiting[n].at.After(now) {
		n++
	}
	due, x.waiting = x.waiting[:n:n], x.waiting[n:]
	if len(x.waiting) > 0 {
		next = x.waiting[0].at.Sub(now)
	}
	return due, next
}

// serveStream writes what is due and pings, until the client, the session, the
// capture or the replay ends it.
func (p *Replay) serveStream(w http.ResponseWriter, r *http.Request, x *replaySession) {
	woken := make(chan struct{}, 1)
	p.mu.Lock()
	x.streams = append(x.streams, woken)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		x.streams = slices.DeleteFunc(x.streams, func(c chan struct{}) bool { return c == woken })
	}()
	replayed{code: http.StatusOK, header: http.Header{
		"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache"},
	}}.write(w)
	ping := time.NewTicker(p.capture.pingEvery)
	defer ping.Stop()
	for {
		text, end, next := p.due(x)
		if _, err := w.Write(text); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // a client that is gone is seen below
		switch end {
		case endServer:
			return
		case endBroken:
			panic(http.ErrAbortHandler)
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-woken:
		case <-ping.C:
			_, _ = w.Write([]byte(":" + p.capture.ping + "\n\n")) // as above
		case <-r.Context().Done():
			end = endClient
		case <-p.closing.Done():
			end = endServer
		}
		timer.Stop()
		if end != "" {
			return
		}
	}
}

// due renders the events that are due; end says how the stream ends after them.
func (p *Replay) due(x *replaySession) (text []byte, end string, next time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	due, next := x.take(time.Now())
	if next == 0 {
		next = maxGap
	}
	var b bytes.Buffer
	for _, m := range due {
		if m.line.End != "" {
			return b.Bytes(), m.line.End, 0
		}
		m.line.writeEvent(&b, x.rewrite)
	}
	if p.sessions[x.id] == nil {
		return b.Bytes(), endServer, 0
	}
	return b.Bytes(), "", next
}

func (l *line) writeEvent(b *bytes.Buffer, rewrite *strings.Replacer) {
	if l.ID != "" {
		b.WriteString("id: " + l.ID + "\n")
	}
	if l.Event != "" {
		b.WriteString("event: " + l.Event + "\n")
	}
	for line := range strings.SplitSeq(rewrite.Replace(string(l.bytes())), "\n") {
		b.WriteString("data: " + line + "\n")
	}
	b.WriteString("\n")
}
