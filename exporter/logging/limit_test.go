package logging

import (
	"bytes"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func limitedLog(out *bytes.Buffer) *slog.Logger {
	handler := slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime})
	return slog.New(new(Limit).Handler(handler)).With("server", "a")
}

// A server that alternates two kinds of messages makes 20,000 lines a second.
func TestAFloodOfOneServerIsBounded(t *testing.T) {
	for level, most := range map[slog.Level]int{
		slog.LevelDebug: DebugLinesPerMinute, slog.LevelInfo: LinesPerMinute, slog.LevelWarn: LinesPerMinute, slog.LevelError: LinesPerMinute,
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			log := limitedLog(&out)
			const perSecond = 1000
			for range 3 * 60 {
				for range perSecond {
					log.Log(t.Context(), level, "resync")
				}
				time.Sleep(time.Second)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if len(lines) != 3*most {
				t.Fatalf("%s: %d lines in three minutes, want %d", level, len(lines), 3*most)
			}
			if last := lines[most-1]; !strings.HasSuffix(last, "msg=resync server=a lines_left_out_for=1m0s") {
				t.Errorf("%s: the last line of a minute is %s", level, last)
			}
			want := slog.Int("lines_left_out_before", 60*perSecond-most).String()
			if first := lines[most]; !strings.HasSuffix(first, want) {
				t.Errorf("%s: the first line of the next minute is %s, want %s", level, first, want)
			}
		})
	}
}

func TestAFloodHidesNoOtherLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := limitedLog(&out)
		for range 1000 {
			log.Info("resync")
			log.Debug("poll")
		}
		log.Warn("the server is down")
		if !strings.Contains(out.String(), "the server is down") {
			t.Error("a warning is hidden by lines of other levels")
		}
		leftOut := 0
		for _, match := range regexp.MustCompile(`lines_left_out_before=(\d+)`).FindAllStringSubmatch(out.String(), -1) {
			n, _ := strconv.Atoi(match[1])
			leftOut += n
		}
		if logged := strings.Count(out.String(), "\n"); logged+leftOut != 2001 {
			t.Errorf("%d lines are logged and %d told to be left out, of 2001", logged, leftOut)
		}
	})
}

func TestFewLinesAreAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := limitedLog(&out)
		for range 10 * LinesPerMinute {
			log.WithGroup("g").Info("state", "now", "live")
			time.Sleep(time.Minute / (LinesPerMinute - 2))
		}
		if want := strings.Repeat("level=INFO msg=state server=a g.now=live\n", 10*LinesPerMinute); out.String() != want {
			t.Errorf("changed:\n%s", out.String())
		}
	})
}
