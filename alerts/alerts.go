// Package alerts holds the Prometheus rules of icws_exporter, a runbook for each
// alert and an example of an Alertmanager configuration, as files and embedded.
package alerts

import (
	"embed"
	"path"
	"strings"
)

//go:embed icws.alerts.yaml icws.slo.yaml icws.users.yaml alertmanager.example.yaml runbooks/*.md
var files embed.FS

// RuleFiles are the names of the rule files, in the order in which to read them.
var RuleFiles = []string{"icws.alerts.yaml", "icws.slo.yaml", "icws.users.yaml"}

// Alertmanager is the name of the example of an Alertmanager configuration.
const Alertmanager = "alertmanager.example.yaml"

// Text returns an embedded file by its name: a rule file, Alertmanager, or
// runbooks/NAME.md. Any goroutine may call it.
func Text(name string) (text string, ok bool) {
	content, err := files.ReadFile(name)
	return string(content), err == nil
}

// Runbook returns the runbook of an alert, as Markdown. Any goroutine may call it.
func Runbook(alert string) (text string, ok bool) {
	return Text(path.Join("runbooks", alert+".md"))
}

// Runbooks returns the names of the alerts that have a runbook, sorted.
func Runbooks() []string {
	entries, _ := files.ReadDir("runbooks") // it is embedded
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".md")
	}
	return names
}

// Queries returns the PromQL queries of a runbook, in which $SERVER stands for the
// label server.
func Queries(runbook string) []string { return fenced(runbook, "promql") }

// Commands returns the shell commands of a runbook, which use the variables
// EXPORTER and SERVER.
func Commands(runbook string) []string { return fenced(runbook, "sh") }

// fenced returns the lines of the code blocks in a language.
func fenced(markdown, language string) (lines []string) {
	inside := false
	for line := range strings.Lines(markdown) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "```"+language:
			inside = true
		case line == "```":
			inside = false
		case inside:
			lines = append(lines, line)
		}
	}
	return lines
}
