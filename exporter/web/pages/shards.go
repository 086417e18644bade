package pages

import (
	"fmt"
	"net/http"
	"time"

	"icws_exporter/exporter"
)

// shardWords say which part of the servers this exporter watches; nothing when there
// are no others.
func (o Options) shardWords() string {
	shard, others := o.shard()
	if shard.Total < 2 {
		return ""
	}
	return fmt.Sprintf("This is shard %d of %d, counted from 0. The other exporters watch %s of the configuration.",
		shard.Ordinal, shard.Total, count(others, "server"))
}

func (o Options) shard() (exporter.Shard, int) {
	if o.Shards == nil {
		return exporter.Shard{}, 0
	}
	return o.Shards.Shard()
}

// elsewherePage is the page of a server that another exporter watches.
type elsewherePage struct {
	frame
	Name           string
	Ordinal, Total int
}

// notHere answers for a server that is not watched here.
func (p *serverPage) notHere(w http.ResponseWriter, r *http.Request, name string) {
	if p.opts.Shards != nil {
		if ordinal, ok := p.opts.Shards.Elsewhere(name); ok {
			shard, _ := p.opts.shard()
			render(w, http.StatusNotFound, "elsewhere.html", elsewherePage{p.opts.frame("../", name, "", time.Now()), name, ordinal, shard.Total})
			return
		}
	}
	notFound(w, r)
}
