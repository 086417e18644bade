package collect

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/roster"
)

// noon is the time of every scenario.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var testBuild = Build{
	Version: "1.2.3", Revision: "0123abc", Branch: "main", GoVersion: "go1.26",
	GoOS: "linux", GoArch: "amd64", Tags: "unknown",
}

func newTestSet(o Options) *Set {
	o.Build = testBuild
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	return New(o)
}

// published is a probe that published this and no more.
type published struct {
	snapshot probe.Snapshot
	statuses []catalogue.Entry
}

func (p *published) Snapshot() *probe.Snapshot   { return &p.snapshot }
func (p *published) Statuses() []catalogue.Entry { return p.statuses }

func group(name string, entries int, flags ...catalogue.Flag) catalogue.GroupCount {
	g := catalogue.GroupCount{Group: name, Entries: entries}
	for _, f := range flags {
		g.Flagged[f] = entries
	}
	return g
}

// live is the snapshot of a probe at which everything works.
func live() probe.Snapshot {
	s := probe.Snapshot{
		State:      probe.StateLive,
		StateSince: noon.Add(-time.Hour),
		Heartbeat:  noon.Add(-250 * time.Millisecond),
		Product:    "PureConnect", Release: "2018 R4", ICServer: "cic-a",
		Hosts: []probe.Host{
			{
				Name: "cic-a.example.com", Active: true, Checked: true, Up: true, LookedAt: noon.Add(-time.Minute),
				CertificateNotAfter: noon.AddDate(0, 3, 0),
			},
			{Name: "cic-b.example.com", Checked: true, LookedAt: noon.Add(-2 * time.Minute), CertificateNotAfter: noon.AddDate(0, 6, 0)},
			{Name: "osm-1.example.com"},
		},
		TransportKnown: true, Transport: probe.TransportSSE,
		PasswordExpiry: noon.AddDate(0, 0, 9),
		ClockKnown:     true, ClockOffset: -1500 * time.Millisecond,
		Switchover: probe.Switchover{Known: true, BackupKnown: true, BackupState: probe.BackupUpgradeHigher},
		SessionUp:  true, SessionEstablished: noon.Add(-time.Hour),
		LastContact: noon.Add(-3 * time.Second),
		Feeds: [probe.NumSubscriptions]probe.FeedState{probe.StatusMessages: {
			Up: true, State: probe.SubscriptionNormal, Since: noon.Add(-time.Hour), LastMessage: noon.Add(-20 * time.Second),
			LastVerified: noon.Add(-20 * time.Second), LastFull: noon.Add(-20 * time.Second), LastChange: noon.Add(-10 * time.Minute),
		}},
		Entries: 9,
		Groups: []catalogue.GroupCount{
			group("(none)", 2),
			group("Available", 4, catalogue.IsSelectableStatus, catalogue.IsAcdStatus),
			group("Away", 3, catalogue.IsSelectableStatus, catalogue.CanHaveDate, catalogue.CanHaveTime),
			group("Break", 0),
		},
		DistinctGroups: 3,
		Hash:           0xfedcba987654,
		FreshUntil:     noon.Add(2 * time.Minute),
	}
	s.OperationGone[icws.OpSwitchoverStatus] = true
	return s
}

// licences are as a server has them that was asked for them.
func licences() probe.LicenceState {
	return probe.LicenceState{
		On: true, Reading: probe.LicencesRead, ReadAt: noon.Add(-3 * time.Minute), FreshUntil: noon.Add(12 * time.Minute), Cut: 1,
		List: []probe.Licence{{Name: "I3_ACCESS_ACD_MEDIA_1", InUse: 45, Allowed: 50}, {Name: "I3_ACCESS_CLIENT", InUse: 3, Allowed: 100}},
	}
}

// busy reports at least one event of each kind.
func busy(m *ServerMetrics) {
	m.Exchange(icws.Exchange{Operation: icws.OpConnect, Code: 201, Duration: 120 * time.Millisecond})
	m.Exchange(icws.Exchange{Operation: icws.OpSubscribe, Code: 200, Duration: 20 * time.Millisecond})
	m.Exchange(icws.Exchange{Operation: icws.OpPoll, Code: 418, Duration: time.Second})
	m.Exchange(icws.Exchange{
		Operation: icws.OpConnect, Code: 503, ErrorID: "error.server.unavailable", Duration: 40 * time.Second,
		Err: &icws.ResponseError{Operation: icws.OpConnect, Code: 503},
	})
	m.Exchange(icws.Exchange{
		Operation: icws.OpList, Reason: icws.FailRefused, Duration: time.Millisecond,
		Err: &icws.RequestError{Operation: icws.OpList, Reason: icws.FailRefused, Err: errors.New("refused")},
	})
	m.Read(123456)
	m.Read(1000)
	for range 7 {
		m.StreamHeartbeat()
	}
	m.SessionOpening()
	m.SessionOpening()
	m.SessionOpenFailed(probe.OpenFailureUnavailable)
	m.SessionClosed(probe.CloseServerClosed)
	m.SwitchedOver()
	m.AlternateHostRejected()
	m.BreakerChanged(probe.BreakerOpen)
	m.BreakerRejected()
	m.SubscriptionLost(probe.StatusMessages, probe.LossStreamLost)
	m.DeliveryChecked(probe.StatusMessages, probe.DeliveryCheck{Result: probe.CheckDrift, Drift: 2})
	m.Delivered(probe.StatusMessages, 300*time.Millisecond)
	m.MessageReceived(probe.StatusMessages, probe.MessageFull)
	m.MessageReceived(probe.StatusMessages, probe.MessageDelta)
	m.MessageDecodeFailed(probe.StatusMessages)
	var r catalogue.Result
	r.Changes[catalogue.Changed] = 3
	r.Anomalies[catalogue.Duplicate] = 1
	m.CatalogueCommitted(r)
	m.Resynced(probe.StatusMessages, probe.ResyncCheck)
}

const (
	hostileName = "chi\\ca\"go\nnorth\xff"
	hostileText = "tab\t, quote\", back\\slash,\nnew line, \x1b, é, 漢字, bad \xc3\x28 byte"
)

// externalURL has a slash at its end, which is not shown.
var externalURL = &url.URL{Scheme: "https", Host: "proxy.example.com", Path: "/icws/"}

// scenarios are the situations whose expositions are kept as golden files.
var scenarios = map[string]func() *Set{
	"never_connected": func() *Set {
		s := newTestSet(Options{})
		s.Add("chicago", "us")
		return s
	},
	"live": func() *Set {
		s := newTestSet(Options{ExternalURL: externalURL})
		s.ConfigLoaded(noon.Add(-24*time.Hour), 0x123456789abc)
		s.WebConfigLoaded(true)
		m := s.Add("chicago", "us")
		m.Watch(&published{snapshot: live()})
		busy(m)
		return s
	},
	"full": func() *Set {
		s := newTestSet(Options{Full: true})
		m := s.Add("chicago", "us")
		m.Watch(&published{snapshot: live()})
		busy(m)
		return s
	},
	"licences": func() *Set {
		s := newTestSet(Options{})
		p := &published{snapshot: live()}
		p.snapshot.Licences = licences()
		s.Add("chicago", "us").Watch(p)
		old := &published{snapshot: live()}
		old.snapshot.Licences = licences()
		old.snapshot.Licences.FreshUntil = noon
		old.snapshot.Licences.Reading = probe.LicencesRefused
		s.Add("lab", "").Watch(old)
		return s
	},
	"users": func() *Set {
		s := newTestSet(Options{})
		p := &published{snapshot: live()}
		p.snapshot.Feeds[probe.UserStatuses] = probe.FeedState{Up: true, Since: noon.Add(-time.Hour), LastMessage: noon.Add(-4 * time.Second)}
		p.snapshot.Users = countedUsers(someUsers())
		m := s.Add("chicago", "us")
		m.Watch(p)
		m.UsersMoved("Away", 3)
		m.UsersMoved("(unknown)", 1)
		old := &published{snapshot: live()} // a server that does not say who is logged in
		old.snapshot.Users = countedUsers(&roster.Counts{Groups: []roster.GroupCount{{Group: "Available", Users: [3]int{12, 0, 0}, OnPhone: 3}}})
		s.Add("dublin", "eu").Watch(old)
		stale := &published{snapshot: live()}
		stale.snapshot.Users = countedUsers(someUsers())
		stale.snapshot.Users.FreshUntil = noon
		s.Add("essen", "eu").Watch(stale)
		return s
	},
	"users_full": func() *Set {
		s := newTestSet(Options{Full: true, MaxStatuses: 1})
		p := &published{snapshot: live()}
		p.snapshot.Users = countedUsers(someUsers())
		s.Add("chicago", "us").Watch(p)
		return s
	},
	"stale": func() *Set {
		s := newTestSet(Options{StatusSeries: true})
		s.ConfigLoaded(noon.Add(-24*time.Hour), 0x123456789abc)
		s.ConfigReloadFailed()
		p := &published{snapshot: live(), statuses: []catalogue.Entry{{ID: "Available"}}}
		p.snapshot.FreshUntil = noon
		p.snapshot.State = probe.StateBackoff
		p.snapshot.NextAttempt = noon.Add(40 * time.Second)
		s.Add("chicago", "us").Watch(p)
		return s
	},
	"two_servers": func() *Set {
		s := newTestSet(Options{})
		s.SetShard(1, 3)
		s.Add("lab", "")
		m := s.Add("chicago", "us")
		m.Watch(&published{snapshot: live()})
		busy(m)
		return s
	},
	"folded": func() *Set {
		s := newTestSet(Options{StatusSeries: true, MaxStatuses: 2})
		p := &published{snapshot: live(), statuses: []catalogue.Entry{
			{ID: "At Lunch", Text: "At lunch", Group: "Away", Flags: catalogue.Flags(0).With(catalogue.CanHaveTime, true)},
			{ID: "Available", Text: "Available", Group: "Available", Flags: catalogue.Flags(0).With(catalogue.IsAcdStatus, true)},
			{ID: "Gone Home", Text: "Gone home", Group: "Away"},
		}}
		p.snapshot.Groups = append(p.snapshot.Groups[:3], group("(other)", 5, catalogue.IsForwardStatus))
		p.snapshot.DistinctGroups, p.snapshot.FoldedGroups, p.snapshot.Entries = 6, 3, 14
		s.Add("chicago", "us").Watch(p)
		return s
	},
	"hostile": func() *Set {
		s := newTestSet(Options{StatusSeries: true})
		p := &published{snapshot: live(), statuses: []catalogue.Entry{
			{ID: hostileText, Text: strings.Repeat("漢", 50), Group: hostileText},
			{ID: strings.Repeat("x", 128) + "1"}, {ID: strings.Repeat("x", 128) + "2"},
		}}
		p.snapshot.Product, p.snapshot.Release = hostileText, strings.Repeat("é", 70)
		p.snapshot.Hosts = []probe.Host{
			{Name: hostileText, Active: true}, {Name: strings.Repeat("h", 128) + "1"}, {Name: strings.Repeat("h", 128) + "2"},
		}
		p.snapshot.Groups = []catalogue.GroupCount{group(hostileText, 1)}
		s.Add(hostileName, "si\"te").Watch(p)
		return s
	},
}

// someUsers are users of every kind.
func someUsers() *roster.Counts {
	c := &roster.Counts{
		LoggedInKnown: true,
		Groups: []roster.GroupCount{
			{Group: "(none)"}, {Group: "(unknown)", Users: [3]int{0, 0, 1}},
			{Group: "Available", Users: [3]int{1, 2, 7}, OnPhone: 4, Earliest: noon.Add(-2 * time.Hour)},
			{Group: "Away", Users: [3]int{0, 9, 3}, Earliest: noon.Add(-10 * time.Minute)},
		},
		Statuses:   []roster.StatusCount{{ID: "At Lunch", Users: 3}, {ID: "Available", Users: 7}},
		Workgroups: []roster.WorkgroupCount{{Workgroup: "(small)", Group: "Away", Users: 1}, {Workgroup: "Sales", Group: "Available", Users: 7}},
	}
	c.Groups[2].Flagged[catalogue.IsAcdStatus] = 7
	c.Groups[3].Flagged[catalogue.CanHaveTime] = 3
	return c
}

// countedUsers is a report of a probe that counts users, and is fresh.
func countedUsers(c *roster.Counts) *probe.UsersReport {
	u := &probe.UsersReport{State: probe.UsersIncomplete, Watched: 25, Reported: 23, Counts: c}
	u.Verified(noon, 2*time.Minute)
	return u
}

// page returns the exposition of s.
func exposition(t testing.TB, s *Set, format Format) string {
	t.Helper()
	var page string
	s.Render(format, false, func(body []byte) { page = string(body) })
	return page
}

// hasLines checks that every line stands in page exactly once.
func hasLines(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if n := strings.Count("\n"+page, "\n"+line+"\n"); n != 1 {
			t.Errorf("%d times in the page: %s", n, line)
		}
	}
}

// hasNo checks that no series of the families is in page.
func hasNo(t *testing.T, page string, families ...string) {
	t.Helper()
	for _, f := range families {
		if strings.Contains("\n"+page, "\n"+f+"{") || strings.Contains("\n"+page, "\n"+f+" ") {
			t.Errorf("%s is in the page", f)
		}
	}
}
