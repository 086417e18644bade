package cli

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"text/tabwriter"

	"icws_exporter/dashboards"
)

type dashboardsCommand struct {
	List  dashboardsListCommand  `cmd:"" default:"1" help:"List the dashboards (default)."`
	Print dashboardsPrintCommand `cmd:"" help:"Print one dashboard, for the import of Grafana."`
	Write dashboardsWriteCommand `cmd:"" help:"Write all dashboards into a directory."`
}

// dashboardFlags say where the runbooks are that the dashboards link to, and the jobs
// whose servers they show.
type dashboardFlags struct {
	RunbookURL string `name:"runbook-url" help:"Where the runbooks are, instead of on the exporter: the links lead to URL/ALERT.md." placeholder:"URL"`
	Job        string `help:"Regular expression for the jobs that scrape the exporter, instead of icws.*" placeholder:"REGEX"`
}

// content returns the dashboard as the flags want it.
func (f dashboardFlags) content(d dashboards.Dashboard) ([]byte, error) {
	if f.RunbookURL == "" && f.Job == "" {
		return d.JSON, nil
	}
	u, err := url.Parse(f.RunbookURL)
	if f.RunbookURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, usageError{fmt.Errorf("--runbook-url: %q is no URL like https://wiki.example.com/icws", f.RunbookURL)}
	}
	if _, err := regexp.Compile(f.Job); err != nil {
		return nil, usageError{fmt.Errorf("--job: %w", err)}
	}
	return d.With(dashboards.Settings{Runbooks: strings.TrimRight(f.RunbookURL, "/"), Jobs: f.Job})
}

type dashboardsListCommand struct{}

// Run lists names and titles.
func (dashboardsListCommand) Run(s *streams) error {
	lines := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, d := range dashboards.All() {
		fmt.Fprintf(lines, "%s\t%s\t%s\n", d.Name, d.Title, d.Description)
	}
	return printed(lines.Flush())
}

type dashboardsPrintCommand struct {
	dashboardFlags
	Name string `arg:"" help:"Name of the dashboard, as dashboards list has it."`
}

// Run prints the dashboard of the name.
func (c dashboardsPrintCommand) Run(s *streams) error {
	var names []string
	for _, d := range dashboards.All() {
		names = append(names, d.Name)
		if d.Name != c.Name {
			continue
		}
		content, err := c.content(d)
		if err != nil {
			return err
		}
		_, err = s.out.Write(content)
		return printed(err)
	}
	return usageError{fmt.Errorf("no dashboard is named %q: it is one of %s", c.Name, strings.Join(names, ", "))}
}

type dashboardsWriteCommand struct {
	dashboardFlags
	Dir string `arg:"" help:"Directory to write to; made if it is not there. Files of the same names are replaced."`
}

// Run writes the files and names them.
func (c dashboardsWriteCommand) Run(s *streams) error {
	var files []outputFile
	for _, d := range dashboards.All() {
		content, err := c.content(d)
		if err != nil {
			return err
		}
		files = append(files, outputFile{d.Name + ".json", string(content)})
	}
	return writeFiles(s, c.Dir, files)
}
