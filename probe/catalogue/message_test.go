package catalogue_test

import (
	"time"

	"icws_exporter/probe/catalogue"
)

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	one  = noon.Add(time.Hour)
)

// status is a status message that is comparable and outlives its staging.
type status struct {
	id, text, icon, group, system string
	flags                         catalogue.Flags
}

// message is what one statusMessagesMessage says.
type message struct {
	added, changed []status
	removed        []string
}

// stage hands the message over as a decoder does: in buffers that are
// overwritten as soon as the call returns.
func (m message) stage(s *catalogue.Stage) {
	s.Begin()
	for _, st := range m.added {
		lend(s.Add, st)
	}
	for _, st := range m.changed {
		lend(s.Change, st)
	}
	for _, id := range m.removed {
		lendID(s, id)
	}
}

// stageBackwards hands the lists over in the opposite order.
func (m message) stageBackwards(s *catalogue.Stage) {
	s.Begin()
	for _, id := range m.removed {
		lendID(s, id)
	}
	for _, st := range m.changed {
		lend(s.Change, st)
	}
	for _, st := range m.added {
		lend(s.Add, st)
	}
}

func lend(stage func(catalogue.Status), st status) {
	raw := catalogue.Status{
		ID: []byte(st.id), Text: []byte(st.text), Icon: []byte(st.icon),
		Group: []byte(st.group), SystemID: []byte(st.system), Flags: st.flags,
	}
	stage(raw)
	for _, buf := range [][]byte{raw.ID, raw.Text, raw.Icon, raw.Group, raw.SystemID} {
		overwrite(buf)
	}
}

func lendID(s *catalogue.Stage, id string) {
	raw := []byte(id)
	s.Remove(raw)
	overwrite(raw)
}

func overwrite(buf []byte) {
	for i := range buf {
		buf[i] = '!'
	}
}

func full(c *catalogue.Catalogue, list ...status) catalogue.Result {
	message{added: list}.stage(c.Stage())
	return c.CommitFull(noon)
}

func delta(c *catalogue.Catalogue, m message) catalogue.Result {
	m.stage(c.Stage())
	return c.CommitDelta(one)
}

func flags(set ...catalogue.Flag) catalogue.Flags {
	var s catalogue.Flags
	for _, f := range set {
		s = s.With(f, true)
	}
	return s
}

// ofGroup returns a status that is alone in its group unless another has it too.
func ofGroup(id, group string) status { return status{id: id, text: id, group: group} }
