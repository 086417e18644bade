package build

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Threshold is a number in the expressions of a rule file that an operator may
// change. A comment on its line marks it:
//
//	… >= 3 # threshold NAME: what the number is
//
// It is the first number after the comparison. A name may mark several lines.
type Threshold struct {
	Name    string
	Value   string
	Meaning string
	Alerts  []string // those that use it
}

var (
	marked = regexp.MustCompile(`^(.*(?:==|!=|>=|<=|>|<) *)([0-9.]+)(.*# threshold ([a-z_0-9]+): (.*))$`)
	named  = regexp.MustCompile(`^ *- alert: (\w+)$`)
)

// Thresholds returns the thresholds of a rule file in their order.
func Thresholds(text string) []Threshold {
	var found []Threshold
	alert := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := named.FindStringSubmatch(line); m != nil {
			alert = m[1]
		}
		m := marked.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		i := slices.IndexFunc(found, func(t Threshold) bool { return t.Name == m[4] })
		if i < 0 {
			i = len(found)
			found = append(found, Threshold{Name: m[4], Value: m[2], Meaning: m[5]})
		}
		if !slices.Contains(found[i].Alerts, alert) {
			found[i].Alerts = append(found[i].Alerts, alert)
		}
	}
	return found
}

// setThresholds replaces the values of the thresholds that the text has; values
// for others are left to the caller.
func setThresholds(text string, values map[string]string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if m := marked.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			if value, ok := values[m[4]]; ok {
				line = m[1] + value + m[3] + "\n"
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// checkThresholds returns an error that names a threshold which does not exist, or
// whose value is not a number.
func checkThresholds(values map[string]string, texts []string) error {
	var known []string
	for _, text := range texts {
		for _, t := range Thresholds(text) {
			known = append(known, t.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("threshold %q is none of %s", name, strings.Join(known, ", "))
		}
		if !number.MatchString(values[name]) {
			return fmt.Errorf("threshold %s: %q is not a number from 0, such as 5 or 0.5", name, values[name])
		}
		if _, err := strconv.ParseFloat(values[name], 64); err != nil {
			return fmt.Errorf("threshold %s: %w", name, err)
		}
	}
	return nil
}

var number = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
