package pages

import (
	"net/url"
	"strings"
	"time"
)

func (o Options) frame(root, title, stream string, now time.Time) frame {
	return frame{
		Root: root, Title: title, Stream: stream, Version: o.Version,
		Now: moment{iso(now), exact(now), exact(now)},
	}
}

func (o Options) banner(c clock) banner {
	b := banner{Reload: newFailedReload(o.Reloads, c)}
	if o.Incident != nil {
		if i := o.Incident(); i != (Incident{}) {
			b.Incident = &incidentView{i.Name, i.What, c.moment(i.Since)}
		}
	}
	if o.WebConfigProblem != nil {
		b.WebConfig = o.WebConfigProblem()
	}
	return b
}

// newFailedReload returns nothing when the last reload went well.
func newFailedReload(reloads Reloads, c clock) *failedReload {
	const most = 20
	last := reloads.Last()
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
