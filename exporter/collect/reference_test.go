package collect

import (
	"slices"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/roster"
)

func TestReference(t *testing.T) { golden(t, "../../docs/metrics.md", []byte(metricReference())) }

// worst publishes as many series as a server of the size can have.
func worst(size Size) *published {
	p := &published{snapshot: live()}
	s := &p.snapshot
	s.Hosts, s.Groups = nil, nil
	for i := range size.Hosts {
		s.Hosts = append(s.Hosts, probe.Host{
			Name: "host" + strings.Repeat("x", i), Checked: true, CertificateNotAfter: noon,
		})
	}
	for i := range size.Groups + 1 {
		s.Groups = append(s.Groups, catalogue.GroupCount{Group: "group" + strings.Repeat("x", i)})
	}
	for i := range size.Statuses + 10 {
		p.statuses = append(p.statuses, catalogue.Entry{ID: strings.Repeat("x", i)})
	}
	s.Licences = probe.LicenceState{On: true, ReadAt: noon, FreshUntil: noon.Add(time.Minute)}
	for i := range size.Licences {
		s.Licences.List = append(s.Licences.List, probe.Licence{Name: strings.Repeat("x", i+1)})
	}
	s.Users, s.Feeds[probe.UserStatuses] = worstUsers(size), s.Feeds[probe.StatusMessages]
	return p
}

// worstUsers has users in all groups of all workgroups and in all statuses.
func worstUsers(size Size) *probe.UsersReport {
	c := &roster.Counts{LoggedInKnown: true}
	for i := range size.Groups + 2 {
		g := roster.GroupCount{Group: "group" + strings.Repeat("x", i), Earliest: noon}
		g.Users[roster.Unknown] = 1
		c.Groups = append(c.Groups, g)
		for w := range size.Workgroups + 1 {
			c.Workgroups = append(c.Workgroups, roster.WorkgroupCount{Workgroup: "w" + strings.Repeat("x", w), Group: g.Group})
		}
	}
	for i := range size.Statuses + 10 {
		c.Statuses = append(c.Statuses, roster.StatusCount{ID: strings.Repeat("x", i)})
	}
	return countedUsers(c)
}

// The bound that docs/metrics.md promises is what a server reaches that did everything
// it can, and no more.
func TestBoundIsTheWorstCase(t *testing.T) {
	t.Run("default", func(t *testing.T) { boundIsTheWorstCase(t, false) })
	t.Run("full", func(t *testing.T) { boundIsTheWorstCase(t, true) })
}

func boundIsTheWorstCase(t *testing.T, full bool) {
	size := Size{Groups: 20, Hosts: 5, Statuses: 30, Licences: 7, Workgroups: 3}
	s := newTestSet(Options{StatusSeries: true, MaxStatuses: size.Statuses, Full: full, ExternalURL: externalURL})
	s.ConfigLoaded(noon, 1)
	s.WebConfigLoaded(true)
	m := s.Add("chicago", "us")
	m.Watch(worst(size))
	for op := range icws.Operation(icws.NumOperations) {
		for code := range 700 {
			m.Exchange(icws.Exchange{Operation: op, Code: code})
		}
		for why := range icws.FailureReason(icws.NumFailureReasons) {
			m.Exchange(icws.Exchange{Operation: op, Reason: why, Err: &icws.RequestError{Operation: op, Reason: why}})
		}
	}
	page := exposition(t, s, Text)
	for _, f := range Families() {
		series := 0
		for line := range strings.Lines(page) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			name, _, _ = strings.Cut(name, "{")
			if f.Type == Histogram {
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					name = strings.TrimSuffix(name, suffix)
				}
			}
			if name == f.Name {
				series++
			}
		}
		if f.OptIn == detailFlag && !full {
			if series != 0 {
				t.Errorf("%s: %d series without the flag %s", f.Name, series, f.OptIn)
			}
			continue
		}
		want := f.Bound(full).Series(size)
		if slices.ContainsFunc(f.Labels, func(l Label) bool { return l.Name == "subscription" }) {
			want *= probe.NumSubscriptions
		}
		if series != want {
			t.Errorf("%s: %d series, the bound is %d", f.Name, series, want)
		}
	}
	_, want, optIn := seriesPerServer(size)
	if full {
		want = fullSeriesPerServer(size)
	}
	lines := 0
	for line := range strings.Lines(page) {
		if strings.Contains(line, `server="chicago"`) {
			lines++
		}
	}
	for _, f := range Families() {
		if isKey(f.OptIn) && f.OptIn != usersKey {
			want += f.Bound(full).Series(size)
		}
	}
	if want += optIn + seriesForUsers(size, full); lines != want {
		t.Errorf("%d series of the server, the reference says %d", lines, want)
	}
}

// Users cost nothing where they are not counted, and little where they are.
func TestUsersHaveFewSeries(t *testing.T) {
	p := &published{snapshot: live()}
	s := newTestSet(Options{})
	m := s.Add("chicago", "us")
	m.Watch(p)
	m.Delivered(probe.StatusMessages, time.Second)
	without := exposition(t, s, Text)
	if strings.Contains(without, "icws_user") || strings.Contains(without, `="user`) {
		t.Errorf("something about users without any:\n%s", without)
	}
	c := &roster.Counts{LoggedInKnown: true}
	for i := range 9 {
		c.Groups = append(c.Groups, roster.GroupCount{Group: "group" + strings.Repeat("x", i), Earliest: noon})
	}
	p.snapshot.Users = countedUsers(c)
	m.Delivered(probe.UserStatuses, time.Second)
	m.Exchange(icws.Exchange{Operation: icws.OpUserStatus, Code: 200, Duration: time.Second})
	m.Exchange(icws.Exchange{Operation: icws.OpUnsubscribe, Code: 204, Duration: time.Second})
	m.UsersMoved("(unknown)", 1)
	with := exposition(t, s, Text)
	if more := strings.Count(with, `server="chicago"`) - strings.Count(without, `server="chicago"`); more >= 150 {
		t.Errorf("%d series more, want less than 150", more)
	}
}

// isKey reports whether a family needs a key of the configuration, and no flag.
func isKey(optIn string) bool { return optIn != "" && !strings.HasPrefix(optIn, "--") }

// What nine groups and two hosts cost is what a contact centre of some size has.
func TestServerThatWorksHasFewSeries(t *testing.T) {
	p := &published{snapshot: live()}
	p.snapshot.Groups = nil
	for i := range 9 {
		p.snapshot.Groups = append(p.snapshot.Groups, group("group"+strings.Repeat("x", i), 3))
	}
	p.snapshot.Hosts = p.snapshot.Hosts[:2]
	s := newTestSet(Options{})
	m := s.Add("chicago", "us")
	m.Watch(p)
	m.Exchange(icws.Exchange{Operation: icws.OpConnect, Code: 201})
	m.Exchange(icws.Exchange{Operation: icws.OpStream, Code: 200})
	m.Exchange(icws.Exchange{Operation: icws.OpSubscribe, Code: 200})
	m.Delivered(probe.StatusMessages, time.Second)
	if n := strings.Count(exposition(t, s, Text), `server="chicago"`); n >= 300 {
		t.Errorf("%d series, want less than 300", n)
	}
}

// Failures keep their exact reasons in full detail, and count under what stands for
// them by default.
func TestFailuresAreFolded(t *testing.T) {
	for _, full := range []bool{false, true} {
		s := newTestSet(Options{Full: full})
		m := s.Add("c", "")
		for _, why := range []icws.FailureReason{icws.FailDNS, icws.FailReset, icws.FailTooLarge, icws.FailCanceled} {
			m.Exchange(icws.Exchange{Operation: icws.OpList, Reason: why, Err: &icws.RequestError{Operation: icws.OpList, Reason: why}})
		}
		page := exposition(t, s, Text)
		for reason, want := range map[string][2]string{ // by default, in full detail
			"connection": {"2", ""}, "protocol": {"1", ""}, "timeout": {"0", "0"}, "dns": {"", "1"}, "too_large": {"", "1"}, "canceled": {"", "1"},
		} {
			line := `icws_request_failures_total{operation="list",reason="` + reason + `",server="c"} `
			i := 0
			if full {
				i = 1
			}
			if has := strings.Contains(page, line+want[i]+"\n"); want[i] != "" && !has || want[i] == "" && strings.Contains(page, line) {
				t.Errorf("full %t: want %q of %s", full, want[i], line)
			}
		}
	}
}

// The rules that the exposition writer relies on.
func TestTableIsWellFormed(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Families() {
		if names[f.Name] {
			t.Errorf("%s is in the table twice", f.Name)
		}
		names[f.Name] = true
		if !strings.HasPrefix(f.Name, "icws_") {
			t.Errorf("%s: want the prefix icws_", f.Name)
		}
		if (f.Type == Counter) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s: counters, and only they, end in _total", f.Name)
		}
		// Help is written as it is in both formats.
		if f.Help == "" || strings.ContainsAny(f.Help, "\\\n\"") || !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: want a help sentence without quotes, backslashes and line breaks: %q", f.Name, f.Help)
		}
		if (f.server == nil) == (f.exporter == nil) {
			t.Errorf("%s: want exactly one source of samples", f.Name)
		}
		open := false
		for _, l := range f.Labels {
			if l.Values != nil && open {
				t.Errorf("%s: closed labels come first", f.Name)
			}
			open = l.Values == nil
		}
	}
}
