// Package catalogue keeps the catalogue of one server's status messages: it
// stages the entries of a message while they are decoded, commits them when the
// message is whole, and keeps counts per group and per group and flag as it goes.
//
// It does no I/O and reads no clock. A Catalogue belongs to one goroutine.
package catalogue

import "time"

// Flag is one of the nine boolean properties of a status message
// (protocol.md, 3.3).
type Flag uint8

// The nine flags, in the order of the API page.
const (
	CanHaveDate Flag = iota
	CanHaveTime
	IsDoNotDisturbStatus
	IsSelectableStatus
	IsPersistentStatus
	IsForwardStatus
	IsAfterCallWorkStatus
	IsAcdStatus
	IsAllowFollowUpStatus
)

var flagNames = [...]string{
	CanHaveDate:           "canHaveDate",
	CanHaveTime:           "canHaveTime",
	IsDoNotDisturbStatus:  "isDoNotDisturbStatus",
	IsSelectableStatus:    "isSelectableStatus",
	IsPersistentStatus:    "isPersistentStatus",
	IsForwardStatus:       "isForwardStatus",
	IsAfterCallWorkStatus: "isAfterCallWorkStatus",
	IsAcdStatus:           "isAcdStatus",
	IsAllowFollowUpStatus: "isAllowFollowUpStatus",
}

// NumFlags is how many flags there are.
const NumFlags = len(flagNames)

// String returns the ICWS property name of the flag.
func (f Flag) String() string { return flagNames[f] }

// Flags is a set of Flag.
type Flags uint16

// Has reports whether f is set.
func (s Flags) Has(f Flag) bool { return s&(1<<f) != 0 }

// With returns s with f set to on.
func (s Flags) With(f Flag, on bool) Flags {
	if on {
		return s | 1<<f
	}
	return s &^ (1 << f)
}

// Status is one status message as a decoder hands it over. The byte slices are
// valid only during the call that receives it.
type Status struct {
	ID, Text, Icon, Group, SystemID []byte
	Flags                           Flags
}

// Entry is one status message of the live copy, as Catalogue.Entries returns it.
type Entry struct {
	ID, Text, Group string
	Flags           Flags
	// ChangedAt is when the entry last differed from what was known before.
	ChangedAt time.Time
}

// Anomaly is a contradiction between a message and the live copy. It is applied
// in the way that converges, and counted.
type Anomaly uint8

// The anomalies, in the order of the metrics.
const (
	ChangedUnknown Anomaly = iota // a delta changed an id that was not there: added
	RemovedUnknown                // a delta removed an id that was not there: ignored
	AddedExisting                 // a delta added an id that was there: changed
	Duplicate                     // one message names an id twice: the last one counts
	MissingID                     // an entry without statusId: ignored
)

var anomalyNames = [...]string{
	ChangedUnknown: "changed_unknown",
	RemovedUnknown: "removed_unknown",
	AddedExisting:  "added_existing",
	Duplicate:      "duplicate",
	MissingID:      "missing_id",
}

// NumAnomalies is how many values there are.
const NumAnomalies = len(anomalyNames)

// String returns the label value of the anomaly.
func (a Anomaly) String() string { return anomalyNames[a] }

// Change is what happened to one entry of the live copy.
type Change uint8

// The changes.
const (
	Added Change = iota
	Changed
	Removed
)

var changeNames = [...]string{
	Added:   "added",
	Changed: "changed",
	Removed: "removed",
}

// NumChanges is how many values there are.
const NumChanges = len(changeNames)

// String returns the label value of the change.
func (c Change) String() string { return changeNames[c] }

// MaxChangedIDs is how many ids a Result names at most.
const MaxChangedIDs = 20

// Result says what a commit did.
type Result struct {
	Changes   [NumChanges]int
	Anomalies [NumAnomalies]int
	// ChangedIDs names the entries that were added, changed or removed, at most
	// MaxChangedIDs of them. Only a full message fills it: deltas announce what
	// they change, and naming it would cost an allocation each.
	ChangedIDs []string
	// TooLarge says that the message makes the catalogue larger than its Limits. It
	// may not have been applied: Forget the catalogue.
	TooLarge bool
}

// Total returns how many entries were added, changed or removed.
func (r Result) Total() int {
	return r.Changes[Added] + r.Changes[Changed] + r.Changes[Removed]
}

// GroupCount is how many status messages a group has, and how many of them have
// each flag set.
type GroupCount struct {
	// Group is a valid label value: the group tag, or "(none)" for an empty one,
	// or "(other)" for the groups folded by the limit.
	Group   string
	Entries int
	Flagged [NumFlags]int
}
