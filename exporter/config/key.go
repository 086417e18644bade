package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// key is a key of the configuration, and all that there is to say of it: its value
// says what may stand there and which field of the Go type it is. The defaults, the
// reference, what pages and the API show, the problems and the tests of bad values
// come from here.
type key[T any] struct {
	name string // with a dot for each block that it stands in
	value[T]
	// preset is the default, as a file would have it. Without one, unset says in words
	// what holds without the key.
	preset, unset string
	example       string // as it stands in a file
	meaning       string // in Markdown
}

func namesOf[T any](keys []key[T]) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// presets sets the fields that have a default.
func presets[T any](into *T, keys []key[T]) {
	r := newResolver("", "")
	for _, k := range keys {
		if k.preset != "" {
			k.read(r, into, field{value: scalar(k.preset)})
		}
	}
	if err := r.found(); err != nil {
		panic("a default is not valid: " + err.Error()) // a test reads them all
	}
}

// apply reads the fields by their keys and returns the names of the bad ones.
func apply[T any](r *resolver, into *T, fields map[string]field, keys []key[T]) (bad map[string]bool) {
	bad = make(map[string]bool)
	for _, k := range keys {
		if f, ok := fields[k.name]; ok && !k.read(r, into, f) {
			bad[k.name] = true
		}
	}
	return bad
}

// block shows the values of all keys that are set, as a file would have them.
func block[T any](from *T, keys []key[T]) *yaml.Node {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, k := range keys {
		if value := k.show(from); value != nil {
			put(root, k.name, value)
		}
	}
	return root
}

// put gives the mapping a value at a dotted name.
func put(n *yaml.Node, name string, value *yaml.Node) {
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		n.Content = append(n.Content, scalar(first), value)
		return
	}
	i := slices.IndexFunc(n.Content, func(c *yaml.Node) bool { return c.Value == first })
	if i < 0 {
		i = len(n.Content)
		n.Content = append(n.Content, scalar(first), &yaml.Node{Kind: yaml.MappingNode})
	}
	put(n.Content[i+1], rest, value)
}

// dump cannot fail: these nodes hold nothing that YAML cannot say.
func dump(n *yaml.Node) []byte {
	out, err := yaml.Dump(n)
	if err != nil {
		return nil
	}
	return out
}
