package main

import (
	"fmt"
	"maps"
	"strconv"

	"icws_exporter/exporter/collect"
)

// look is how a value is shown. The same colour means the same everywhere: green
// works, blue is on its way, yellow waits, orange needs a look, red is broken,
// purple is held until somebody acts.
type look struct{ text, color string }

// neutral is the colour of what is neither good nor bad: grey, on a light and on a
// dark background.
const neutral = "#808080"

// The looks of 0 and 1.
var (
	upLooks       = []look{{"down", "red"}, {"up", "green"}}
	deliversLooks = []look{{"lost", "red"}, {"delivers", "green"}}
	sessionLooks  = []look{{"none", "orange"}, {"open", "green"}}
	staleLooks    = []look{{"fresh", "green"}, {"stale: withheld", "red"}}
	activeLooks   = []look{{"standby", neutral}, {"serves", "green"}}
)

// stateLooks are how the states of the state sets are shown.
var stateLooks = map[*collect.Family]map[string]look{
	collect.MetricProbeState: {
		"connecting":        {"connecting", "blue"},
		"subscribing":       {"subscribing", "light-blue"},
		"live":              {"live", "green"},
		"backoff":           {"backoff: failed, waits", "yellow"},
		"breaker_open":      {"breaker open: spares server", "red"},
		"auth_hold":         {"hold: log-on refused", "dark-purple"},
		"unauthorized_hold": {"hold: sessions refused", "super-light-purple"},
		"displaced_hold":    {"hold: other log-on", "purple"},
		"gone_hold":         {"hold: 410 gone", "light-purple"},
	},
	collect.MetricDownReason: {
		"starting":       {"starting", "blue"},
		"network":        {"network", "red"},
		"tls":            {"TLS", "dark-red"},
		"dns":            {"DNS", "light-red"},
		"refused_log_on": {"log-on refused", "dark-purple"},
		"unauthorized":   {"sessions refused", "purple"},
		"displaced":      {"other log-on", "light-purple"},
		"gone":           {"410 gone", "super-light-purple"},
		"server_error":   {"server error", "orange"},
		"not_delivering": {"delivers nothing", "dark-orange"},
		"stale":          {"stale", "yellow"},
		"protocol":       {"not ICWS", "light-orange"},
		"too_large":      {"too large", "dark-yellow"},
	},
	collect.MetricBreakerState: {
		"closed":    {"closed", "green"},
		"half_open": {"half open: tries", "yellow"},
		"open":      {"open", "red"},
	},
	collect.MetricSubscriptionState: {
		"none":      {"not told", neutral},
		"normal":    {"normal", "green"},
		"suspended": {"suspended", "orange"},
		"faulted":   {"faulted", "red"},
	},
	collect.MetricTransport: {
		"sse":  {"event stream", "green"},
		"poll": {"polling", "blue"},
	},
	collect.MetricSwitchoverBackupState: {
		"active":                {"active", "green"},
		"upgrade_lower":         {"lower version", "yellow"},
		"upgrade_higher":        {"higher version", "yellow"},
		"upgrade_higher_manual": {"higher version, manual", "orange"},
	},
}

// looksOf returns the looks of a state set in the order of its values.
func looksOf(set *collect.Family) []look {
	var looks []look
	for _, state := range set.Labels[0].Values {
		l, ok := stateLooks[set][state]
		if !ok {
			panic(fmt.Sprintf("looks.go: no look for %s of %s", state, set.Name))
		}
		looks = append(looks, l)
	}
	return looks
}

// numbered are the looks of the numbers from a first one on.
func numbered(first int, looks []look) map[string]look {
	named := map[string]look{}
	for i, l := range looks {
		named[strconv.Itoa(first+i)] = l
	}
	return named
}

// together are all of the looks.
func together(some ...map[string]look) map[string]look {
	all := map[string]look{}
	for _, looks := range some {
		maps.Copy(all, looks)
	}
	return all
}

// mappings give values their words and colours. Nothing, and what is no number, is
// a dash, in the colour of text on the panel's own background.
func mappings(looks map[string]look) []mapping {
	list := []mapping{nothing(transparent)}
	if len(looks) > 0 {
		options := map[string]mappingResult{}
		for value, l := range looks {
			options[value] = mappingResult{Color: l.color, Text: l.text}
		}
		list = append(list, mapping{Type: "value", Options: options})
	}
	return list
}

// transparent is the background of what says nothing; Grafana writes on it in the
// colour of text.
const transparent = "transparent"

// nothing is the mapping of null and of NaN.
func nothing(color string) mapping {
	return mapping{Type: "special", Options: special{"null+nan", mappingResult{Color: color, Text: "–"}}}
}

// inWords is the mapping of a number to words.
func inWords(number, text string) mapping {
	return mapping{Type: "value", Options: map[string]mappingResult{number: {Color: "text", Text: text}}}
}

// severities are the severities of the alerts, the worst first, and their looks.
var (
	severities    = []string{"critical", "warning", "info"}
	severityLooks = []look{{"page", "red"}, {"ticket", "orange"}, {"info", "blue"}}
)

// flags are the names of the nine flags as there is room for them.
var flags = []shortName{
	{"isAcdStatus", "ACD", "green"},
	{"isSelectableStatus", "Selectable", "blue"},
	{"isAfterCallWorkStatus", "After call", "orange"},
	{"isAllowFollowUpStatus", "Follow-up", "dark-yellow"},
	{"isDoNotDisturbStatus", "DND", "red"},
	{"isForwardStatus", "Forward", "purple"},
	{"isPersistentStatus", "Persistent", "dark-blue"},
	{"canHaveDate", "Date", "dark-green"},
	{"canHaveTime", "Time", "dark-orange"},
}

// groupColors are those of the groups of a plain PureConnect server; others get one
// by their name.
var groupColors = []string{
	"Available", "green", "Break", "dark-yellow", "Follow Up", "orange", "Training", "purple", "Unavailable", "red",
	`\(none\)`, "text", `\(other\)`, neutral,
}
