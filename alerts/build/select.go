package build

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	beginsGroup = regexp.MustCompile(`(?m)^  - name: .*\n(?:    interval: .*\n)?    rules:\n`)
	beginsAlert = regexp.MustCompile(`(?m)^      - alert: (\S+)$`)
	severity    = regexp.MustCompile(`(?m)^(          severity: )(\S+)$`)
)

// AlertNames returns the names of the alerts of rule files, each once, in their order.
func AlertNames(texts ...string) (names []string) {
	for _, text := range texts {
		for _, m := range beginsAlert.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(names, m[1]) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

// checkNames returns an error that names an alert which does not exist.
func checkNames(flag string, wanted []string, texts []string) error {
	known := AlertNames(texts...)
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s: there is no alert %q; it is one of %s", flag, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// leaveOut removes alerts, and groups that have nothing left. Rules are separated by
// empty lines; what others are made of, a recorded series, stays.
func leaveOut(text string, names []string) string {
	if len(names) == 0 {
		return text
	}
	var kept []string
	headers := "" // of groups that have no rule yet
	for _, paragraph := range strings.SplitAfter(text, "\n\n") {
		m := beginsAlert.FindStringSubmatch(paragraph)
		if beginsGroup.MatchString(paragraph) {
			headers = "" // the group before has nothing left
		}
		if m == nil || !slices.Contains(names, m[1]) {
			kept = append(kept, headers+paragraph)
			headers = ""
			continue
		}
		if at := beginsGroup.FindStringIndex(paragraph); at != nil {
			header := paragraph[:at[1]]
			if before, _, first := strings.Cut(header, "groups:\n"); first {
				kept = append(kept, before+"groups:\n")
				header = header[len(before)+len("groups:\n"):]
			}
			headers = header
		}
	}
	return strings.TrimRight(strings.Join(kept, ""), "\n") + "\n"
}

// setPages makes alerts critical, and those that were and are not named, warnings.
func setPages(text string, pages []string) string {
	paragraphs := strings.SplitAfter(text, "\n\n")
	for i, paragraph := range paragraphs {
		m := beginsAlert.FindStringSubmatch(paragraph)
		switch {
		case m == nil:
		case slices.Contains(pages, m[1]):
			paragraphs[i] = severity.ReplaceAllString(paragraph, "${1}critical")
		default:
			paragraphs[i] = strings.Replace(paragraph, "          severity: critical\n", "          severity: warning\n", 1)
		}
	}
	return strings.Join(paragraphs, "")
}
