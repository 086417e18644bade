package icws

import (
	"errors"

	"icws_exporter/probe/catalogue"
)

var errNoList = errors.New("the answer has no statusMessageList")

// statusList reads the answer to the list into sink (protocol.md, 4).
func (d *document) statusList(sink StatusSink) {
	sink.Begin()
	found := false
	for name := range d.members {
		if string(name) != "statusMessageList" {
			d.skip()
			continue
		}
		found = true
		d.statuses(sink.Add)
	}
	if !found {
		d.fail(errNoList)
	}
}

// statuses reads an array of statusMessage objects (protocol.md, 3.3).
func (d *document) statuses(take func(catalogue.Status)) {
	for range d.elements {
		if d.null() {
			continue
		}
		if d.status(); d.err == nil {
			take(d.entry)
		}
	}
}

// status reads one statusMessage into d.entry. What is absent is empty or false.
func (d *document) status() {
	s := &d.entry
	s.ID, s.Text, s.Icon = s.ID[:0], s.Text[:0], s.Icon[:0]
	s.Group, s.SystemID, s.Flags = s.Group[:0], s.SystemID[:0], 0
	for name := range d.members {
		switch string(name) {
		case "statusId":
			s.ID = d.appendText(s.ID[:0])
		case "messageText":
			s.Text = d.appendText(s.Text[:0])
		case "iconUri":
			s.Icon = d.appendText(s.Icon[:0])
		case "groupTag":
			s.Group = d.appendText(s.Group[:0])
		case "systemId":
			s.SystemID = d.appendText(s.SystemID[:0])
		default:
			flag, ok := flagNamed(name)
			if !ok {
				d.skip()
				continue
			}
			s.Flags = s.Flags.With(flag, d.boolean())
		}
	}
}

func flagNamed(name []byte) (catalogue.Flag, bool) {
	switch string(name) {
	case "canHaveDate":
		return catalogue.CanHaveDate, true
	case "canHaveTime":
		return catalogue.CanHaveTime, true
	case "isDoNotDisturbStatus":
		return catalogue.IsDoNotDisturbStatus, true
	case "isSelectableStatus":
		return catalogue.IsSelectableStatus, true
	case "isPersistentStatus":
		return catalogue.IsPersistentStatus, true
	case "isForwardStatus":
		return catalogue.IsForwardStatus, true
	case "isAfterCallWorkStatus":
		return catalogue.IsAfterCallWorkStatus, true
	case "isAcdStatus":
		return catalogue.IsAcdStatus, true
	case "isAllowFollowUpStatus":
		return catalogue.IsAllowFollowUpStatus, true
	default:
		return 0, false
	}
}

// removed reads an array of ids.
func (d *document) removed(take func(id []byte)) {
	for range d.elements {
		if d.null() {
			continue
		}
		d.entry.ID = d.appendText(d.entry.ID[:0])
		if d.err == nil {
			take(d.entry.ID)
		}
	}
}
