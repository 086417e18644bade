package pages

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// lookInterval is how often an open page is compared with what it should show.
	lookInterval = 400 * time.Millisecond
	// pingInterval is how often a stream says that it lives when nothing changes;
	// page.js waits for three of them.
	pingInterval = 5 * time.Second
	// slowestReader is how long a write may wait for a browser that does not read.
	slowestReader = 10 * time.Second
)

// fragment is one element of a page, found by its id.
type fragment struct {
	id   string
	html template.HTML
}

// content is what an open page should show.
type content struct {
	parts []fragment
	// order are the ids of the rows of the page's list; nil for a page without one.
	order []string
	err   error
}

func (c *content) add(id, name string, data any) {
	c.parts = append(c.parts, fragment{id, c.make(name, data)})
}

func (c *content) make(name string, data any) template.HTML {
	html, err := execute(name, data)
	if err != nil {
		c.err = fmt.Errorf("the part %s of a page: %w", name, err)
	}
	return template.HTML(html)
}

// byID are the parts by their ids.
func (c *content) byID() map[string]template.HTML {
	parts := make(map[string]template.HTML, len(c.parts))
	for _, p := range c.parts {
		parts[p.id] = p.html
	}
	return parts
}

// pageUpdate is what an open page is told: the parts that changed, and the order of
// the rows when it changed.
type pageUpdate struct {
	Order     []string                 `json:"order,omitzero"`
	Fragments map[string]template.HTML `json:"fragments,omitempty"`
}

// event is the update on the wire.
func (u pageUpdate) event() string {
	var text strings.Builder
	text.WriteString("data: ")
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // the fragments are HTML, and no page has this in it
	_ = encoder.Encode(u)        // texts and lists of texts
	return text.String() + "\n"
}

// shown is what one open page has been told.
type shown struct {
	parts map[string]template.HTML
	order []string
}

// next returns what to tell the page for it to show now, and whether there is
// anything to tell.
func (s *shown) next(now content) (pageUpdate, bool) {
	u := pageUpdate{Fragments: map[string]template.HTML{}}
	for _, p := range now.parts {
		if before, told := s.parts[p.id]; !told || before != p.html {
			u.Fragments[p.id] = p.html
		}
	}
	reordered := now.order != nil && (s.parts == nil || !slices.Equal(s.order, now.order))
	if reordered {
		u.Order = now.order
	}
	s.parts, s.order = now.byID(), now.order
	return u, reordered || len(u.Fragments) > 0
}

// livePage makes the content of an open page; false means that there is no such
// page any more.
type livePage func(r *http.Request, now time.Time) (content, bool)

// stream returns the handler of the events of a page. Each stream lives in the
// goroutine of its request, so that a slow reader holds up nobody.
func stream(page livePage) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" {
			http.Error(w, "This request comes from a page of another site and was refused.", http.StatusForbidden)
			return
		}
		if _, ok := page(r, time.Now()); !ok {
			notFound(w, r)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "text/event-stream")
		header.Set("Cache-Control", "no-store")
		header.Set("X-Accel-Buffering", "no") // or nginx keeps it to itself
		if r.Method == http.MethodHead {
			return
		}
		follow(w, r, page)
	})
}

// follow tells the page what changes until the reader or the exporter goes.
func follow(w http.ResponseWriter, r *http.Request, page livePage) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // those of other requests would end it
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	var told shown
	var written time.Time
	for {
		now := time.Now()
		content, ok := page(r, now)
		if !ok {
			return
		}
		event := ""
		if u, changed := told.next(content); changed {
			event = u.event()
		} else if now.Sub(written) >= pingInterval {
			event = "event: ping\ndata:\n\n"
		}
		if event != "" {
			written = now
			_ = control.SetWriteDeadline(now.Add(slowestReader))
			if _, err := io.WriteString(w, event); err != nil || control.Flush() != nil {
				return
			}
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-shutdown(r.Context()):
			return
		}
	}
}
