package exporter_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"icws_exporter/exporter"
)

// Two names for one server are a mistake that shows only as sessions that end.
func TestServersThatEndEachOthersSessionsAreNamed(t *testing.T) {
	for want, entries := range map[string][]string{
		"": {
			"  - {name: a, hosts: [cic-1]}\n", "  - {name: b, hosts: [cic-2]}\n", "  - {name: c, hosts: [cic-1], user: another}\n",
			"  - {name: d, url: 'http://cic-1:8018'}\n", "  - {name: e, url: 'https://proxy/api/{host}', hosts: [cic-1]}\n",
			"  - {name: f, url: 'https://proxy/api/{host}', hosts: [cic-2]}\n",
		},
		`servers="1 (a + b)"`: {
			"  - {name: a, hosts: [cic-1, cic-2]}\n", "  - {name: b, hosts: [CIC-2, cic-1], user: DEMO}\n", "  - {name: c, hosts: [cic-3]}\n",
		},
		`servers="2 (a + b, c + d + e)"`: {
			"  - {name: d, hosts: [cic-2]}\n", "  - {name: c, hosts: [cic-2]}\n", "  - {name: e, hosts: [cic-2]}\n",
			"  - {name: b, url: 'https://cic-1:8019'}\n", "  - {name: a, hosts: [cic-1]}\n",
		},
	} {
		var log bytes.Buffer
		fleet, _ := newFleet(t, exporter.Options{
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
			Dial:   func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") },
		})
		v := configuration(t, "all", entries...)
		if err := exporter.NewReloader(fleet, nil).Start(v); err != nil {
			t.Fatal(err)
		}
		fleet.Close()
		if want != "" {
			wantLog(t, log.String(), want)
		}
		if n := strings.Count(log.String(), "the same user"); (n == 1) != (want != "") {
			t.Errorf("%d warnings, want %q:\n%s", n, want, log.String())
		}
	}
}
