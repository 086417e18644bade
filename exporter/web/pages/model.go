package pages

import (
	"html/template"
	"time"

	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
)

// The types that the templates see, and nothing else.

// Incident is what the demo has go wrong at present.
type Incident struct {
	Name string
	// What it is and what there is to see, in a sentence.
	What  string
	Since time.Time
}

// frame is what every page has around its own content.
type frame struct {
	// Root is the relative way to /, so that a proxy may serve the pages below a
	// path of its own.
	Root    string
	Title   string
	Stream  string // of live updates; empty for a page that stays as it is
	Now     moment
	Version string
}

// banner is what concerns every page: the incident of the demo, a failed reload.
type banner struct {
	Incident  *incidentView
	Reload    *failedReload
	WebConfig string // what is wrong with the web configuration file
}

type incidentView struct {
	Name, What string
	Since      moment
}

// failedReload is a reload that changed nothing, and what was wrong.
type failedReload struct {
	At       moment
	Problems []string
	More     int // problems that are not shown
}

// moment is a point in time as people read it; empty when it has not come about.
type moment struct {
	ISO, Text string
	Exact     string // for whoever points at it
}

// row is one server in the words of the overview. It is comparable: equal rows
// look the same.
type row struct {
	ID, Link     string
	Name, Site   string
	Condition    condition
	Since        moment
	NotLive      moment // when other states came before in this outage
	Reason       string
	Notices      string // one a line: a list could not be compared
	Next         moment
	Host         string
	Transport    string
	Subscription string
	Breaker      string // empty while it is closed
	Contact      moment
	Statuses     string
	LastHour     probe.StatesOfLastHour
	Answers      [probe.NumAnswerClasses]answerCount
}

// choice is a value of filter.State to choose.
type choice struct {
	Value, Words string
	Chosen       bool
}

// summary is the head of the overview.
type summary struct {
	Up, All, Shown int
	Conditions     []conditionCount
	Shard          string // which part of the servers this is; empty for all
	banner
}

// conditionCount is how many servers are in one condition.
type conditionCount struct {
	condition
	Count int
}

// serverHead is the first part of the page: how the server is, why, and what to do.
type serverHead struct {
	Name, Site string
	Condition  condition
	Since      moment
	NotLive    moment
	Reason     string
	Glance     string
	Strip      template.HTML // the last hour
	Next       moment
	Notices    []string
	Advice     advice.Advice
	Calm       bool // nothing has to be done, for its users and licences either
	// Where to POST for the server to be tried again, or for the refused password to be
	// sent once more; empty for nowhere.
	Retry, SendRefused string
	Root               string
	banner
}

// fact is a line of a list of facts: a text, or a time.
type fact struct {
	Name, Text string
	At         moment
}

// factGroup is a list of facts with a heading.
type factGroup struct {
	Title string
	Facts []fact
}

// eventRow, requestRow, checkRow and logRow are what the history holds, as the page shows it.
type eventRow struct {
	At                      moment
	Subject, Became, Reason string
	Bad                     bool
}

type requestRow struct {
	At                            moment
	Operation, Host, Code, Detail string
	Took                          string
	Times                         int
}

type checkRow struct {
	At           moment
	Result, Took string
	Drift        int
	DriftIDs     string
	Bad          bool
}

type logRow struct {
	At                         moment
	Level, Message, Attributes string
}

// matrix is the catalogue by groups and flags.
type matrix struct {
	Known  bool
	Never  bool // has a list come
	Flags  []flagWords
	Rows   []matrixRow
	Total  int
	Folded int
}

type matrixRow struct {
	Group   string
	Entries int
	Flagged []int
}

type flagWords struct{ Name, Words string }

// statusTable is the list of status messages, those that changed last first.
type statusTable struct {
	Rows       []statusRow
	First      int // number of the first of Rows among those found
	Found, All int
	Problem    string
	search     statusSearch
}

type statusRow struct {
	ID, Text, Group, Flags string
	Changed                moment
}

// answerCount is a count of one class of answers, as the pages show it.
type answerCount struct {
	Class, Words string
	Text         string
	Bad          bool // worth a second look
	Zero         bool
}

// condition is how a server is, in words.
type condition struct {
	severity severity
	Words    string
	State    string // as in the metrics
}

// index is a page that lists what there is to read or to take.
type index struct {
	About   string
	Command string // what the last sentence of About names; empty for none
	Entries []indexEntry
}

type indexEntry struct {
	Link, Name, About string
	Mark              string // a severity
}
