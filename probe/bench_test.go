package probe

import (
	"net/http"
	"testing"
	"time"

	"icws_exporter/probe/catalogue"
)

// BenchmarkPublish makes the snapshot of a server with 64 groups, after a message
// that changed one of them and after one that changed nothing.
func BenchmarkPublish(b *testing.B) {
	for name, changed := range map[string]bool{"changed": true, "unchanged": false} {
		b.Run(name, func(b *testing.B) {
			cfg := testConfig(ModeSSE, "a", "b")
			cfg.Password = func() (string, error) { return testPassword, nil }
			l := newLoop(newProbe(b, cfg, Options{Observer: &recorder{}, NewTransport: func() http.RoundTripper { return nil }}))
			copied := l.feeds[StatusMessages].copy.(*statusCopy)
			stage := copied.catalogue.Stage()
			stage.Begin()
			for i := range 64 {
				stage.Add(catalogue.Status{ID: []byte{byte('0' + i)}, Group: []byte{byte('0' + i)}})
			}
			copied.catalogue.CommitFull(time.Now())
			b.ReportAllocs()
			for b.Loop() {
				copied.changed = changed
				l.publish()
			}
		})
	}
}
