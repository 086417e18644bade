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
			"  - {name: d, url: 'http://cic-4:8018'}\n", "  - {name: e, url: 'https://proxy/api/{host}', hosts: [cic-1]}\n",
			"  - {name: f, url: 'https://proxy/api/{host}', hosts: [cic-2]}\n",
		},
		`servers="1 (a + b)"`: {
			"  - {name: a, hosts: [cic-1, cic-2]}\n", "  - {name: b, hosts: [CIC-2, cic-1], user: DEMO}\n", "  - {name: c, hosts: [cic-3]}\n",
		},
		// the spellings of one place
		`servers="6 (a + b, c + d, e + f + g, h + i, k + l, m + n)"`: {
			"  - {name: a, url: 'https://CIC-1.'}\n", "  - {name: b, url: 'https://cic-1:443/'}\n",
			"  - {name: c, url: 'http://cic-1:80'}\n", "  - {name: d, url: 'http://cic-1'}\n",
			"  - {name: e, url: 'https://[::ffff:10.0.0.7]:8019'}\n", "  - {name: f, hosts: ['10.0.0.7']}\n", "  - {name: g, url: 'http://10.0.0.7:8018'}\n",
			"  - {name: h, url: 'https://[2001:DB8::7]:1'}\n", "  - {name: i, url: 'https://[2001:db8:0:0:0:0:0:7]:1'}\n",
			"  - {name: k, url: 'https://proxy/api/{host}/', hosts: [cic-1]}\n", "  - {name: l, url: 'https://proxy:443/API/{host}', hosts: [CIC-1]}\n",
			"  - {name: m, hosts: [localhost]}\n", "  - {name: n, hosts: ['127.0.0.1']}\n",
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
