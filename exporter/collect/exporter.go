package collect

import (
	"time"

	"github.com/prometheus/common/version"
)

// Build describes the binary (icws_exporter_build_info).
type Build struct {
	Version, Revision, Branch, GoVersion, GoOS, GoArch, Tags string
}

// ThisBuild returns what the linker and the Go toolchain say of this binary.
func ThisBuild() Build {
	return Build{
		Version:   version.Version,
		Revision:  version.GetRevision(),
		Branch:    version.Branch,
		GoVersion: version.GoVersion,
		GoOS:      version.GoOS,
		GoArch:    version.GoArch,
		Tags:      version.GetTags(),
	}
}

// reload is what is known of the configuration's last load.
type reload struct {
	ok   bool
	at   time.Time // last success; zero: never
	hash uint64
}

// shard is which part of the servers this exporter watches.
type shard struct{ ordinal, total int }

// ConfigLoaded reports that a configuration took effect, the first one included.
// hash identifies it and must be below 2^48, or a gauge cannot hold it.
func (s *Set) ConfigLoaded(at time.Time, hash uint64) {
	s.reload.Store(&reload{ok: true, at: at, hash: hash})
}

// ConfigReloadFailed reports that a configuration was refused and that the last
// good one stays.
func (s *Set) ConfigReloadFailed() {
	for {
		last := s.reload.Load()
		failed := new(reload)
		if last != nil {
			*failed = *last
		}
		failed.ok = false
		if s.reload.CompareAndSwap(last, failed) {
			return
		}
	}
}

// WebConfigLoaded reports whether the web configuration file is in effect as it is.
func (s *Set) WebConfigLoaded(ok bool) { s.webConfig.Store(&ok) }

// SetShard reports which part of the servers this exporter watches: ordinal of
// total, from 0. Without it there is one shard, 0.
func (s *Set) SetShard(ordinal, total int) {
	s.shard.Store(&shard{ordinal: ordinal, total: total})
}
