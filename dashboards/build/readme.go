package main

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
	"text/template"
)

//go:embed README.md.tmpl
var readmeText string

var readmeTemplate = template.Must(template.New("README.md").Funcs(template.FuncMap{
	"cell": func(s string) string { return strings.ReplaceAll(s, "|", `\|`) },
}).Parse(readmeText))

func readme() ([]byte, error) {
	var text bytes.Buffer
	err := readmeTemplate.Execute(&text, struct {
		Dashboards []dashboard
		Target     float64
	}{all(), availabilityTarget * 100})
	return text.Bytes(), err
}

// Quiet are the reasons why parts of the panel show nothing, for the README.
func (p *panel) Quiet() []string {
	var reasons []string
	if p.Targets[0].optIn {
		reasons = append(reasons, p.FieldConfig.Defaults.NoValue)
	}
	for _, t := range p.Targets {
		if t.quiet != "" && !slices.Contains(reasons, t.quiet) {
			reasons = append(reasons, t.quiet)
		}
	}
	return reasons
}

// Everything are the panels, for the README.
func (d dashboard) Everything() []*panel { return d.everyPanel() }

// Marks are the names of the annotations, for the README.
func (d dashboard) Marks() []string {
	var names []string
	for _, a := range d.Annotations.List[1:] {
		names = append(names, strings.ToLower(a.Name))
	}
	return names
}
