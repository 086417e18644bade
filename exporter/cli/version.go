package cli

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"
)

func init() {
	info, _ := debug.ReadBuildInfo() // nil when there is none
	version.Version, version.Revision, version.BuildDate = built(version.Version, version.Revision, version.BuildDate, info)
}

// built fills in what the linker was not told with what the go command noted: the
// version is the tag, or one made from the commit; the date is that of the commit, so
// that the same source gives the same bytes.
func built(v, revision, date string, info *debug.BuildInfo) (string, string, string) {
	noted := map[string]string{}
	if info != nil {
		for _, s := range info.Settings {
			noted[s.Key] = s.Value
		}
		if v == "" && info.Main.Version != "(devel)" {
			v = strings.TrimPrefix(info.Main.Version, "v")
		}
	}
	if commit := noted["vcs.revision"]; revision == "" && commit != "" {
		revision, date = commit, cmp.Or(date, noted["vcs.time"])
		if noted["vcs.modified"] == "true" {
			revision += "-modified"
		}
	}
	return cmp.Or(v, "devel"), cmp.Or(revision, "unknown"), date
}

func versionText() string {
	text := fmt.Sprintf("icws_exporter, version %s (revision %s)\n", version.Version, version.Revision)
	if version.BuildDate != "" {
		text += fmt.Sprintf("  commit of   %s\n", version.BuildDate)
	}
	return text + fmt.Sprintf("  built with  %s for %s/%s", version.GoVersion, version.GoOS, version.GoArch)
}

// userAgent is sent with every request, so that a server's log tells who asks.
func userAgent() string { return "icws_exporter/" + version.Version }
