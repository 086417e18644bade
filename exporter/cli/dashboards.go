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

// Run writes the files and names them.
func (c dashboardsWriteCommand) Run(s *streams) error {
	u, err := url.Parse(c.RunbookURL)
	if c.RunbookURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usageError{fmt.Errorf("--runbook-url: %q is no URL like https://wiki.example.com/icws", c.RunbookURL)}
	}
	if _, err := regexp.Compile(c.Job); err != nil {
		return usageError{fmt.Errorf("--job: %w", err)}
	}
	settings := dashboards.Settings{Runbooks: strings.TrimRight(c.RunbookURL, "/"), Jobs: c.Job}
	var files []outputFile
	for _, d := range dashboards.All() {
		files = append(files, outputFile{d.Name + ".json", string(d.With(settings))})
	}
	return writeFiles(s, c.Dir, files)
}
