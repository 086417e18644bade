//go:build e2e

package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestScreenshots makes the pictures of the documentation with -update; without,
// it makes them and throws them away.
func TestScreenshots(t *testing.T) {
	const largest = 150 << 10
	dir := t.TempDir()
	if *update {
		dir = filepath.Join(root, "docs")
	}
	s := stage(t, "steady", "server-errors")
	p := newTab(t, newBrowser(t), s.page)
	shoot := func(name string, width, height int64, scheme string) {
		p.resize(width, height)
		p.prefer(scheme)
		time.Sleep(300 * time.Millisecond) // the browser draws
		picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if len(picture) > largest {
			t.Errorf("%s has %d bytes, more than %d", name, len(picture), largest)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.open("/")
	p.reads("h1", "2 of 2 servers up")
	s.begin("steady")
	s.end("steady")
	s.begin("server-errors")
	p.reads("#s-chicago", "Circuit breaker open")
	shoot("overview", 1280, 620, "light")
	p.open("/servers/chicago")
	p.reads("#head", "What you can do now")
	shoot("server", 1280, 800, "dark")
	s.end("server-errors")
}
