package icwssim

import "strings"

// Status is one status message (protocol.md, 3.3). Its identity is ID, without
// regard to case.
type Status struct {
	ID                    string `json:"statusId"`
	Text                  string `json:"messageText"`
	Icon                  string `json:"iconUri"`
	Group                 string `json:"groupTag"`
	CanHaveDate           bool   `json:"canHaveDate"`
	CanHaveTime           bool   `json:"canHaveTime"`
	IsDoNotDisturbStatus  bool   `json:"isDoNotDisturbStatus"`
	IsSelectableStatus    bool   `json:"isSelectableStatus"`
	IsPersistentStatus    bool   `json:"isPersistentStatus"`
	IsForwardStatus       bool   `json:"isForwardStatus"`
	IsAfterCallWorkStatus bool   `json:"isAfterCallWorkStatus"`
	IsAcdStatus           bool   `json:"isAcdStatus"`
	IsAllowFollowUpStatus bool   `json:"isAllowFollowUpStatus"`
	// SystemID holds a number. An added status without one is given the next.
	SystemID string `json:"systemId"`
}

// flagNames are the nine boolean properties in the order of the API page.
var flagNames = [...]string{
	"canHaveDate", "canHaveTime", "isDoNotDisturbStatus",
	"isSelectableStatus", "isPersistentStatus", "isForwardStatus",
	"isAfterCallWorkStatus", "isAcdStatus", "isAllowFollowUpStatus",
}

// flags points at the nine flags of the status, in the order of flagNames.
func (s *Status) flags() [len(flagNames)]*bool {
	return [...]*bool{
		&s.CanHaveDate, &s.CanHaveTime, &s.IsDoNotDisturbStatus,
		&s.IsSelectableStatus, &s.IsPersistentStatus, &s.IsForwardStatus,
		&s.IsAfterCallWorkStatus, &s.IsAcdStatus, &s.IsAllowFollowUpStatus,
	}
}

// properties returns the status as ICWS orders its properties.
func (s *Status) properties() object {
	o := object{
		{"statusId", s.ID}, {"messageText", s.Text}, {"iconUri", s.Icon}, {"groupTag", s.Group},
	}
	for i, f := range s.flags() {
		o = append(o, property{flagNames[i], *f})
	}
	return append(o, property{"systemId", s.SystemID})
}

// fold maps ids that name the same status to the same string.
func fold(id string) string { return strings.ToLower(id) }

// Edit is one change of the catalogue: exactly one of its fields is set.
type Edit struct {
	Add, Change *Status
	Remove      *string
}

// Add returns the edit that adds st. If its id exists already, it is replaced,
// and the message still says "added".
func Add(st Status) Edit { return Edit{Add: &st} }

// Change returns the edit that replaces the status of the same id by st. If
// there is none, it is added, and the message still says "changed".
func Change(st Status) Edit { return Edit{Change: &st} }

// Remove returns the edit that removes the status called id, in any case; id
// stands in the message as written, also when there is no such status.
func Remove(id string) Edit { return Edit{Remove: &id} }
