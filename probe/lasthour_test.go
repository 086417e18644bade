package probe

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// picture has a letter for each minute: nothing known, live, on the way up, down.
func picture(states StatesOfLastHour) string {
	var b strings.Builder
	for _, m := range states {
		switch {
		case !m.Known:
			b.WriteByte('.')
		default:
			b.WriteByte("lud"[rank(m.State)])
		}
	}
	return b.String()
}

func TestStatesOfTheLastHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHistory(new(recorder))
		want := func(what, tail string) {
			t.Helper()
			got := picture(h.StatesOfLastHour(time.Now()))
			if want := strings.Repeat(".", 60-len(tail)) + tail; got != want {
				t.Errorf("%s:\n got %s\nwant %s", what, got, want)
			}
		}
		want("before anything", "")
		h.StateChanged(StateConnecting, "")
		time.Sleep(time.Second)
		h.StateChanged(StateLive, "")
		want("up at once", "u")
		time.Sleep(3 * time.Minute)
		want("live since", "ulll")
		h.StateChanged(StateBackoff, "x")
		time.Sleep(time.Second)
		h.StateChanged(StateLive, "")
		want("down for a second", "ulld")
		time.Sleep(2 * time.Minute)
		h.StateChanged(StateBackoff, "x")
		for range 200 {
			h.StateChanged(StateConnecting, "")
			h.StateChanged(StateBackoff, "x")
		}
		time.Sleep(10 * time.Minute)
		want("a long outage with tries", "ulldldd"+strings.Repeat("d", 9)[:9])
		time.Sleep(50 * time.Minute)
		h.StateChanged(StateLive, "")
		time.Sleep(55 * time.Minute)
		want("most of an hour later", strings.Repeat("d", 5)+strings.Repeat("l", 55))
		time.Sleep(100 * time.Hour)
		want("days later", strings.Repeat("l", 60))
	})
}
