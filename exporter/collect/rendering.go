package collect

import (
	"context"
	"errors"
	"slices"
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
	// smallBodies is how many bytes of former expositions may always be on their way
	// to clients.
	smallBodies = 16 << 20
)

// Answer calls use once with the complete exposition, and returns ErrBusy or the
// error of ctx when it could not be made in time. One exposition is made at a time,
// and those who ask for the same form while they wait for their turn get the same
// one. What is being sent is bounded too: by the size of one exposition, besides
// the newest. body must not be changed, nor kept after use returns. Only what
// differs from the last one of its form is compressed.
func (s *Set) Answer(ctx context.Context, w Want, use func(body []byte)) error {
	b, err := s.renderer.acquire(ctx, s, w, true)
	if err != nil {
		return err
	}
	defer s.renderer.release(b)
	use(b.bytes)
	return nil
}

// Render is Answer for all families, and for whoever has the time to wait for it.
func (s *Set) Render(format Format, compress bool, use func(body []byte)) {
	b, err := s.renderer.acquire(context.Background(), s, Want{Format: format, Compress: compress}, false)
	if err != nil {
		return // without an end of the waiting there is no error
	}
	defer s.renderer.release(b)
	use(b.bytes)
}

// write writes the wanted families, and returns the length of the text and the space of
// the readings for the next time.
func (s *Set) write(t *text, w Want, space []reading, runtime []byte) (int, []reading) {
	sc := s.scrape(space)
	t.appendFamilies(w, s.table, sc)
	t.cut(1)
	t.bytes = append(t.bytes, runtime...)
	return t.end(w.Format), sc.done()
}

// end ends the text and returns its length.
func (t *text) end(format Format) int {
	if format == OpenMetrics {
		t.bytes = append(t.bytes, "# EOF\n"...)
	}
	if t.zip == nil {
		return len(t.bytes)
	}
	t.cut(1)
	t.zip.end()
	return t.zip.length
}

func (t *text) appendFamilies(w Want, table []*Family, sc *scrape) {
	if w.Names != nil {
		table = slices.DeleteFunc(slices.Clone(table), func(f *Family) bool { return !slices.Contains(w.Names, f.Name) })
	}
	if w.Format == Protobuf {
		t.appendProtobuf(table, sc)
		return
	}
	out := samples{format: w.Format, text: *t}
	out.collect(table, sc)
	*t = out.text
}

// renderer makes the expositions of a Set.
type renderer struct {
	turn chan struct{} // holds a token while an exposition is being made
	// What follows belongs to whoever has the turn.
	text     text   // of the exposition that is made
	piece    []byte // space for the text of a piece
	zip      compressed
	readings []reading
	largest  int // bytes of the last whole text

	mu      sync.Mutex
	waiting int
	begun   uint64 // expositions
	last    [numFormats][2]*body
	sending int           // bytes that have users
	freed   chan struct{} // has a token when there are fewer
	// Space of former bodies, by whether they were compressed.
	spare [2]compressed
	idle  *body
}

// body is an exposition in one form. Nothing changes it while it has users.
type body struct {
	compressed   // or the plain text in its bytes
	isCompressed bool
	number       uint64 // by renderer.begun
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
	var runtime []byte
	if s.runtime != nil {
		runtime = s.runtime.encoded(w.Format, w.Names)
	}
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
// memory as a whole.
func (r *renderer) make(s *Set, w Want, runtime []byte) *body {
	number := r.begin()
	r.forgetTexts()
	if w.Compress {
		r.zip = r.space(true)
		r.zip.begin(r.former(w))
		r.text = text{r.piece[:0], &r.zip}
	} else {
		r.text = text{bytes: r.space(false).bytes[:0]}
	}
	length, readings := s.write(&r.text, w, r.readings, runtime)
	r.readings = readings
	if w.Names == nil {
		r.largest = length
	}
	made := body{compressed: compressed{bytes: r.text.bytes}, number: number}
	if w.Compress {
		r.piece, made.compressed, made.isCompressed = r.text.bytes, r.zip, true
	}
	r.text, r.zip = text{}, compressed{}
	return r.publish(w, made)
}

// former returns the last body of the form.
func (r *renderer) former(w Want) *compressed {
	if last := r.last[w.Format][1]; w.Names == nil && last != nil {
		return &last.compressed
	}
	return nil
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
		r.sending += len(b.bytes)
	}
	b.users++
}

func (r *renderer) release(b *body) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.users--; b.users > 0 {
		return
	}
	r.sending -= len(b.bytes)
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
	r.spare[index(b.isCompressed)], r.idle = b.compressed, b
	b.compressed = compressed{}
}

// space returns what a former body had.
func (r *renderer) space(isCompressed bool) compressed {
	r.mu.Lock()
	defer r.mu.Unlock()
	space := r.spare[index(isCompressed)]
	r.spare[index(isCompressed)] = compressed{}
	return space
}

// forgetTexts takes back the last texts that nobody uses: they are large, and not
// needed to see what has changed.
func (r *renderer) forgetTexts() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for format := range r.last {
		if b := r.last[format][0]; b != nil && b.users == 0 {
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
