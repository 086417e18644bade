package web

import (
	"net/url"
	"strings"
	"time"
)

// Incident is what the demo has go wrong at present.
type Incident struct {
	Name string
	// What it is and what there is to see, in a sentence.
	What  string
	Since time.Time
}

// frame is what every page has around its own content.
type frame struct {
	// Root is the relative way to /, so that a proxy may serve the pages below a
	// path of its own.
	Root    string
	Title   string
	Stream  string // of live updates; empty for a page that stays as it is
	Now     moment
	Version string
}

func (o Options) frame(root, title, stream string, now time.Time) frame {
	return frame{
		Root: root, Title: title, Stream: stream, Version: o.Version,
		Now: moment{iso(now), now.UTC().Format("2006-01-02 15:04:05 UTC")},
	}
}

// banner is what concerns every page: the incident of the demo, a failed reload.
type banner struct {
	Incident *incidentView
	Reload   *failedReload
}

type incidentView struct {
	Name, What string
	Since      moment
}

// failedReload is a reload that changed nothing, and what was wrong.
type failedReload struct {
	At       moment
	Problems []string
	More     int // problems that are not shown
}

func (o Options) banner(c clock) banner {
	b := banner{Reload: newFailedReload(o.Reloader, c)}
	if o.Incident != nil {
		if i := o.Incident(); i != (Incident{}) {
			b.Incident = &incidentView{i.Name, i.What, c.moment(i.Since)}
		}
	}
	return b
}

// newFailedReload returns nothing when the last reload went well.
func newFailedReload(reloader Reloader, c clock) *failedReload {
	const most = 20
	last := reloader.Last()
	if last.OK() {
		return nil
	}
	f := &failedReload{At: c.moment(last.At), Problems: strings.Split(last.Problem, "\n")}
	if len(f.Problems) > most {
		f.Problems, f.More = f.Problems[:most], len(f.Problems)-most
	}
	return f
}

// serverPath is the way from / to the page of a server.
func serverPath(name string) string { return "servers/" + url.PathEscape(name) }
