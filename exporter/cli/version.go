package cli

import (
	"runtime/debug"

	"github.com/prometheus/common/version"
)

func init() {
	if version.Version != "" {
		return // the linker set it
	}
	version.Version = "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		version.Version = info.Main.Version
	}
}

func versionText() string { return version.Print("icws_exporter") }

// userAgent is sent with every request, so that a server's log tells who asks.
func userAgent() string { return "icws_exporter/" + version.Version }
