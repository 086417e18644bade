package collect

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrBusy is returned when so many expositions are being made or sent that the
// memory for one more is not there. A moment later it may be.
var ErrBusy = errors.New("too many expositions are being made or sent")

// Want is a form of the exposition.
type Want struct {
	Format   Format
	Compress bool // as one gzip stream
	// Names are the families that are wanted, by their full names; nil means all.
	Names []string
}

const (
	// maxQueue is how many wait at most for an exposition, and longestWait how long.
	maxQueue    = 256
	longestWait = 5 * time.Second
	// keptText is how large a plain page may be that is kept.
	keptText = 1 << 20
	// smallBodies is how many bytes of former expositions may always be on their way
	// to clients.
	smallBodies = 16 << 20
)

// Answer calls use once with the complete exposition, and returns ErrBusy or the
// error of ctx when it could not be made in time. One exposition is made at a time,
// and those who ask for the same form while they wait for their turn get the same
// one. What is being sent is bounded too: by the size of one exposition, besides
// the newest. body must not be changed, nor kept after use returns. Only what
// differs from the last one of its form is made anew.
func (s *Set) Answer(ctx context.Context, w Want, use func(body []byte)) error {
	b, err := s.renderer.acquire(ctx, s, w, true)
	if err != nil {
		return err
	}
	defer s.renderer.release(b)
	use(b.bytes())
	return nil
}

// Render is Answer for all families, and for whoever has the time to wait for it.
func (s *Set) Render(format Format, compress bool, use func(body []byte)) {
	b, err := s.renderer.acquire(context.Background(), s, Want{Format: format, Compress: compress}, false)
	if err != nil {
		return // without an end of the waiting there is no error
	}
	defer s.renderer.release(b)
	use(b.bytes())
}

// renderer makes the expositions of a Set.
type renderer struct {
	turn chan struct{} // holds a token while an exposition is being made
	// What follows belongs to whoever has the turn.
	readings []reading
	marks    []mark
	largest  int // bytes of the last whole text

	mu      sync.Mutex
	waiting int
	begun   uint64 // expositions
	last    [numFormats][2]*body
	sending int           // bytes that have users
	freed   chan struct{} // has a token when there are fewer
	// Space of former bodies, by whether they were compressed.
	spare [2]page
	idle  *body
}

// body is an exposition in one form. Nothing changes it while it has users.
type body struct {
	page
	number uint64 // by renderer.begun
	// Guarded by renderer.mu.
	users int
	slot  **body // where the last one of its form is; nil for certain families
}

func newRenderer() *renderer {
	return &renderer{turn: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

// acquire returns an exposition that began after it was asked for, to be released.
func (r *renderer) acquire(ctx context.Context, s *Set, w Want, bounded bool) (*body, error) {
	r.mu.Lock()
	asked := r.begun
	r.mu.Unlock()
	runtime := s.runtime.encoded(w.Format, w.Names)
	var limit <-chan time.Time
	if bounded {
		if err := r.queue(ctx, &limit); err != nil {
			return nil, err
		}
	} else {
		r.turn <- struct{}{}
	}
	defer func() { <-r.turn }()
	if b := r.share(w, asked); b != nil {
		return b, nil
	}
	for bounded && !r.room() {
		if limit == nil {
			limit = time.After(longestWait)
		}
		select {
		case <-r.freed:
		case <-limit:
			return nil, ErrBusy
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return r.make(s, w, runtime), nil
}

// queue waits for the turn; limit is set when that took time.
func (r *renderer) queue(ctx context.Context, limit *<-chan time.Time) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	default:
	}
	if !r.wait(1) {
		return ErrBusy
	}
	defer r.wait(-1)
	*limit = time.After(longestWait)
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-*limit:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait counts those who wait, and reports whether there is a place for one more.
func (r *renderer) wait(change int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if change > 0 && r.waiting >= maxQueue {
		return false
	}
	r.waiting += change
	return true
}

// share returns the last exposition of the form when it began after asked.
func (r *renderer) share(w Want, asked uint64) *body {
	if w.Names != nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.last[w.Format][index(w.Compress)]
	if b == nil || b.number <= asked {
		return nil
	}
	r.use(b)
	return b
}

// room reports whether there is memory for one exposition more.
func (r *renderer) room() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sending <= max(smallBodies, r.largest)
}

// make makes the exposition in the turn of the caller. What is compressed is never in
// memory as a whole. When nothing has changed it is the last one.
func (r *renderer) make(s *Set, w Want, runtime *encodedFamilies) *body {
	number := r.begin()
	r.forgetLargeTexts()
	sc := s.scrape(r.readings)
	defer func() { r.readings = sc.done() }()
	former := r.former(w)
	if r.marks = r.marks[:0]; former != nil && w.Format < numTexts {
		r.marks = sc.appendMarks(r.marks, runtime)
		if former.shows(r.marks) {
			return r.again(former, number)
		}
	}
	p := r.space(w.Compress)
	p.isZip = w.Compress
	if former != nil {
		p.begin(&former.page)
	} else {
		p.begin(nil)
	}
	p.appendFamilies(w, s.table, sc, r.marks)
	p.end(w.Format, runtime)
	if w.Names == nil {
		r.largest = p.length
	}
	return r.publish(w, body{page: p, number: number})
}

// former returns the last body of the form, if it has pieces. Only the turn replaces it.
func (r *renderer) former(w Want) *body {
	if w.Names != nil || w.Format == Protobuf && !w.Compress {
		return nil
	}
	return r.last[w.Format][index(w.Compress)]
}

// again gives the last body of a form out once more.
func (r *renderer) again(b *body, number uint64) *body {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.number = number
	r.use(b)
	return b
}

// begin numbers an exposition.
func (r *renderer) begin() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
	return r.begun
}

// publish gives a body out, the last one of its form.
func (r *renderer) publish(w Want, made body) *body {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.idle
	if r.idle = nil; b == nil {
		b = new(body)
	}
	*b = made
	if w.Names == nil {
		b.slot = &r.last[w.Format][index(w.Compress)]
		former := *b.slot
		*b.slot = b
		if former != nil {
			r.keep(former)
		}
	}
	r.use(b)
	return b
}

// use counts a user. The lock is held.
func (r *renderer) use(b *body) {
	if b.users == 0 {
		r.sending += len(b.bytes())
	}
	b.users++
}

func (r *renderer) release(b *body) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.users--; b.users > 0 {
		return
	}
	r.sending -= len(b.bytes())
	r.keep(b)
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// keep takes back the space of a body that nobody uses, but for the last one of its
// form: those who wait may share it. The lock is held.
func (r *renderer) keep(b *body) {
	if b.users > 0 || b.slot != nil && *b.slot == b {
		return
	}
	r.spare[index(b.isZip)], r.idle = b.page, b
	b.page = page{}
}

// space returns what a former body had.
func (r *renderer) space(isZip bool) page {
	r.mu.Lock()
	defer r.mu.Unlock()
	space := r.spare[index(isZip)]
	r.spare[index(isZip)] = page{}
	return space
}

// forgetLargeTexts takes back the last plain pages that nobody uses and that are too large
// to be kept for what does not change.
func (r *renderer) forgetLargeTexts() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for format := range r.last {
		if b := r.last[format][0]; b != nil && b.users == 0 && len(b.text) > keptText {
			r.last[format][0] = nil
			r.keep(b)
		}
	}
}

func index(isCompressed bool) int {
	if isCompressed {
		return 1
	}
	return 0
}
