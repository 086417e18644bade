package icwssim

import (
	"fmt"
	"slices"
	"strings"
)

// words are the texts of an enumeration's values, in their order.
type words []string

func (w words) of(value uint8) string {
	if int(value) < len(w) {
		return w[value]
	}
	return fmt.Sprintf("unknown(%d)", value)
}

func (w words) parse(text []byte) (uint8, error) {
	i := slices.Index(w, string(text))
	if i < 0 {
		return 0, fmt.Errorf("%q is none of %s", text, strings.Join(w, ", "))
	}
	return uint8(i), nil
}

var (
	secondStreamWords = words{"replaces", "refused", "shares"}
	queueFullWords    = words{"drop-oldest", "drop-newest", "end-session"}
	emptiesWords      = words{"absent", "array", "null"}
	sessionInWords    = words{"body-and-headers", "body", "headers"}
)

// String returns the word that SetQuirk takes.
func (v SecondStream) String() string { return secondStreamWords.of(uint8(v)) }

// MarshalText implements encoding.TextMarshaler.
func (v SecondStream) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *SecondStream) UnmarshalText(text []byte) error {
	value, err := secondStreamWords.parse(text)
	*v = SecondStream(value)
	return err
}

// String returns the word that SetQuirk takes.
func (v QueueFull) String() string { return queueFullWords.of(uint8(v)) }

// MarshalText implements encoding.TextMarshaler.
func (v QueueFull) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *QueueFull) UnmarshalText(text []byte) error {
	value, err := queueFullWords.parse(text)
	*v = QueueFull(value)
	return err
}

// String returns the word that SetQuirk takes.
func (v Empties) String() string { return emptiesWords.of(uint8(v)) }

// MarshalText implements encoding.TextMarshaler.
func (v Empties) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Empties) UnmarshalText(text []byte) error {
	value, err := emptiesWords.parse(text)
	*v = Empties(value)
	return err
}

// String returns the word that SetQuirk takes.
func (v SessionIn) String() string { return sessionInWords.of(uint8(v)) }

// MarshalText implements encoding.TextMarshaler.
func (v SessionIn) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *SessionIn) UnmarshalText(text []byte) error {
	value, err := sessionInWords.parse(text)
	*v = SessionIn(value)
	return err
}
