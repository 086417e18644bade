package collect

import (
	"sync/atomic"
	"time"

	"icws_exporter/probe"
)

// The probe and the server it watches.
var (
	MetricUp = define(Family{
		Name:   "icws_up",
		Help:   "1 when the probe is live, its subscription delivers and its catalogue is fresh; else 0. The site is as configured.",
		Labels: []Label{{Name: "site"}},
		server: func(r *reading, out *samples) { out.add(0, number(r.snapshot.Up(r.now)), *r.site.Load()) },
	})
	MetricDownReason = define(Family{
		Name:   "icws_down_reason",
		Type:   StateSet,
		Help:   "Why icws_up is 0: 1 for the reason, all 0 when the server is up. Network, dns and tls: no answer. Refused_log_on to gone: the server or a proxy refuses us. Not_delivering and stale: it accepts us, and its numbers do not come. Starting: nothing has failed yet.",
		Labels: []Label{{Name: "reason", Values: valuesOf[probe.DownReason](probe.NumDownReasons)}},
		server: func(r *reading, out *samples) { emitState(out, int(r.snapshot.DownAt(r.now))) },
	})
	MetricProbeState = define(Family{
		Name:   "icws_probe_state",
		Type:   StateSet,
		Help:   "What the probe is doing: 1 for the present state. The backoff, open and hold states wait until icws_next_attempt_timestamp_seconds.",
		Labels: []Label{{Name: "state", Values: valuesOf[probe.State](probe.NumStates)}},
		server: func(r *reading, out *samples) { emitState(out, int(r.snapshot.State)) },
	})
	MetricProbeStateSince = define(Family{
		Name:   "icws_probe_state_since_timestamp_seconds",
		Help:   "Unix time in seconds since which the probe has been in its present state.",
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.StateSince }),
	})
	MetricProbeHeartbeat = define(Family{
		Name:   "icws_probe_heartbeat_timestamp_seconds",
		Help:   "Unix time in seconds of the last turn of the probe's loop; when it stands still, the exporter hangs, not the server.",
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.Heartbeat }),
	})
	MetricNextAttempt = define(Family{
		Name: "icws_next_attempt_timestamp_seconds",
		Help: "Unix time in seconds before which the probe will not try again; 0 when it is not waiting.",
		server: value(func(r *reading) float64 {
			if r.snapshot.NextAttempt.IsZero() {
				return 0
			}
			return seconds(r.snapshot.NextAttempt)
		}),
	})
	MetricServerInfo = define(Family{
		Name:   "icws_server_info",
		Help:   "Always 1; the labels name the configured site, and the product and release of the server, empty until the server said them.",
		Labels: []Label{{Name: "site"}, {Name: "product"}, {Name: "release"}},
		server: func(r *reading, out *samples) {
			out.add(0, 1, *r.site.Load(), r.snapshot.Product, r.snapshot.Release)
		},
	})
	MetricServerClockOffset = define(Family{
		Name: "icws_server_clock_offset_seconds",
		Help: "Clock of the server minus clock of the exporter in seconds, by the Date header; no series until a server sent one.",
		server: known(func(s *probe.Snapshot) (float64, bool) {
			return s.ClockOffset.Seconds(), s.ClockKnown
		}),
	})
	MetricPasswordExpiry = define(Family{
		Name:   "icws_password_expiry_timestamp_seconds",
		Help:   "Unix time in seconds at which the password of the exporter's user expires; no series unless the server said so.",
		server: timestamp(func(s *probe.Snapshot) time.Time { return s.PasswordExpiry }),
	})
	MetricTLSCertificateNotAfter = define(Family{
		Name:   "icws_tls_certificate_not_after_timestamp_seconds",
		Help:   "Unix time in seconds at which the first certificate of the chain expires that the host presented last; no series without TLS.",
		Labels: []Label{labelHost},
		server: eachHost(func(h *probe.Host) (float64, bool) {
			return seconds(h.CertificateNotAfter), !h.CertificateNotAfter.IsZero()
		}),
	})
)

var labelHost = Label{Name: "host", Grows: PerHost}

// eachHost has one sample for each host for which the second result of get says so.
func eachHost(get func(*probe.Host) (float64, bool)) emit {
	return func(r *reading, out *samples) {
		hosts := r.snapshot.Hosts
		for i := range hosts {
			if v, ok := get(&hosts[i]); ok && firstOfName(hosts, i) {
				out.add(0, v, hosts[i].Name)
			}
		}
	}
}

// Hosts of a server, and the switchover between them.
var (
	MetricActiveHost = define(Family{
		Name:   "icws_active_host",
		Help:   "1 for the host that serves the session, 0 for the other configured and accepted hosts.",
		Labels: []Label{labelHost},
		server: eachHost(func(h *probe.Host) (float64, bool) { return number(h.Active), true }),
	})
	MetricHostUp = define(Family{
		Name:   "icws_host_up",
		Help:   "1 when the configured host answered the last look at its version, which needs no session; 0 when it did not, or with 5xx; no series before the first look.",
		Labels: []Label{labelHost},
		server: eachHost(func(h *probe.Host) (float64, bool) { return number(h.Up), h.Checked }),
	})
	MetricHostLastLook = define(Family{
		Name:   "icws_host_last_look_timestamp_seconds",
		Help:   "Unix time in seconds of the last look at the version of the configured host; no series before the first look.",
		Labels: []Label{labelHost},
		server: eachHost(func(h *probe.Host) (float64, bool) { return seconds(h.LookedAt), h.Checked }),
	})
	MetricAlternateHostsRejected = define(Family{
		Name:   "icws_alternate_hosts_rejected_total",
		Type:   Counter,
		Help:   "Hosts that the server listed as alternatives and that allowed_hosts refused, so that they never got the password.",
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.alternatesRejected }),
	})
	MetricSwitchovers = define(Family{
		Name:   "icws_switchovers_total",
		Type:   Counter,
		Help:   "Moves of the session to another host.",
		server: count(func(m *ServerMetrics) *atomic.Uint64 { return &m.switchovers }),
	})
	MetricSwitchoverActive = define(Family{
		Name: "icws_switchover_active",
		Help: "1 when the server reports a switchover in progress; no series unless it reports switchover status.",
		server: known(func(s *probe.Snapshot) (float64, bool) {
			return number(s.Switchover.Active), s.Switchover.Known
		}),
	})
	MetricSwitchoverBackupState = define(Family{
		Name:   "icws_switchover_backup_state",
		Type:   StateSet,
		Help:   "State of the backup server of a switchover pair: 1 for the present state; no series unless the server reports switchover status.",
		Labels: []Label{{Name: "state", Values: valuesOf[probe.BackupState](probe.NumBackupStates)}},
		server: func(r *reading, out *samples) {
			if r.snapshot.Switchover.BackupKnown {
				emitState(out, int(r.snapshot.Switchover.BackupState))
			}
		},
	})
)

// firstOfName reports whether no host before the i-th has the same label value: a
// series must not come twice, or Prometheus refuses the whole scrape.
func firstOfName(hosts []probe.Host, i int) bool {
	for _, h := range hosts[:i] {
		if h.Name == hosts[i].Name || labelValue(h.Name) == labelValue(hosts[i].Name) {
			return false
		}
	}
	return true
}
