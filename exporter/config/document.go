package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// document parses src into its only document. It returns nil after a problem.
func (r *resolver) document(src []byte) *yaml.Node {
	if !r.isText(src) {
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		r.syntax(src, err)
		return nil
	}
	var first, second yaml.Node
	if err := loader.Load(&first); err != nil && !errors.Is(err, io.EOF) {
		r.syntax(src, err)
		return nil
	}
	if len(first.Content) == 0 || isNull(first.Content[0]) {
		r.add(place{line: 1, column: 1}, "the file is empty; expected servers:, at least an empty list (servers: [])")
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		r.add(at(&second, ""), "a second document starts here; expected one document, so remove the line of dashes")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(src, err)
		return nil
	}
	r.refuseTags(first.Content[0])
	return first.Content[0]
}

// refuseTags reports every tag: nothing here needs one, and one that is ignored
// would not do what it says.
func (r *resolver) refuseTags(n *yaml.Node) {
	if n.Style&yaml.TaggedStyle != 0 {
		r.add(at(n, ""), "a YAML tag (!) stands here; expected the value without a tag")
	}
	for _, child := range n.Content {
		r.refuseTags(child)
	}
}

// isText reports whether src is UTF-8 that YAML allows; what is not becomes a problem.
func (r *resolver) isText(src []byte) bool {
	where := place{line: 1}
	for line := range bytes.Lines(src) {
		where.column = 1
		for rest := line; len(rest) > 0; where.column++ {
			c, size := utf8.DecodeRune(rest)
			switch {
			case c == utf8.RuneError && size == 1:
				r.add(where, "not UTF-8 text; a letter here is of another encoding, such as Latin-1 or Windows-1252; expected UTF-8, so save the file as that")
				return false
			case c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f:
				r.add(where, "a control character stands here; expected text, so remove it")
				return false
			}
			rest = rest[size:]
		}
		where.line++
	}
	return true
}

// clearer are the words of syntax errors that can be said better.
var clearer = []struct{ begins, better string }{
	{"unknown anchor", "an alias (*) names an anchor (&) that does not exist before it"},
	{"found a tab character", tab},
	{"found unknown escape character", escape},
	{"did not find expected hexadecimal number", escape},
	{"mapping values are not allowed in this context", "a second colon here; expected a blank after the colon of each key, also in the line before, and quotes around a value with a colon"},
	{"found character '", "found a character that is not allowed here"},
}

const (
	tab    = "a tab stands here; expected blanks, since YAML is indented with blanks only"
	escape = "this is no escape of YAML: expected no backslash in double quotes, so write a path of Windows without quotes or in single quotes"
)

// syntax takes over the position of a syntax error, and its words unless they
// repeat a part of the file, which might be a secret.
func (r *resolver) syntax(src []byte, err error) {
	var where place
	what := "it cannot be read"
	if load := (*yaml.LoadError)(nil); errors.As(err, &load) {
		where.line, where.column = load.Mark.Line, load.Mark.Column
		what = load.Message
	}
	if bytes.HasPrefix(from(src, where), []byte("\t")) {
		what = "found a tab character"
	}
	for _, k := range clearer {
		if strings.HasPrefix(what, k.begins) {
			r.add(where, "not valid YAML: %s", k.better)
			return
		}
	}
	r.add(where, "not valid YAML: %s; expected correct YAML, so look at the indentation, colons and quotes here and in the line before", what)
}

// from is what stands in src at a place, to the end of its line.
func from(src []byte, where place) []byte {
	line := 0
	for text := range bytes.Lines(src) {
		if line++; line == where.line {
			return text[min(len(text), max(0, where.column-1)):]
		}
	}
	return nil
}

func at(n *yaml.Node, key string) place { return place{n.Line, n.Column, key} }

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// target follows an alias to what it stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
