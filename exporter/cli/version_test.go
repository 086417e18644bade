package cli

import (
	"runtime/debug"
	"slices"
	"testing"
)

// origin is a version, a revision and a date.
type origin [3]string

func TestBuildIsWhatTheLinkerOrTheGoCommandSays(t *testing.T) {
	noted := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	const revision = "2980b9935bcf1f6d29d5d19ad4b8d1d7b6e0a111"
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.time", Value: "2026-11-24T17:00:00Z"}}
	dirty := slices.Concat(commit, []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}})
	for name, c := range map[string]struct {
		linked origin
		info   *debug.BuildInfo
		want   origin
	}{
		"nothing":            {origin{}, nil, origin{"devel", "unknown", ""}},
		"no version control": {origin{}, noted("(devel)"), origin{"devel", "unknown", ""}},
		"a tag":              {origin{}, noted("v1.2.3", commit...), origin{"1.2.3", revision, "2026-11-24T17:00:00Z"}},
		"no tag": {
			origin{}, noted("v0.0.0-20261124170000-2980b9935bcf+dirty", dirty...),
			origin{"0.0.0-20261124170000-2980b9935bcf+dirty", revision + "-modified", "2026-11-24T17:00:00Z"},
		},
		"the linker": {
			origin{"1.2.3", "abc", "2026-01-01T00:00:00Z"}, noted("v0.0.1", commit...),
			origin{"1.2.3", "abc", "2026-01-01T00:00:00Z"},
		},
		"the linker knows another commit": {origin{"1.2.3", "abc", ""}, noted("v0.0.1", commit...), origin{"1.2.3", "abc", ""}},
		"the linker knows the version":    {origin{"1.2.3", "", ""}, noted("v0.0.1", commit...), origin{"1.2.3", revision, "2026-11-24T17:00:00Z"}},
	} {
		v, revision, date := built(c.linked[0], c.linked[1], c.linked[2], c.info)
		if got := (origin{v, revision, date}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
