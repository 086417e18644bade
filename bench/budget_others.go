package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"icws_exporter/probe/icwssim"
)

// jsonExporterModules reads the status list as json_exporter can: with nine flags
// per status, and with one value per status, the least that tells of each.
const jsonExporterModules = `modules:
  nine_flags:
    metrics:
    - name: icws_status
      type: object
      path: '{ .statusMessageList[*] }'
      labels: {status_id: '{ .statusId }'}
      values:
        canHaveDate: '{ .canHaveDate }'
        canHaveTime: '{ .canHaveTime }'
        isDoNotDisturbStatus: '{ .isDoNotDisturbStatus }'
        isSelectableStatus: '{ .isSelectableStatus }'
        isPersistentStatus: '{ .isPersistentStatus }'
        isForwardStatus: '{ .isForwardStatus }'
        isAfterCallWorkStatus: '{ .isAfterCallWorkStatus }'
        isAcdStatus: '{ .isAcdStatus }'
        isAllowFollowUpStatus: '{ .isAllowFollowUpStatus }'
  one_value:
    metrics:
    - name: icws_status
      type: object
      path: '{ .statusMessageList[*] }'
      labels: {status_id: '{ .statusId }'}
      values: {isAcdStatus: '{ .isAcdStatus }'}
`

const blackboxExporterModules = `modules:
  statuses:
    prober: http
    http:
      preferred_ip_protocol: ip4
      fail_if_body_not_matches_regexp: ['"isAcdStatus":true']
`

// document is the status list of a server (protocol.md, 4), for programs that
// cannot log on.
func document(statuses int) []byte {
	text, err := json.Marshal(map[string]any{"statusMessageList": icwssim.Catalogue(statuses, 1)})
	if err != nil {
		panic(err) // it is made of strings and booleans
	}
	return text
}

// other is a program that users would run instead.
type other struct {
	*process
	url string
}

// startOther starts an exporter of the Prometheus project with its modules.
func (b *bench) startOther(program, modules string) (*other, error) {
	file := filepath.Join(b.dir, filepath.Base(program)+".yml")
	if err := os.WriteFile(file, []byte(modules), 0o600); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p, err := start(program, "--config.file="+file, "--web.listen-address="+address, "--log.level=error")
	if err != nil {
		return nil, err
	}
	o := &other{p, "http://" + address}
	if err := p.waitFor("ready", 30*time.Second, func() bool { return get(o.url+"/metrics") == nil }); err != nil {
		p.stop()
		return nil, err
	}
	return o, nil
}

// probing is the contestant that has the program read the document at target once
// per scrape. It fails when the answer does not have what is wanted: nothing is as
// cheap as an error.
func (o *other) probing(name, module, target, wanted string, n int) (contestant, *scraper) {
	query := url.Values{"module": {module}, "target": {target}}
	s := newScraper(o.url + "/probe?" + query.Encode())
	return contestant{name, func(n int) (time.Duration, error) {
		return o.during(func() error {
			for range n {
				page, err := s.scrape()
				if err != nil {
					return err
				}
				if !strings.Contains(string(page), wanted) {
					return fmt.Errorf("%q is not in the answer: %s", wanted, tail(string(page)))
				}
			}
			return nil
		})
	}, n}, s
}

// comparison is one size at which all programs are compared.
type comparison struct {
	statuses, scrapes int     // of ours per round
	others            int     // of the others per round
	nineFlags         float64 // budgets, as parts of the other program's CPU
	blackbox          float64
}

// measureOthers shows budgets 2 and 3: our scrape beside one of the programs that
// users would run instead, of a server with as many statuses.
func measureOthers(b *bench) error {
	if b.JSONExporter == "" && b.BlackboxExporter == "" {
		fmt.Fprintln(os.Stderr, "budgets 2 and 3 need --json-exporter and --blackbox-exporter: left out")
		return nil
	}
	for _, c := range []comparison{
		{50, 3000, 20, 1. / 200, 1. / 12}, {1000, 3000, 3, 1. / 5000, none}, {10_000, 3000, 1, 1. / 30_000, 1. / 80},
	} {
		if err := b.compare(c); err != nil {
			return fmt.Errorf("%d statuses: %w", c.statuses, err)
		}
	}
	return nil
}

func (b *bench) compare(c comparison) error {
	text := document(c.statuses)
	list := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.inin.icws+JSON")
		_, _ = w.Write(text)
	}))
	defer list.Close()
	s, err := b.open(siteOptions{servers: 1, statuses: c.statuses, settings: quiet})
	if err != nil {
		return err
	}
	defer s.close()
	if err := b.compareWithJSON(c, s, list.URL); err != nil {
		return err
	}
	return b.compareWithBlackbox(c, s, list.URL)
}

func (b *bench) compareWithJSON(c comparison, s *site, list string) error {
	if b.JSONExporter == "" {
		return nil
	}
	ours, err := b.watching(s, "")
	if err != nil {
		return err
	}
	defer ours.stop()
	theirs, err := b.startOther(b.JSONExporter, jsonExporterModules)
	if err != nil {
		return err
	}
	defer theirs.stop()
	page := newScraper(ours.url + "/metrics")
	defer page.close()
	nine, nineScraper := theirs.probing("json_exporter, nine flags", "nine_flags", list, "icws_status_isAcdStatus{", c.others)
	defer nineScraper.close()
	r, err := contest(b.slowRounds(c), scraped("ours", ours.process, page, c.scrapes), nine)
	if err != nil {
		return err
	}
	at := fmt.Sprintf("N=%d", c.statuses)
	b.add(2, "default scrape, "+at+", CPU", micros(r.of(0)), none, "µs")
	b.add(2, "json_exporter, nine flags per status, "+at+", CPU", micros(r.of(1)), none, "µs")
	b.add(2, "ours in json_exporter's, "+at, r.ratio(0, 1), c.nineFlags, "×")
	if c.statuses < 10_000 {
		return nil
	}
	return b.likeForLike(c, s, theirs, list)
}

// likeForLike compares one series per status with one series per status.
func (b *bench) likeForLike(c comparison, s *site, theirs *other, list string) error {
	ours, err := b.watching(s, fmt.Sprintf("limits: {statuses: %d}", c.statuses), "--metrics.status-series")
	if err != nil {
		return err
	}
	defer ours.stop()
	page := newScraper(ours.url + "/metrics?name[]=icws_status_info")
	defer page.close()
	if err := page.eventually("icws_status_info{", time.Minute, func(v float64) bool { return v == 1 }); err != nil {
		return err
	}
	one, oneScraper := theirs.probing("json_exporter, one value", "one_value", list, "icws_status_isAcdStatus{", c.others)
	defer oneScraper.close()
	r, err := contest(b.slowRounds(c), scraped("ours, one series per status", ours.process, page, 20), one)
	if err != nil {
		return err
	}
	b.add(2, "icws_status_info, a series per status (opt-in), N=10000, CPU", micros(r.of(0)), none, "µs")
	b.add(2, "json_exporter, one value per status, N=10000, CPU", micros(r.of(1)), none, "µs")
	b.add(2, "ours in json_exporter's, one series per status each", r.ratio(0, 1), 1./50, "×")
	return nil
}

func (b *bench) compareWithBlackbox(c comparison, s *site, list string) error {
	if b.BlackboxExporter == "" || c.blackbox == none {
		return nil
	}
	ours, err := b.watching(s, "")
	if err != nil {
		return err
	}
	defer ours.stop()
	theirs, err := b.startOther(b.BlackboxExporter, blackboxExporterModules)
	if err != nil {
		return err
	}
	defer theirs.stop()
	page := newScraper(ours.url + "/metrics")
	defer page.close()
	probe, probeScraper := theirs.probing("blackbox_exporter", "statuses", list, "probe_success 1", 50)
	defer probeScraper.close()
	r, err := contest(b.Rounds, scraped("ours", ours.process, page, c.scrapes), probe)
	if err != nil {
		return err
	}
	at := fmt.Sprintf("N=%d", c.statuses)
	b.add(3, "blackbox_exporter, body regexp, "+at+", CPU", micros(r.of(1)), none, "µs")
	b.add(3, "ours in blackbox_exporter's, "+at, r.ratio(0, 1), c.blackbox, "×")
	return nil
}

// slowRounds bounds the rounds of what takes seconds each.
func (b *bench) slowRounds(c comparison) int {
	if c.statuses >= 10_000 {
		return min(b.Rounds, 3)
	}
	return b.Rounds
}
