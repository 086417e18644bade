package catalogue_test

import (
	"testing"

	"icws_exporter/probe/catalogue"
)

// script reads messages out of fuzzed bytes; past its end it reads zeros.
type script []byte

func (s *script) next() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

func (s *script) text() string {
	n := min(int(s.next()%8), len(*s))
	text := string((*s)[:n])
	*s = (*s)[n:]
	return text
}

func (s *script) status() status {
	return status{
		id: s.text(), text: s.text(), group: s.text(), icon: s.text(), system: s.text(),
		flags: (catalogue.Flags(s.next()) | catalogue.Flags(s.next())<<8) % (1 << catalogue.NumFlags),
	}
}

// FuzzApply runs a byte script: the group limit, then operations on a catalogue
// and on the model, which must agree after every commit. A long script is cut: the
// model is so slow that the fuzzer takes it for one that hangs.
func FuzzApply(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data[:min(len(data), 1<<10)])
		limit := int(s.next()%4) + 1
		c, m := catalogue.New(catalogue.Limits{Groups: limit}), model{}
		stage := c.Stage()
		var msg message
		for len(s) > 0 {
			switch s.next() % 6 {
			case 0:
				msg = message{}
				stage.Begin()
			case 1:
				st := s.status()
				msg.added = append(msg.added, st)
				lend(stage.Add, st)
			case 2:
				st := s.status()
				msg.changed = append(msg.changed, st)
				lend(stage.Change, st)
			case 3:
				id := s.text()
				msg.removed = append(msg.removed, id)
				lendID(stage, id)
			case 4:
				checkResult(t, c.CommitFull(noon), m.applyFull(msg))
				msg = message{}
			case 5:
				checkResult(t, c.CommitDelta(noon), m.applyDelta(msg))
				msg = message{}
			}
			if len(msg.added)+len(msg.changed)+len(msg.removed) == 0 {
				checkModel(t, c, m)
				checkInvariants(t, c, limit)
			}
		}
	})
}
