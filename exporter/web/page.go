package web

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
)

//go:embed assets templates
var files embed.FS

var pages = template.Must(template.ParseFS(files, "templates/*.html"))

func assets() http.Handler {
	sub, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // assets is embedded: it cannot be absent
	}
	server := http.StripPrefix("/assets", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/assets/" {
			notFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		server.ServeHTTP(w, r)
	})
}

// row is one server in the words of the page.
type row struct {
	Name, Site   string
	Up           bool
	State        string
	Waiting      bool
	Since        moment
	Reason       string
	Host         string
	Transport    string
	Subscription string
	Statuses     string
	LastContact  moment
	NextAttempt  moment
}

// moment is a point in time as people read it; empty when it has not happened.
type moment struct{ ISO, Text string }

// failedReload is a reload that changed nothing, and what was wrong.
type failedReload struct {
	At       moment
	Problems []string
	More     int // problems that are not shown
}

func newStatusPage(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now()
		view := struct {
			Rows    []row
			Up      int
			Reload  *failedReload
			Now     moment
			Version string
		}{
			Reload:  newFailedReload(o.Reloader, now),
			Now:     moment{now.UTC().Format(time.RFC3339), now.UTC().Format("2006-01-02 15:04:05 UTC")},
			Version: o.Version,
		}
		for _, s := range o.Fleet.Servers() {
			r := newRow(s, now)
			if r.Up {
				view.Up++
			}
			view.Rows = append(view.Rows, r)
		}
		render(w, http.StatusOK, "status.html", view)
	})
}

// newFailedReload returns nothing when the last reload went well.
func newFailedReload(reloader Reloader, now time.Time) *failedReload {
	const most = 20
	last := reloader.Last()
	if last.OK() {
		return nil
	}
	f := &failedReload{At: momentOf(last.At, now), Problems: strings.Split(last.Problem, "\n")}
	if len(f.Problems) > most {
		f.Problems, f.More = f.Problems[:most], len(f.Problems)-most
	}
	return f
}

func newRow(server exporter.Server, now time.Time) row {
	s := server.Snapshot
	r := row{
		Name: server.Name, Site: server.Site,
		Up:          s.Up(now),
		State:       s.State.String(),
		Waiting:     s.State >= probe.StateBackoff,
		Since:       momentOf(s.StateSince, now),
		Reason:      s.Reason,
		LastContact: momentOf(s.LastContact, now),
		NextAttempt: momentOf(s.NextAttempt, now),
		Host:        activeHost(s),
		Statuses:    "unknown",
	}
	if s.TransportKnown {
		r.Transport = s.Transport.String()
	}
	if s.Fresh(now) {
		r.Statuses = strconv.Itoa(s.Entries)
	}
	r.Subscription = subscription(s)
	return r
}

func subscription(s *probe.Snapshot) string {
	switch {
	case s.SubscriptionUp && s.SubscriptionState > probe.SubscriptionNormal:
		return s.SubscriptionState.String()
	case s.SubscriptionUp:
		return "delivering"
	case s.SessionUp:
		return "not delivering"
	default:
		return "no session"
	}
}

func momentOf(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{ISO: t.UTC().Format(time.RFC3339), Text: distance(t.Sub(now))}
}

// distance says how far from now something is, in its two largest units.
func distance(d time.Duration) string {
	past := d < 0
	d = d.Abs().Truncate(time.Second)
	if d < time.Second {
		return "now"
	}
	var text string
	switch {
	case d < time.Minute:
		text = d.String()
	case d < time.Hour:
		text = strconv.Itoa(int(d/time.Minute)) + "m " + strconv.Itoa(int(d%time.Minute/time.Second)) + "s"
	case d < 48*time.Hour:
		text = strconv.Itoa(int(d/time.Hour)) + "h " + strconv.Itoa(int(d%time.Hour/time.Minute)) + "m"
	default:
		text = strconv.Itoa(int(d/(24*time.Hour))) + " days"
	}
	if past {
		return text + " ago"
	}
	return "in " + text
}

func notFound(w http.ResponseWriter, r *http.Request) {
	render(w, http.StatusNotFound, "notfound.html", r.URL.Path)
}

// render answers with a whole page or with a 500, never with half a page.
func render(w http.ResponseWriter, code int, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "the page could not be made; please report this", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = page.WriteTo(w)
}
