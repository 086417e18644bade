package pages

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"icws_exporter/exporter"
)

// shardWords say which part of the servers this exporter watches, and where the
// others are; nothing when there are no others.
func (o Options) shardWords() string {
	shard, others := o.shard()
	if shard.Total < 2 {
		return ""
	}
	var ordinals []string
	for ordinal := range shard.Total {
		if ordinal != shard.Ordinal {
			ordinals = append(ordinals, strconv.Itoa(ordinal))
		}
	}
	which := "the exporter with the ordinal " + ordinals[0]
	switch last := len(ordinals) - 1; {
	case last > 10:
		which = fmt.Sprintf("the exporters with the other ordinals from 0 to %d", shard.Total-1)
	case last > 0:
		which = "the exporters with the ordinals " + strings.Join(ordinals[:last], ", ") + " and " + ordinals[last]
	}
	return fmt.Sprintf("This is shard %d of %d, counted from 0. %s of the configuration: look at %s.",
		shard.Ordinal, shard.Total, othersWords(others), which)
}

func othersWords(n int) string {
	if n == 1 {
		return "Another exporter watches 1 more server"
	}
	return fmt.Sprintf("Other exporters watch %d more servers", n)
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
