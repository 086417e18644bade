package secret

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lmittmann/tint"
)

func TestAScreenWithholdsWholeTexts(t *testing.T) {
	screen := NewScreen("cic-b.contact.example.com")
	screen.Learn(New("contact"), New(hostile), Text{})
	screen.LearnSession(New("1000001"), New("t0kenT0ken=="), New("1"))
	for text, want := range map[string]string{
		"your password is contact":                              Withheld,
		"t0kenT0ken== and 5":                                    Withheld,
		"error.-2147221496":                                     "error.-2147221496",
		"a load balancer's 1":                                   "a load balancer's 1",
		"cic-b.contact.example.com: connection refused":         "cic-b.contact.example.com: connection refused",
		"a line\nand \x1b[2Jmore \u202e\u009b":                  "a line<U+000A>and <U+001B>[2Jmore <U+202E><U+009B>",
		strings.Repeat("x", mostShown+9):                        strings.Repeat("x", mostShown) + "…",
		strings.Repeat("x", mostShown-3) + "CONtact at the end": Withheld,
	} {
		if got := screen.Show(text); got != want {
			t.Errorf("%.60q is shown as %.90q", text, got)
		}
	}
	if got := (*Screen)(nil).Show("a\x00b"); got != "a<U+0000>b" {
		t.Errorf("without a screen: %q", got)
	}
	(*Screen)(nil).Learn(New("a"))
}

// The secrets of sessions that ended lately may still be repeated, and so may
// passwords that were changed.
func TestAScreenRemembersRecentSecrets(t *testing.T) {
	screen := NewScreen()
	for i := range 100 {
		screen.LearnSession(New(fmt.Sprint("session-", i, "-")))
		screen.Learn(New("proxy-password"), New(fmt.Sprint("password-", i, "-")))
	}
	for text, want := range map[string]bool{
		"session-99-": true, "session-92-": true, "session-3-": false,
		"password-99-": true, "password-93-": true, "password-3-": false, "proxy-password": true,
	} {
		if screen.Holds(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestAScreenIsForManyGoroutines(t *testing.T) {
	screen := NewScreen()
	screen.Learn(New(hostile))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() { screen.LearnSession(New(fmt.Sprint("session-", i))) })
		all.Go(func() {
			if screen.Show(hostile) != Withheld {
				t.Error("shown")
			}
		})
	}
	all.Wait()
}

func TestEscapeShowsWhatATerminalObeys(t *testing.T) {
	for text, want := range map[string]string{
		"plain text, 100 % \\o/ – ünïcödé 日本 😀": "plain text, 100 % \\o/ – ünïcödé 日本 😀",
		"\x1b[31mred\x1b[0m":                             "<U+001B>[31mred<U+001B>[0m",
		`literal \x1b[31m and \\x1b and \x1B`:            `literal <U+005C>x1b[31m and \<U+005C>x1b and \x1B`,
		"\r\n\t\x7f\u0085\u009b31m":                      "<U+000D><U+000A><U+0009><U+007F><U+0085><U+009B>31m",
		"a\u202eb\u2066c\u200fd\u2028e\ufefff\U000e0041": "a<U+202E>b<U+2066>c<U+200F>d<U+2028>e<U+FEFF>f<U+E0041>",
		"میں\u200cخ \U0001f468\u200d\U0001f4bb a\u00a0b": "میں\u200cخ \U0001f468\u200d\U0001f4bb a\u00a0b",
		"not \xff\x9b utf-8":                             "not \ufffd\ufffd utf-8",
		"":                                               "",
	} {
		if got := Escape(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
		if again := Escape(Escape(text)); again != want {
			t.Errorf("%q is not the same when it is shown twice: %q", text, again)
		}
	}
}

type stringer struct{ text string }

func (s stringer) String() string { return s.text }

// loggers write the same to every format that the exporter has.
func loggers(out *bytes.Buffer) map[string]slog.Handler {
	return map[string]slog.Handler{
		"json":   slog.NewJSONHandler(out, nil),
		"logfmt": slog.NewTextHandler(out, nil),
		"colour": tint.NewTextHandler(out, &tint.Options{}),
	}
}

func TestALogShowsNoSecretAndObeysNoText(t *testing.T) {
	const evil = "\x1b]0;title\a\x1b[2J \\x1b[31m \u202e \u009b2J \r\nlevel=ERROR msg=forged"
	var out bytes.Buffer
	for name, handler := range loggers(&out) {
		out.Reset()
		screen := NewScreen()
		screen.Learn(New(hostile))
		bare := slog.New(handler)
		log := slog.New(screen.Log(handler)).With("server", "x "+hostile).WithGroup("g")
		log.Warn("backoff", "reason", "no: "+hostile, "err", errors.New(hostile), "any", stringer{hostile}, "struct", struct{ A any }{hostile},
			"ids", []string{"a", hostile}, slog.Group("in", "side", hostile), "n", 5, "at", time.Unix(0, 0), "d", time.Second, "nothing", nil)
		if got := strings.Count(out.String(), Withheld); got != 7 || strings.Contains(out.String(), `w/ord`) {
			t.Errorf("%s: %d texts are withheld:\n%s", name, got, out.String())
		}
		for _, want := range []string{"backoff", "1970", "5"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s does not show %q: %s", name, want, out.String())
			}
		}
		for _, h := range []slog.Handler{screen.Log(handler), EscapeLog(handler)} {
			out.Reset()
			bare.Info("message")
			escapesOfItsOwn := strings.Count(out.String(), "\x1b")
			out.Reset()
			slog.New(h).Info("message"+evil, "reason", evil, "err", errors.New(evil))
			line := out.String()
			if strings.Count(line, "\n") != 1 || strings.ContainsAny(line, "\r\a\u202e\u009b") {
				t.Errorf("%s is obeyed: %q", name, line)
			}
			for _, obeyed := range []string{"\x1b]", "\x1b[2J", "\x1b[31m"} {
				if strings.Contains(line, obeyed) && name != "colour" || strings.Contains(line, "\x1b[2J") || strings.Contains(line, "\x1b[31m") {
					t.Errorf("%s is obeyed: %q", name, line)
				}
			}
			if name != "colour" && (escapesOfItsOwn != 0 || strings.Contains(line, "\x1b")) {
				t.Errorf("%s has escapes: %q", name, line)
			}
		}
	}
}

func TestATextIsComparedByWhatItIs(t *testing.T) {
	if !New("a").Equal(New("a")) || New("a").Equal(New("b")) || !New("").Equal(Text{}) || (Text{}).Equal(New("a")) {
		t.Error("Equal is wrong")
	}
	if !(Text{}).IsZero() || New("a").IsZero() {
		t.Error("IsZero is wrong")
	}
	if got := fmt.Sprintf("%v %+v %#v %s %q %x %d", New("a"), New("a"), New("a"), New("a"), New("a"), New("a"), New("a")); strings.Count(got, hidden) != 7 {
		t.Errorf("it prints as %s", got)
	}
}
