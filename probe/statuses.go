package probe

import (
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// NewStatusReader makes a reader that stages what it decodes for a catalogue. It
// belongs to the goroutine of the catalogue.
func NewStatusReader(c *catalogue.Catalogue) *icws.Reader {
	return icws.NewStatusReader(stageSink{c.Stage()})
}

// stageSink translates what is read from the wire for the live copy, so that
// neither knows the other.
type stageSink struct{ *catalogue.Stage }

func (s stageSink) Add(m *icws.StatusMessage)    { s.Stage.Add(statusOf(m)) }
func (s stageSink) Change(m *icws.StatusMessage) { s.Stage.Change(statusOf(m)) }

// statusOf needs the flags of both to be in the order of the API page.
func statusOf(m *icws.StatusMessage) catalogue.Status {
	return catalogue.Status{
		ID: m.ID, Text: m.Text, Icon: m.Icon, Group: m.Group, SystemID: m.SystemID,
		Flags: catalogue.Flags(m.Flags),
	}
}
