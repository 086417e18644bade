package cli

import (
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"icws_exporter/exporter/service"
)

// eventLog notes the events it is given.
type eventLog struct{ events []string }

func (l *eventLog) Warning(_ uint32, text string) error {
	l.events = append(l.events, "warning: "+text)
	return nil
}

func (l *eventLog) Error(_ uint32, text string) error {
	l.events = append(l.events, "error: "+text)
	return nil
}

func TestTheEventLogGetsWarningsAndErrors(t *testing.T) {
	var log eventLog
	events := newServiceEvents(&log)
	s := &streams{log: io.Discard, logging: &logFlags{Level: "debug", Format: "json"}, events: events}
	logger := slog.New(s.handler())
	logger.Info("live", "server", "a")
	logger.With("server", "a").Warn("backoff", "reason", "two\nlines")
	logger.Error("configuration not reloaded")
	events.close()
	events.failed(errors.New("icws.yaml:3:1: servers[0].user: missing"))
	want := []string{
		`warning: level=WARN msg=backoff server=a reason="two\nlines"`,
		`error: level=ERROR msg="configuration not reloaded"`,
		`error: icws.yaml:3:1: servers[0].user: missing`,
	}
	if !slices.Equal(log.events, want) {
		t.Errorf("got  %q\nwant %q", log.events, want)
	}
	(*serviceEvents)(nil).failed(errors.New("not in a service"))
}

func TestAServiceIsInstalledWithAbsolutePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	c := serviceInstall{serviceName: serviceName{"icws_b"}, ConfigFile: "icws.yaml", More: []string{"--web.listen-address=:10019"}}
	d, err := c.definition(&logFlags{Level: "info", Format: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "icws_b" || d.Account != `NT SERVICE\icws_b` || !filepath.IsAbs(d.Executable) || !slices.Contains(d.Arguments, service.Mark) {
		t.Errorf("got %+v", d)
	}
	for _, flag := range []string{"--config.file=", "--log.file="} {
		i := slices.IndexFunc(d.Arguments, func(a string) bool { return strings.HasPrefix(a, flag) })
		if i < 0 || !filepath.IsAbs(strings.TrimPrefix(d.Arguments[i], flag)) {
			t.Errorf("%s is not absolute in %q", flag, d.Arguments)
		}
	}
}
