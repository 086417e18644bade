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

// booleans are the looks of 0 and 1.
func booleans(no, yes look) []look { return []look{no, yes} }

var (
	upLooks       = booleans(look{"down", "red"}, look{"up", "green"})
	deliversLooks = booleans(look{"lost", "red"}, look{"delivers", "green"})
	sessionLooks  = booleans(look{"none", "orange"}, look{"open", "green"})
	staleLooks    = booleans(look{"fresh", "green"}, look{"stale: withheld", "red"})
	activeLooks   = booleans(look{"standby", neutral}, look{"serves", "green"})
	goneLooks     = booleans(look{"used", "green"}, look{"410: left alone", "purple"})
	scrapedLooks  = booleans(look{"not scraped", "red"}, look{"yes", "green"})
	reloadLooks   = booleans(look{"refused", "red"}, look{"accepted", "green"})
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
		list = append(list, mapping{Type: "value", Options: results(looks)})
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

// results are the value mappings of texts.
func results(looks map[string]look) map[string]mappingResult {
	options := map[string]mappingResult{}
	for value, l := range looks {
		options[value] = mappingResult{Color: l.color, Text: l.text}
	}
	return options
}

// severities are the severities of the alerts, the worst first.
var severities = []struct {
	label string
	look
}{
	{"critical", look{"page", "red"}},
	{"warning", look{"ticket", "orange"}},
	{"info", look{"info", "blue"}},
}
