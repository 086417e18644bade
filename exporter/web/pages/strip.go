package pages

import (
	"fmt"
	"html/template"
	"strings"

	"icws_exporter/probe"
)

// strip is a picture of the last hour of a server, a column for each minute: low
// while it was live, of half the height on its way up, of the whole height while it
// was down. It needs no script and no style of its own.
func strip(states probe.StatesOfLastHour) template.HTML {
	var columns strings.Builder
	minutes := map[string]int{}
	for from := 0; from < len(states); {
		kind := kindOfMinute(states[from])
		to := from
		for to < len(states) && kindOfMinute(states[to]) == kind {
			to++
		}
		minutes[kind] += to - from
		if height := map[string]int{"up": 4, "between": 8, "down": 12}[kind]; height > 0 {
			fmt.Fprintf(&columns, `<rect class="is-%s" x="%d" y="%d" width="%d" height="%d"/>`, kind, from, 12-height, to-from, height)
		}
		from = to
	}
	words := stripWords(minutes)
	return template.HTML(fmt.Sprintf(
		`<svg class="strip" viewBox="0 0 60 12" preserveAspectRatio="none" role="img" aria-label="%s"><title>%s</title>%s</svg>`, words, words, columns.String()))
}

func kindOfMinute(m probe.MinuteState) string {
	if !m.Known {
		return ""
	}
	return condition{severity: stateWords[m.State].severity}.Kind()
}

// stripWords say the same as the picture. A minute has the worst of its states, which
// may have lasted a second.
func stripWords(minutes map[string]int) string {
	var parts []string
	for _, kind := range []struct{ name, words string }{{"up", "%s live"}, {"between", "on its way up in all or part of %s"}, {"down", "down in all or part of %s"}} {
		if n := minutes[kind.name]; n > 0 {
			parts = append(parts, fmt.Sprintf(kind.words, count(n, "minute")))
		}
	}
	if len(parts) == 0 {
		return "Last hour: nothing is known yet"
	}
	return "Last hour: " + strings.Join(parts, ", ")
}
