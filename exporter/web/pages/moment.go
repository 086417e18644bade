package pages

import (
	"strconv"
	"time"
)

// clock says how far from now things are.
type clock struct {
	now time.Time
	// live marks what is made for an open page: the page itself says how long ago
	// something was, so that nothing is sent because time passes.
	live bool
}

func (c clock) moment(t time.Time) moment {
	switch {
	case t.IsZero():
		return moment{}
	case c.live:
		return moment{iso(t), t.UTC().Format(time.TimeOnly), exact(t)}
	default:
		return moment{iso(t), distance(t.Sub(c.now)), exact(t)}
	}
}

// lasting is since when something is as it is, in words that say how long that is.
func (c clock) lasting(t time.Time) moment {
	m := c.moment(t)
	if m.ISO != "" && !c.live {
		m.Text = duration(c.now.Sub(t))
	}
	return m
}

// lately is a moment that is not worth telling exactly when it was just now.
func (c clock) lately(t time.Time) moment {
	if age := c.now.Sub(t); age >= 0 && age < time.Minute {
		return moment{Text: "within a minute"}
	}
	return c.moment(t)
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// distance says how far from now something is, in its two largest units. page.js
// says it in the same words.
func distance(d time.Duration) string {
	past := d < 0
	d = d.Abs().Truncate(time.Second)
	if d < time.Second {
		return "now"
	}
	if past {
		return span(d) + " ago"
	}
	return "in " + span(d)
}

// duration says how long something has lasted. page.js says it in the same words.
func duration(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return "for " + span(d)
}

// span is a length of time in its two largest units.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m " + strconv.Itoa(int(d%time.Minute/time.Second)) + "s"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "h " + strconv.Itoa(int(d%time.Hour/time.Minute)) + "m"
	default:
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	}
}

// took is how long a request was, exact enough for a person.
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return strconv.Itoa(int(d/time.Millisecond)) + " ms"
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
}
