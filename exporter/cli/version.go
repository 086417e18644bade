package cli

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"
)

// origin is what is known of how this program was made.
type origin struct{ version, revision, date string }

func init() {
	given := origin{version.Version, version.Revision, version.BuildDate}
	info, _ := debug.ReadBuildInfo() // nil when there is none
	o := given.completed(info)
	version.Version, version.Revision, version.BuildDate = o.version, o.revision, o.date
}

// completed fills in what the linker was not told with what the go command noted:
// the version is the tag, or one made from the commit; the date is that of the
// commit, so that the same source gives the same bytes.
func (o origin) completed(info *debug.BuildInfo) origin {
	noted := origin{version: "devel", revision: "unknown"}
	if info != nil {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			noted.version = strings.TrimPrefix(v, "v")
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if revision := settings["vcs.revision"]; revision != "" {
			noted.revision, noted.date = revision, settings["vcs.time"]
			if settings["vcs.modified"] == "true" {
				noted.revision += "-modified"
			}
		}
	}
	if o.version == "" {
		o.version = noted.version
	}
	if o.revision == "" {
		o.revision = noted.revision
	}
	if o.date == "" && o.revision == noted.revision {
		o.date = noted.date
	}
	return o
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
