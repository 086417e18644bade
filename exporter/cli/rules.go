package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"icws_exporter/alerts"
	"icws_exporter/alerts/build"
)

type rulesCommand struct {
	List  rulesListCommand  `cmd:"" default:"1" help:"List the files and the thresholds (default)."`
	Print rulesPrintCommand `cmd:"" help:"Print the alerts and recording rules."`
	Write rulesWriteCommand `cmd:"" help:"Write the rules, the runbooks and an example for Alertmanager into a directory."`
}

// The forms of the rules.
const (
	formatRules    = "rules"
	formatManifest = "prometheus-rule"
)

// manifestName is that of the manifest and its object.
const manifestName = "icws-exporter"

// ruleFlags are how the rules should differ from those in the binary.
type ruleFlags struct {
	Format        string            `help:"rules for the rule files of Prometheus, or prometheus-rule for one manifest of the Prometheus operator. Default ${default}." enum:"rules,prometheus-rule" default:"rules" placeholder:"FORMAT"`
	Label         map[string]string `help:"Label to add to every alert; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	Threshold     map[string]string `help:"Threshold to change, one of those that rules list has; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	Without       []string          `help:"Alert to leave out; may be repeated." placeholder:"NAME" sep:"none"`
	Page          []string          `help:"Alert that is critical, so that it wakes somebody, instead of those that are; may be repeated. none: no alert is." placeholder:"NAME" sep:"none"`
	RunbookURL    string            `name:"runbook-url" help:"Where the runbooks are, instead of at the --web.external-url of an exporter: the alerts link to URL/ALERT.md." placeholder:"URL"`
	DashboardURL  string            `name:"dashboard-url" help:"Where Grafana is: the alerts link to URL/d/…" placeholder:"URL"`
	Job           string            `help:"Regular expression for the jobs that scrape the exporter, instead of icws.*" placeholder:"REGEX"`
	MetadataLabel map[string]string `name:"metadata-label" help:"Label of the manifest itself, by which a Prometheus of the operator selects it; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
}

// files returns the rules as the flags want them.
func (f ruleFlags) files() ([]outputFile, error) {
	if len(f.MetadataLabel) > 0 && f.Format != formatManifest {
		return nil, usageError{fmt.Errorf("--metadata-label: only a manifest has metadata, give --format=%s", formatManifest)}
	}
	var texts []string
	for _, name := range alerts.RuleFiles {
		text, _ := alerts.Text(name) // it is embedded
		texts = append(texts, text)
	}
	texts, err := build.Overrides{
		Labels: f.Label, Thresholds: f.Threshold,
		Without: f.Without, Pages: f.Page,
		RunbookURL: f.RunbookURL, DashboardURL: f.DashboardURL, Job: f.Job,
	}.Apply(texts...)
	if err != nil {
		return nil, usageError{err}
	}
	if f.Format == formatManifest {
		manifest, err := build.PrometheusRule(manifestName, f.MetadataLabel, texts...)
		if err != nil {
			return nil, usageError{err}
		}
		return []outputFile{{manifestName + ".yaml", manifest}}, nil
	}
	files := make([]outputFile, len(texts))
	for i, text := range texts {
		files[i] = outputFile{alerts.RuleFiles[i], text}
	}
	return files, nil
}

type rulesListCommand struct{}

// Run lists the files, and the thresholds with what they are.
func (rulesListCommand) Run(s *streams) error {
	lines := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, name := range append(alerts.RuleFiles[:len(alerts.RuleFiles):len(alerts.RuleFiles)], alerts.Alertmanager) {
		fmt.Fprintln(lines, name)
	}
	fmt.Fprintf(lines, "%d runbooks\n\nTHRESHOLD\tDEFAULT\tFROM\tTO\tMEANING\n", len(alerts.Runbooks()))
	for _, name := range alerts.RuleFiles {
		text, _ := alerts.Text(name) // it is embedded
		for _, t := range build.Thresholds(text) {
			fmt.Fprintf(lines, "%s\t%s\t%s\t%s\t%s: %s\n", t.Name, t.Value, t.Min, t.Max, strings.Join(t.UsedBy, ", "), t.Meaning)
		}
	}
	return printed(lines.Flush())
}

type rulesPrintCommand struct {
	ruleFlags
	File string `arg:"" optional:"" help:"One rule file, as rules list has it; without it all of them, as one."`
}

// Run prints one file, or all as one.
func (c rulesPrintCommand) Run(s *streams) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	var text string
	for i, f := range files {
		switch {
		case c.File == f.name:
			text = f.text
		case c.File == "" && i == 0:
			text = f.text
		case c.File == "":
			comment, groups, _ := strings.Cut(f.text, "\ngroups:\n")
			text += "\n" + comment + "\n" + groups
		}
	}
	if text == "" {
		return usageError{fmt.Errorf("no rule file is named %q: it is one of %s", c.File, strings.Join(alerts.RuleFiles, ", "))}
	}
	_, err = io.WriteString(s.out, text)
	return printed(err)
}

type rulesWriteCommand struct {
	ruleFlags
	Dir string `arg:"" help:"Directory to write to; made if it is not there. Files of the same names are replaced."`
}

// Run writes the files and names them.
func (c rulesWriteCommand) Run(s *streams) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	if c.Format == formatRules {
		example, _ := alerts.Text(alerts.Alertmanager) // it is embedded
		files = append(files, outputFile{alerts.Alertmanager, example})
	}
	for _, name := range alerts.Runbooks() {
		book, _ := alerts.Runbook(name)
		files = append(files, outputFile{filepath.Join("runbooks", name+".md"), book})
	}
	return writeFiles(s, c.Dir, files)
}
