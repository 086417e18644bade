package config

import (
	"encoding"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// value is what may stand at a key: of which kind, in the words of the problem
// when it is not, and how to read it.
type value[T any] struct {
	kind, want string
	read       reader[T]
}

// reader reads a field into its place in T and reports whether it was good. What
// is wrong with it becomes a problem.
type reader[T any] func(r *resolver, into *T, f field) bool

// word returns the scalar as it is written: 007 stays 007.
func (r *resolver) word(f field, want string) (string, bool) {
	if f.value.Kind != yaml.ScalarNode {
		r.add(f.at, "a list or a block stands here; expected %s", want)
		return "", false
	}
	return f.value.Value, true
}

// shown repeats a bad value in a message, unless it might hold a secret.
func shown(value string) string {
	if len(value) > 40 || strings.Contains(value, "@") || strings.Contains(value, "://") {
		return "the value is"
	}
	return strconv.Quote(value) + " is"
}

// text reads a text of 1 to limit bytes without control characters that good
// accepts.
func text[T any](at func(*T) *string, limit int, want string, good func(string) bool) value[T] {
	return value[T]{"text", want, func(r *resolver, into *T, f field) bool {
		value, ok := r.word(f, want)
		switch {
		case !ok:
			return false
		case value == "":
			r.add(f.at, "empty; expected %s", want)
		case len(value) > limit:
			r.add(f.at, "longer than %d bytes; expected %s", limit, want)
		case !isPrintable(value) || good != nil && !good(value):
			r.add(f.at, "not valid; expected %s", want)
		default:
			*at(into) = value
			return true
		}
		return false
	}}
}

// isPrintable reports whether the value may stand in a label and in a log line,
// and looks the same there as in the file.
func isPrintable(value string) bool {
	if !utf8.ValidString(value) || strings.TrimSpace(value) != value {
		return false
	}
	return strings.IndexFunc(value, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
}

// filePath reads the name of a file, relative to the directory of the configuration.
func filePath[T any](at func(*T) *string, want string) value[T] {
	name := text(at, 4096, want, nil)
	return value[T]{"path", want, func(r *resolver, into *T, f field) bool {
		if !name.read(r, into, f) {
			return false
		}
		if name := at(into); !filepath.IsAbs(*name) {
			*name = filepath.Join(r.dir, *name)
		}
		return true
	}}
}

// choice reads one of a few words.
func choice[T any, W ~string](at func(*T) *W, words ...W) value[T] {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	want := "one of " + strings.Join(list, ", ")
	return value[T]{"word", want, func(r *resolver, into *T, f field) bool {
		value, ok := r.word(f, want)
		if !ok {
			return false
		}
		if !slices.Contains(list, value) {
			r.add(f.at, "%s not known; expected %s", shown(value), want)
			return false
		}
		*at(into) = W(value)
		return true
	}}
}

// bounded reads a duration or size from low to high.
func bounded[T any, V measure, P measurePointer[V]](at func(*T) *V, low, high V) value[T] {
	return boundedOr[T, V, P](at, low, high, "")
}

type measure interface {
	~int64
	fmt.Stringer
}

type measurePointer[V any] interface {
	*V
	encoding.TextUnmarshaler
}

// boundedOr is bounded for a setting with one word more, which its caller reads.
func boundedOr[T any, V measure, P measurePointer[V]](at func(*T) *V, low, high V, word string) value[T] {
	kind := "duration"
	if _, isSize := any(low).(Bytes); isSize {
		kind = "size"
	}
	want := fmt.Sprintf("a value from %v to %v", low, high)
	if word != "" {
		want += ", or " + word
	}
	return value[T]{kind, want, func(r *resolver, into *T, f field) bool {
		word, ok := r.word(f, want)
		if !ok {
			return false
		}
		var value V
		if err := P(&value).UnmarshalText([]byte(word)); err != nil {
			r.add(f.at, "%s %v", shown(word), err)
			return false
		}
		if value < low || value > high {
			r.add(f.at, "%s out of range; expected %s", shown(word), want)
			return false
		}
		*at(into) = value
		return true
	}}
}

// boundedOrZero also accepts 0, which is outside of the range and means never.
func boundedOrZero[T any](at func(*T) *Duration, low, high Duration) value[T] {
	or := boundedOr(at, low, high, "0 for never")
	return value[T]{or.kind, or.want, func(r *resolver, into *T, f field) bool {
		if f.value.Kind == yaml.ScalarNode && (f.value.Value == "0" || f.value.Value == "0s") {
			*at(into) = 0
			return true
		}
		return or.read(r, into, f)
	}}
}

// number reads a whole number from low to high.
func number[T any, N ~int | ~uint32](at func(*T) *N, low, high N) value[T] {
	want := fmt.Sprintf("a whole number from %d to %d", low, high)
	return value[T]{"number", want, func(r *resolver, into *T, f field) bool {
		word, ok := r.word(f, want)
		if !ok {
			return false
		}
		n, err := strconv.ParseUint(word, 10, 31)
		if err != nil || N(n) < low || N(n) > high {
			r.add(f.at, "%s not valid; expected %s", shown(word), want)
			return false
		}
		*at(into) = N(n)
		return true
	}}
}

// list reads a list of at most limit texts, each of which good accepts.
func list[T any](at func(*T) *[]string, limit int, want string, good func(string) bool) value[T] {
	item := text(func(s *string) *string { return s }, 253, want, good)
	all := fmt.Sprintf("at most %d, each %s", limit, want)
	return value[T]{"list", all, func(r *resolver, into *T, f field) bool {
		if f.value.Kind != yaml.SequenceNode {
			r.add(f.at, "not a list; expected a list such as [a, b], each %s", want)
			return false
		}
		// Checked first: through aliases a small file could hold long lists.
		if len(f.value.Content) > limit {
			r.add(f.at, "a list of %d; expected at most %d", len(f.value.Content), limit)
			return false
		}
		values, ok := []string(nil), true
		for i, n := range f.value.Content {
			var value string
			one := field{place{n.Line, n.Column, fmt.Sprintf("%s[%d]", f.at.key, i)}, target(n)}
			switch {
			case isNull(one.value):
				r.add(one.at, "has no value; expected %s", want)
				ok = false
			case !item.read(r, &value, one):
				ok = false
			case slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) }):
				r.add(one.at, "%s given twice; expected it once", shown(value))
				ok = false
			default:
				values = append(values, value)
			}
		}
		*at(into) = values
		return ok
	}}
}
