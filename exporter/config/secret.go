package config

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "<secret>"

// Secret is a text that prints as <secret> wherever it is printed: by every verb
// of fmt, by slog, and as JSON or YAML. Only Reveal gives it away. The zero Secret
// is empty.
type Secret struct {
	// A pointer, because fmt prints the fields of a Secret that stands in an
	// unexported field of something else, without asking the Secret.
	value *string
}

// NewSecret hides value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the text itself, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Format prints <secret> for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String is <secret>.
func (s Secret) String() string { return hidden }

// MarshalText is <secret>, which makes it <secret> in JSON and YAML too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue is <secret>.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
