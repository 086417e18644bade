package cli

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"icws_exporter/dashboards"
)

type dashboardsCommand struct {
	Write dashboardsWriteCommand `cmd:"" help:"Write all dashboards into a directory."`
}

type dashboardsWriteCommand struct {
	RunbookURL string `name:"runbook-url" help:"Where the runbooks are, instead of on the exporter: the links lead to URL/ALERT.md." placeholder:"URL"`
	Job        string `help:"Regular expression for the jobs that scrape the exporter, instead of icws.*" placeholder:"REGEX"`
	Dir        string `arg:"" help:"Directory to write to; made if it is not there. Files of the same names are replaced."`
}

// content returns the dashboard as the flags want it.
func (c dashboardsWriteCommand) content(d dashboards.Dashboard) ([]byte, error) {
	if c.RunbookURL == "" && c.Job == "" {
		return d.JSON, nil
	}
	u, err := url.Parse(c.RunbookURL)
	if c.RunbookURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, usageError{fmt.Errorf("--runbook-url: %q is no URL like https://wiki.example.com/icws", c.RunbookURL)}
	}
	if _, err := regexp.Compile(c.Job); err != nil {
		return nil, usageError{fmt.Errorf("--job: %w", err)}
	}
	return d.With(dashboards.Settings{Runbooks: strings.TrimRight(c.RunbookURL, "/"), Jobs: c.Job})
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
