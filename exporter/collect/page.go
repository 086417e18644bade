package collect

import (
	"bytes"
	"compress/gzip"
	"sync"
)

// Render calls use once with the complete exposition in the given format,
// compressed as one gzip stream when compress is set. It renders anew each time
// and compresses only when the bytes differ from the last ones. body must not be
// changed, nor kept after use returns.
func (s *Set) Render(format Format, compress bool, use func(body []byte)) {
	var runtime []byte
	if s.runtime != nil {
		runtime = s.runtime.encoded(format)
	}
	p := &s.pages[format]
	r := p.acquire(s, format, runtime, compress)
	defer p.release(r)
	if compress {
		use(r.compressed.Bytes())
		return
	}
	use(r.plain)
}

// page is the exposition in one format.
type page struct {
	mu       sync.Mutex
	shown    *rendering // what the last scrape got
	spare    *rendering // space for the next one
	readings []reading
	zip      *gzip.Writer
}

// rendering is one state of a page. Nothing changes it while it has users.
type rendering struct {
	plain      []byte
	compressed bytes.Buffer // empty until somebody wants it
	users      int          // guarded by page.mu
}

// acquire renders the page and returns it, to be released. The lock is held while
// bytes are made, never while they are sent.
func (p *page) acquire(s *Set, format Format, runtime []byte, compress bool) *rendering {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.spare
	if next == nil {
		next = new(rendering)
	}
	p.spare = nil
	p.readings = next.write(s.table, s.scrape(p.readings), format, runtime)
	switch {
	case p.shown == nil:
		p.shown = next
	case bytes.Equal(next.plain, p.shown.plain):
		p.spare = next
	default:
		// A former page that is still being sent is left to the garbage collector.
		if p.shown.users == 0 {
			p.spare = p.shown
		}
		p.shown = next
	}
	if compress && p.shown.compressed.Len() == 0 {
		p.zip = p.shown.compress(p.zip)
	}
	p.shown.users++
	return p.shown
}

func (p *page) release(r *rendering) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.users--
}

// write writes the families of the table, and returns the space of the readings
// for the next time.
func (r *rendering) write(table []*Family, sc *scrape, format Format, runtime []byte) []reading {
	out := samples{format: format, buf: r.plain[:0]}
	out.collect(table, sc)
	out.buf = append(out.buf, runtime...)
	if format == OpenMetrics {
		out.buf = append(out.buf, "# EOF\n"...)
	}
	r.plain = out.buf
	r.compressed.Reset()
	clear(sc.servers) // a removed server must not live on here
	return sc.servers
}

// compress uses the fastest level: the page changes with nearly every scrape, and
// the default level takes more than three times as long for a sixth less. It
// returns the compressor for the next time; nil makes one.
func (r *rendering) compress(zip *gzip.Writer) *gzip.Writer {
	if zip == nil {
		zip, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed)
	}
	zip.Reset(&r.compressed)
	_, _ = zip.Write(r.plain) // a bytes.Buffer takes everything
	_ = zip.Close()
	return zip
}
