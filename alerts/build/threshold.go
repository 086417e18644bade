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
// change. A comment on its line marks it, with the least and the greatest value that
// make sense:
//
//	… >= 3 # threshold NAME 1..1000: what the number is
//
// It is the first number after the comparison, or after the division of a line that
// compares nothing. A name may mark several lines.
type Threshold struct {
	Name     string
	Value    string
	Min, Max string
	Meaning  string
	UsedBy   []string // alerts, and recorded series
}

var (
	marked = regexp.MustCompile(`^(.*(==|!=|>=|<=|>|<|/) *)([0-9.]+)(.*# threshold ([a-z_0-9]+) ([0-9.]+?)\.\.([0-9.]+): (.*))$`)
	named  = regexp.MustCompile(`^ *- (?:alert|record): (\S+)$`)
)

// Thresholds returns the thresholds of a rule file in their order.
func Thresholds(text string) []Threshold {
	var found []Threshold
	rule := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := named.FindStringSubmatch(line); m != nil {
			rule = m[1]
		}
		m := marked.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		i := slices.IndexFunc(found, func(t Threshold) bool { return t.Name == m[5] })
		if i < 0 {
			i = len(found)
			found = append(found, Threshold{Name: m[5], Value: m[3], Min: m[6], Max: m[7], Meaning: m[8]})
		}
		if !slices.Contains(found[i].UsedBy, rule) {
			found[i].UsedBy = append(found[i].UsedBy, rule)
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
			if value, ok := values[m[5]]; ok {
				line = m[1] + value + m[4] + "\n"
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// checkThresholds returns an error that names a threshold which does not exist, or
// whose value is no number or one with which an alert always or never fires.
func checkThresholds(values map[string]string, texts []string) error {
	var known []Threshold
	for _, text := range texts {
		known = append(known, Thresholds(text)...)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(known, func(t Threshold) bool { return t.Name == name })
		if i < 0 {
			return fmt.Errorf("threshold %q is none of %s", name, strings.Join(thresholdNames(known), ", "))
		}
		value, err := strconv.ParseFloat(values[name], 64)
		if err != nil || !number.MatchString(values[name]) {
			return fmt.Errorf("threshold %s: %q is not a number such as 5 or 0.5", name, values[name])
		}
		least, _ := strconv.ParseFloat(known[i].Min, 64) // the pattern lets only numbers through
		most, _ := strconv.ParseFloat(known[i].Max, 64)
		if value < least || value > most {
			return fmt.Errorf("threshold %s: with %s an alert would always or never fire; it must be from %s to %s",
				name, values[name], known[i].Min, known[i].Max)
		}
	}
	return nil
}

func thresholdNames(known []Threshold) (names []string) {
	for _, t := range known {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

var number = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
