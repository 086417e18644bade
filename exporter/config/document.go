package config

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document parses src into its only document. It returns nil after a problem.
func (r *resolver) document(src []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		r.syntax(err)
		return nil
	}
	var first, second yaml.Node
	if err := loader.Load(&first); err != nil && !errors.Is(err, io.EOF) {
		r.syntax(err)
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
		r.syntax(err)
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

// syntax takes over the position of a syntax error, and its words unless they
// repeat a part of the file, which might be a secret.
func (r *resolver) syntax(err error) {
	var where place
	what := "it cannot be read"
	if load := (*yaml.LoadError)(nil); errors.As(err, &load) {
		where.line, where.column = load.Mark.Line, load.Mark.Column
		what = load.Message
	}
	switch {
	case strings.HasPrefix(what, "unknown anchor"):
		what = "an alias (*) names an anchor (&) that does not exist before it"
	case strings.HasPrefix(what, "found character '"):
		what = "found a character that is not allowed here"
	}
	r.add(where, "not valid YAML: %s; expected correct YAML, so look at the indentation, colons and quotes here and in the line before", what)
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
