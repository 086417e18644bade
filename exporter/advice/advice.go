// Package advice is the one place that says what is wrong for each reason, what to do
// about it, and which runbook says more. The check, the pages, the API and the log
// read it; nothing else gives advice.
package advice

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Reason is something that is wrong, or will soon be.
type Reason string

// How long before its end a certificate or a password is worth a word: as long as the
// alert IcwsExpiring has it by default.
const (
	CertificateSoon = 21 * 24 * time.Hour
	PasswordSoon    = 10 * 24 * time.Hour
)

// Advice is what somebody does about one reason.
type Advice struct {
	Reason Reason
	// Is says what is wrong, and Do what to do about it, each as half a sentence.
	// Is may be empty where whoever shows the advice has said what is wrong.
	Is, Do string
	// More are further steps, as sentences, in the order in which to take them.
	More []string
	// Runbook is the alert whose runbook says more; empty for none.
	Runbook string
}

// About is what an advice is about, as far as it is known.
type About struct {
	Server string
	User   string
	Host   string
	// Password says where the password is, such as "the file /run/pw".
	Password string
	Code     string
	// Flags: the server was given by flags, so that these are named and no keys.
	Flags bool
}

// For returns the advice for a reason; the zero Advice when there is none.
func For(r Reason, about About) Advice {
	e, found := table[r]
	if !found {
		return Advice{}
	}
	fill := strings.NewReplacer(
		"{server}", orElse(about.Server, "NAME"), "{user}", strings.TrimSpace("the user "+about.User), "{host}", orElse(about.Host, "the host"),
		"{password}", orElse(about.Password, "the place that the configuration names (of a systemd credential or an environment variable, restart the exporter afterwards)"), "{code}", orElse(about.Code, "401"),
	)
	say := func(text string) string {
		if about.Flags {
			text = ForFlags(text)
		}
		return fill.Replace(text)
	}
	a := Advice{Reason: r, Is: say(e.is), Do: say(e.do), Runbook: e.runbook}
	for _, step := range e.more {
		a.More = append(a.More, say(step))
	}
	return a
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Line is the advice in one line, for a report.
func (a Advice) Line() string {
	if a.Is == "" {
		return a.Do
	}
	return a.Is + ": " + a.Do
}

// Steps are all that there is to do, as sentences, in the order in which to do it.
func (a Advice) Steps() []string {
	if a.Do == "" {
		return nil
	}
	return append([]string{sentence(a.Do)}, a.More...)
}

// sentence makes a sentence of half of one.
func sentence(half string) string {
	first, size := utf8.DecodeRuneInString(half)
	return string(unicode.ToUpper(first)) + half[size:] + "."
}

// Phrases returns what all advice consists of besides what it is about. They are our
// own words, and no secret although some have chosen them as one.
func Phrases() []string {
	var all []string
	for _, e := range table {
		texts := append([]string{e.is, e.do, sentence(e.do)}, e.more...)
		for _, text := range texts {
			texts = append(texts, ForFlags(text))
		}
		for _, text := range texts {
			for rest, found := text, true; found; {
				var phrase string
				if phrase, rest, found = strings.Cut(rest, "{"); phrase != "" {
					all = append(all, phrase)
				}
				if found {
					_, rest, _ = strings.Cut(rest, "}")
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
