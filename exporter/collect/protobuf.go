package collect

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// appendProtobuf appends the families as protobuf messages, each after its length.
// Only one family at a time is in memory as messages, which take far more room.
func (p *page) appendProtobuf(table []*Family, sc *scrape) {
	types := [...]dto.MetricType{
		Gauge: dto.MetricType_GAUGE, StateSet: dto.MetricType_GAUGE, Counter: dto.MetricType_COUNTER, Histogram: dto.MetricType_HISTOGRAM,
	}
	var family dto.MetricFamily
	out := samples{sink: func(m prometheus.Metric) {
		message := new(dto.Metric)
		if m.Write(message) == nil { // one that cannot be written must not cost the others
			family.Metric = append(family.Metric, message)
		}
	}}
	for _, f := range table {
		family.Name, family.Help, family.Type, family.Metric = &f.Name, &f.Help, &types[f.Type], nil
		out.collect([]*Family{f}, sc, sc.servers)
		if len(family.Metric) == 0 {
			continue
		}
		prefixed := protowire.AppendVarint(p.text, uint64(proto.Size(&family)))
		appended, err := proto.MarshalOptions{}.MarshalAppend(prefixed, &family)
		if err != nil { // a text that is not UTF-8; labelValue leaves none
			continue
		}
		p.text = appended
		if p.isZip && len(p.text) >= smallestPiece {
			p.cutText()
		}
	}
}
