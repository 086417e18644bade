// Package secret holds secrets without showing them, finds them in texts from
// outside however they are spelled there, and makes such texts fit to be shown.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const hidden = "<secret>"

// Text is a secret text that prints as <secret> wherever it is printed: by every
// verb of fmt, by slog, and as JSON or YAML. Only Reveal gives it away. The zero
// Text is empty. It is immutable; any goroutine may use it.
type Text struct {
	// A pointer, because fmt prints the fields of a Text that stands in an
	// unexported field of something else, without asking the Text.
	value *string
}

// New hides value.
func New(value string) Text { return Text{&value} }

// Reveal returns the text itself, for the one place that sends it.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero reports whether the text is empty.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// Equal reports whether both are the same text. How long it takes tells nothing
// about where they differ.
func (t Text) Equal(other Text) bool {
	a, b := sha256.Sum256([]byte(t.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Format prints <secret> for every verb and flag.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String is <secret>.
func (t Text) String() string { return hidden }

// MarshalText is <secret>, which makes it <secret> in JSON and YAML too.
func (t Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue is <secret>.
func (t Text) LogValue() slog.Value { return slog.StringValue(hidden) }
