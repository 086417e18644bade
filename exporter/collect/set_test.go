package collect

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

func TestCountersBelongToTheName(t *testing.T) {
	s := newTestSet(Options{})
	s.Add("chicago", "us").SessionOpening()
	s.Add("chicago", "eu").SessionOpening()
	page := exposition(t, s, Text)
	hasLines(t, page,
		`icws_session_opens_total{server="chicago"} 2`,
		`icws_server_info{product="",release="",server="chicago",site="eu"} 1`)

	s.Remove("chicago")
	s.Remove("unknown")
	if page := exposition(t, s, Text); strings.Contains(page, "chicago") {
		t.Error("series of a removed server are exposed")
	}
	s.Add("chicago", "eu")
	hasLines(t, exposition(t, s, Text), `icws_session_opens_total{server="chicago"} 0`)
}

// A reload adds servers while Prometheus scrapes: no scrape may meet one that is
// not whole.
func TestAServerIsWholeOnceItIsThere(t *testing.T) {
	s := newTestSet(Options{})
	var reloads sync.WaitGroup
	var over atomic.Bool
	reloads.Go(func() {
		defer over.Store(true)
		for range 6_000 {
			s.Add("chicago", "us")
			s.Remove("chicago")
		}
	})
	defer reloads.Wait()
	for !over.Load() {
		for _, m := range *s.servers.Load() {
			if m.site.Load() == nil {
				t.Fatal("a scrape can see a server that has no site yet")
			}
		}
	}
}

func TestServersComeInOrderOfName(t *testing.T) {
	s := newTestSet(Options{})
	for _, name := range []string{"lab", "berlin", "chicago"} {
		s.Add(name, "")
	}
	page := exposition(t, s, Text)
	const want = "icws_up{server=\"berlin\",site=\"\"} 0\nicws_up{server=\"chicago\",site=\"\"} 0\nicws_up{server=\"lab\",site=\"\"} 0\n"
	if !strings.Contains(page, want) {
		t.Errorf("the page does not have the servers in this order: %s", want)
	}
}

// Two servers with one label value would make Prometheus refuse the whole scrape.
func TestNamesWithOneLabelValueAreOneServer(t *testing.T) {
	s := newTestSet(Options{})
	if s.Add("a\xff", "") != s.Add("a\xfe", "") {
		t.Error("want one server for names that are the same label value")
	}
	hasLines(t, exposition(t, s, Text), "icws_up{server=\"a\uFFFD\",site=\"\"} 0")
}

func TestWatch(t *testing.T) {
	s := newTestSet(Options{})
	m := s.Add("chicago", "")
	m.Watch(&published{snapshot: live()})
	hasLines(t, exposition(t, s, Text), `icws_up{server="chicago",site=""} 1`, `icws_exporter_servers{state="live"} 1`)
	m.Watch(nil)
	hasLines(t, exposition(t, s, Text), `icws_up{server="chicago",site=""} 0`, `icws_exporter_servers{state="connecting"} 1`)
}

// A loop that hangs publishes nothing any more: the clock alone must withhold
// what it said.
func TestCatalogueTurnsStaleByTheClock(t *testing.T) {
	now := noon
	s := newTestSet(Options{StatusSeries: true, Now: func() time.Time { return now }})
	p := &published{snapshot: live(), statuses: []catalogue.Entry{{ID: "Available"}}}
	s.Add("chicago", "").Watch(p)
	counts := []string{
		"icws_catalogue_entries", "icws_statuses", "icws_statuses_flagged", "icws_catalogue_groups",
		"icws_catalogue_hash", "icws_status_info", "icws_status_flag",
	}

	now = p.snapshot.FreshUntil.Add(-time.Nanosecond)
	page := exposition(t, s, Text)
	hasLines(t, page, `icws_up{server="chicago",site=""} 1`, `icws_catalogue_stale{server="chicago"} 0`)
	for _, f := range counts {
		if !strings.Contains(page, "\n"+f+"{") {
			t.Errorf("%s is missing while the catalogue is fresh", f)
		}
	}

	now = p.snapshot.FreshUntil
	page = exposition(t, s, Text)
	hasLines(t, page, `icws_up{server="chicago",site=""} 0`, `icws_catalogue_stale{server="chicago"} 1`)
	hasNo(t, page, counts...)
}

// A timestamp of 0 would be 1970 to an alert on age.
func TestWhatNeverHappenedIsAbsent(t *testing.T) {
	s := newTestSet(Options{})
	s.Add("chicago", "").Watch(&published{snapshot: probe.Snapshot{Hosts: []probe.Host{{Name: "cic-a"}}}})
	page := exposition(t, s, Text)
	hasNo(t, page,
		"icws_session_established_timestamp_seconds", "icws_subscription_established_timestamp_seconds",
		"icws_subscription_last_contact_timestamp_seconds", "icws_subscription_last_message_timestamp_seconds",
		"icws_catalogue_last_verified_timestamp_seconds", "icws_catalogue_last_full_timestamp_seconds",
		"icws_catalogue_last_change_timestamp_seconds", "icws_password_expiry_timestamp_seconds",
		"icws_tls_certificate_not_after_timestamp_seconds", "icws_server_clock_offset_seconds",
		"icws_switchover_active", "icws_switchover_backup_state", "icws_host_up",
		"icws_exporter_config_last_reload_successful", "icws_exporter_config_hash",
		"icws_exporter_config_last_reload_success_timestamp_seconds", "icws_exporter_web_config_last_reload_successful",
	)
	hasLines(t, page,
		`icws_next_attempt_timestamp_seconds{server="chicago"} 0`,
		`icws_active_host{host="cic-a",server="chicago"} 0`)
}

func TestConfigReload(t *testing.T) {
	s := newTestSet(Options{})
	s.ConfigReloadFailed()
	page := exposition(t, s, Text)
	hasLines(t, page, "icws_exporter_config_last_reload_successful 0")
	hasNo(t, page, "icws_exporter_config_hash", "icws_exporter_config_last_reload_success_timestamp_seconds")

	s.ConfigLoaded(time.Unix(1000, 0), 42)
	hasLines(t, exposition(t, s, Text), "icws_exporter_config_last_reload_successful 1")
	s.ConfigReloadFailed()
	hasLines(t, exposition(t, s, Text),
		"icws_exporter_config_last_reload_successful 0",
		"icws_exporter_config_last_reload_success_timestamp_seconds 1000",
		"icws_exporter_config_hash 42")
}

func TestWebConfigReload(t *testing.T) {
	s := newTestSet(Options{})
	for ok, want := range map[bool]string{true: " 1", false: " 0"} {
		s.WebConfigLoaded(ok)
		hasLines(t, exposition(t, s, Text), "icws_exporter_web_config_last_reload_successful"+want)
	}
}

func TestStatusSeriesAreOptIn(t *testing.T) {
	s := newTestSet(Options{})
	s.Add("chicago", "").Watch(&published{snapshot: live(), statuses: []catalogue.Entry{{ID: "Available"}}})
	hasNo(t, exposition(t, s, Text), "icws_status_info", "icws_status_flag")
}

// A status message that has series keeps them when others come before it.
func TestStatusChoiceIsSticky(t *testing.T) {
	s := newTestSet(Options{StatusSeries: true, MaxStatuses: 2})
	p := &published{snapshot: live(), statuses: []catalogue.Entry{{ID: "m"}, {ID: "n"}, {ID: "o"}}}
	s.Add("chicago", "").Watch(p)
	exposed := func() (ids string) {
		for line := range strings.Lines(exposition(t, s, Text)) {
			if rest, ok := strings.CutPrefix(line, `icws_status_info{group="",server="chicago",status_id="`); ok {
				id, _, _ := strings.Cut(rest, `"`)
				ids += id
			}
		}
		return ids
	}
	if got := exposed(); got != "mn" {
		t.Errorf("status messages with series: %q, want mn", got)
	}
	p.statuses = []catalogue.Entry{{ID: "a"}, {ID: "m"}, {ID: "n"}, {ID: "o"}}
	if got := exposed(); got != "mn" {
		t.Errorf("after one was added before them: %q, want mn", got)
	}
	hasLines(t, exposition(t, s, Text), `icws_exporter_series_folded{family="icws_status_info"} 2`)
	p.statuses = []catalogue.Entry{{ID: "a"}, {ID: "n"}}
	if got := exposed(); got != "na" {
		t.Errorf("after one was removed: %q, want na", got)
	}
	p.statuses = nil
	if got := exposed(); got != "" {
		t.Errorf("after all were removed: %q", got)
	}
}

// The text of a status message may change while its id, and so its place, stays.
func TestStatusSeriesFollowTheText(t *testing.T) {
	s := newTestSet(Options{StatusSeries: true})
	p := &published{snapshot: live(), statuses: []catalogue.Entry{{ID: "m", Text: "Mittag", Group: "Away"}}}
	s.Add("chicago", "").Watch(p)
	hasLines(t, exposition(t, s, Text), `icws_status_info{group="Away",server="chicago",status_id="m",text="Mittag"} 1`)
	p.statuses = []catalogue.Entry{{ID: "m", Text: "Lunch", Group: "Away"}}
	hasLines(t, exposition(t, s, Text), `icws_status_info{group="Away",server="chicago",status_id="m",text="Lunch"} 1`)
}

func TestExporterMetrics(t *testing.T) {
	now := noon
	s := newTestSet(Options{ExporterMetrics: true, Now: func() time.Time { return now }})
	text, openMetrics := exposition(t, s, Text), exposition(t, s, OpenMetrics)
	for _, family := range []string{"go_goroutines", "process_start_time_seconds"} {
		for _, page := range []string{text, openMetrics} {
			if strings.Count(page, "\n# TYPE "+family+" ") != 1 {
				t.Errorf("want %s once in the page", family)
			}
		}
	}
	if !strings.HasSuffix(openMetrics, "\n# EOF\n") || strings.Count(openMetrics, "# EOF") != 1 {
		t.Error("want # EOF once, at the end")
	}
	if gathered, err := s.Gatherer().Gather(); err != nil || len(gathered) < 30 {
		t.Errorf("%d families gathered, %v", len(gathered), err)
	}
	hasNo(t, exposition(t, newTestSet(Options{}), Text), "go_goroutines", "process_start_time_seconds")
}

// Reading go_* and process_* costs more than the rest, so it is done once a second
// at most, and at least when a scrape finds them older.
func TestExporterMetricsAreReadOnceASecond(t *testing.T) {
	now := noon
	s := newTestSet(Options{ExporterMetrics: true, Now: func() time.Time { return now }})
	read := func() *encodedFamilies {
		exposition(t, s, Text)
		return s.runtime.blocks[Text].encoded.Load()
	}
	first := read()
	now = now.Add(runtimeMaxAge - 1)
	if read() != first {
		t.Error("read again within a second")
	}
	now = now.Add(1)
	second := read()
	if second == first {
		t.Error("not read again after a second")
	}
	now = now.Add(-time.Hour) // the clock was set back
	if read() == second {
		t.Error("not read again when its time lies ahead")
	}
}

func TestBuildInfoOfThisBinary(t *testing.T) {
	s := New(Options{})
	if !strings.Contains(exposition(t, s, Text), `goversion="go1.`) {
		t.Error("the build info lacks the Go version")
	}
}

func TestHistogramIsReadAfterEveryObservation(t *testing.T) {
	s := newTestSet(Options{})
	m := s.Add("chicago", "")
	for n := 1; n <= 3; n++ {
		m.Exchange(icws.Exchange{Operation: icws.OpPoll, Code: 200, Duration: 2 * time.Second})
		page := exposition(t, s, Text)
		count := string(appendValue(nil, float64(n)))
		hasLines(t, page,
			`icws_request_duration_seconds_bucket{operation="poll",server="chicago",le="1"} 0`,
			`icws_request_duration_seconds_bucket{operation="poll",server="chicago",le="2"} `+count,
			`icws_request_duration_seconds_bucket{operation="poll",server="chicago",le="+Inf"} `+count,
			`icws_request_duration_seconds_count{operation="poll",server="chicago"} `+count,
			`icws_request_duration_seconds_sum{operation="poll",server="chicago"} `+string(appendValue(nil, 2*float64(n))))
	}
}
