//go:build !race

package collect

import "testing"

// Budget 5: a steady scrape renders and compares without making garbage.
func TestSteadyRenderAllocates(t *testing.T) {
	s := scenarios["live"]()
	for _, format := range []Format{Text, OpenMetrics} {
		for _, compress := range []bool{false, true} {
			render := func() { s.Render(format, compress, func([]byte) {}) }
			render()
			render() // makes the spare buffer
			if allocs := testing.AllocsPerRun(100, render); allocs > 3 {
				t.Errorf("format %d, compressed %t: %v allocations in a steady scrape, want 3 at most", format, compress, allocs)
			}
		}
	}
}

func TestPageOfAServerAllocates(t *testing.T) {
	s := twoServers(Options{PerServer: true})
	for _, compress := range []bool{false, true} {
		render := func() { s.RenderServer("chicago", Want{Format: OpenMetrics, Compress: compress}, func([]byte) {}) }
		render()
		// The collector may empty the pool in between, which makes a page anew once.
		if allocs := testing.AllocsPerRun(100, render); allocs > 8 {
			t.Errorf("compressed %t: %v allocations, want 8 at most", compress, allocs)
		}
	}
}

func TestEventsDoNotAllocate(t *testing.T) {
	m := newTestSet(Options{}).Add("chicago", "")
	if allocs := testing.AllocsPerRun(100, func() {
		m.Read(4096)
		m.MessageReceived(0, 0)
		m.StreamHeartbeat()
	}); allocs > 0 {
		t.Errorf("%v allocations per event", allocs)
	}
}
