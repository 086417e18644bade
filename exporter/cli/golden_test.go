package cli

import (
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/probe/icwssim"
)

var update = flag.Bool("update", false, "write the golden exposition anew")

// settled are the families whose values do not depend on the transport, the
// scheme or the moment, once a server without life is live.
var settled = regexp.MustCompile(`^(?:# (?:HELP|TYPE) )?icws_(?:up|probe_state|session_up|session_opens_total|session_open_failures_total|` +
	`session_closes_total|subscription_up|subscription_losses_total|breaker_state|breaker_transitions_total|` +
	`statuses|statuses_flagged|catalogue_(?:entries|groups|hash|stale|changes_total|drift_total|anomalies_total)|` +
	`error_responses_total|switchovers_total|message_decode_failures_total)[ {]`)

// The same server serves the same exposition, whichever way it is watched.
func TestExpositionIsTheSameOverEveryTransport(t *testing.T) {
	const golden = "testdata/settled.prom"
	for _, messaging := range []int{1, 2} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("messaging %d, tls %t", messaging, secure), func(t *testing.T) {
				got := settledExposition(t, secure, icwssim.Options{MessagingVersion: messaging})
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("not %s:\n%s", golden, got)
				}
			})
		}
	}
}

func settledExposition(t *testing.T, secure bool, o icwssim.Options) string {
	_, server := simulated(t, secure, o)
	config := fmt.Sprintf("servers:\n  - {name: chicago, url: '%s', user: svc-prom, password_file: '%s'",
		server.URL, writeFile(t, "pw", testPassword))
	if secure {
		certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		config += fmt.Sprintf(", http: {tls_config: {ca_file: '%s'}}", filepath.ToSlash(writeFile(t, "ca.pem", string(certificate))))
	}
	p := start(t, nil, "serve", "--config.file="+writeFile(t, "icws.yaml", config+"}\n"), "--web.listen-address=127.0.0.1:0")
	page := pagesOf(t, p, 1)[0]
	eventually(t, "live", func() bool { return scrape(t, page)[`icws_up{server="chicago",site=""}`] == 1 })
	var lines []string
	for line := range strings.Lines(get(t, page+"/metrics")) {
		if settled.MatchString(line) {
			lines = append(lines, line)
		}
	}
	p.end(t, syscall.SIGTERM)
	return strings.Join(lines, "")
}
