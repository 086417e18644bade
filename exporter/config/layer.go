package config

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// layer holds the settings of one mapping by their dotted keys, such as
// http.proxy_url. Flat keys let one layer override another key by key.
type layer struct {
	at     place
	fields map[string]field
	// tried are keys that somebody meant to give: reported, and so not missing.
	tried map[string]bool
	// keyName is how a user writes a dotted key of this layer.
	keyName func(dotted string) string
}

// field is a value, never null and never an alias, and where it stands.
type field struct {
	at    place
	value *yaml.Node
}

// missing is the place to name when a key of the layer is not there.
func (l layer) missing(dotted string) place {
	return place{l.at.line, l.at.column, l.keyName(dotted)}
}

// choices are keys that exclude each other.
var choices = [][]string{passwordNames, userSources}

// over returns l with the fields of base for the keys that l does not have. The keys
// of a choice are one: any of them in l hides those of base.
func (l layer) over(base layer) layer {
	own := l.fields
	l.fields = maps.Clone(base.fields)
	if l.fields == nil {
		l.fields = make(map[string]field)
	}
	for _, choice := range choices {
		isOneOf := func(key string, _ field) bool { return slices.Contains(choice, key) }
		if slices.ContainsFunc(choice, func(key string) bool { _, given := own[key]; return given }) {
			maps.DeleteFunc(l.fields, isOneOf)
		}
	}
	maps.Copy(l.fields, own)
	tried := maps.Clone(l.tried)
	maps.Copy(tried, base.tried)
	l.tried = tried
	return l
}

// advice answers keys that people know from elsewhere.
var advice = map[string]string{
	"port":                                 "not a key; expected the port with the host, as in hosts: ['cic-a.example.com:8019'], or in url",
	"scheme":                               "not a key; expected it in url, such as http://{host}:8018",
	"password":                             "a password does not belong in this file; expected password_file, password_env or password_credential",
	"http.tls_config.insecure_skip_verify": "not available, because the password would go to whoever answers; expected ca_file with the CA, or the certificate itself, of a server that no public CA signed, and server_name when its certificate has another name",
	"http.tls_config.ca":                   "not read from this file; expected ca_file with the path of a PEM file",
	"http.tls_config.cert":                 "not read from this file; expected cert_file with the path of a PEM file",
	"http.tls_config.key":                  "not read from this file; expected key_file with the path of a PEM file",
}

// layer reads a mapping. The path is that of the mapping, empty for the root.
func (r *resolver) layer(n *yaml.Node, path string, known []string) layer {
	if path != "" {
		path += "."
	}
	l := layer{
		at: at(n, strings.TrimSuffix(path, ".")), fields: make(map[string]field), tried: make(map[string]bool),
		keyName: func(dotted string) string { return path + dotted },
	}
	r.collect(l, place{n.Line, n.Column, l.at.key}, target(n), "", known)
	return l
}

// collect puts the fields of mapping n, whose keys begin with prefix, into l.
func (r *resolver) collect(l layer, where place, n *yaml.Node, prefix string, known []string) {
	if n.Kind != yaml.MappingNode {
		r.add(where, "not a block of keys; expected lines of the form key: value, indented below it")
		return
	}
	first := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == "<<" {
			r.add(at(key, where.key), "a merge key (<<) stands here; expected the keys themselves, or common keys under defaults")
			continue
		}
		if value.Anchor != "" && !isKnown(prefix+key.Value, known) {
			r.add(at(key, where.key), "an unknown key with an anchor (&); expected what servers have in common under defaults, which holds for all of them")
			continue
		}
		if key.Kind != yaml.ScalarNode || !isPlainKey(key.Value) {
			r.notPlain(l, at(key, where.key), prefix, key, known)
			continue
		}
		dotted := prefix + key.Value
		here := at(key, l.keyName(dotted))
		if line, twice := first[dotted]; twice {
			r.add(here, "given twice, first in line %d; expected it once", line)
			continue
		}
		first[dotted] = key.Line
		r.collectKey(l, here, dotted, value, known)
	}
}

func (r *resolver) collectKey(l layer, here place, dotted string, value *yaml.Node, known []string) {
	isKey := slices.Contains(known, dotted)
	isBlock := isKnown(dotted, known) && !isKey
	switch {
	case !isKey && !isBlock:
		r.unknown(l, here, dotted, known)
	case isNull(target(value)):
		l.tried[dotted] = true
		r.add(here, "has no value; expected one, or that the line is removed")
	case isBlock:
		r.collect(l, at(value, here.key), target(value), dotted+".", known)
	default:
		l.fields[dotted] = field{at(value, here.key), target(value)}
	}
}

// isKnown reports whether there is a key or a block of the name.
func isKnown(dotted string, known []string) bool {
	return slices.ContainsFunc(known, func(name string) bool { return name == dotted || strings.HasPrefix(name, dotted+".") })
}

func (r *resolver) unknown(l layer, here place, dotted string, known []string) {
	l.tried[dotted] = true
	if text, ok := advice[dotted]; ok {
		r.add(here, "%s", text)
		return
	}
	prefix, _ := cutLast(dotted)
	if text := belongsElsewhere(l.at.key, dotted); text != "" && prefix == "" {
		r.add(here, "%s", text)
		return
	}
	if hint, meant := hintForKey(dotted, known); hint != "" {
		l.tried[meant] = true
		r.add(here, "unknown key; %s", hint)
		return
	}
	r.add(here, "unknown key; expected one of %s", children(prefix, known))
}

// notPlain reports a key that might be anything, without repeating it.
func (r *resolver) notPlain(l layer, here place, prefix string, key *yaml.Node, known []string) {
	if name := plainKey(key.Value); key.Kind == yaml.ScalarNode && isPlainKey(name) {
		if hint, meant := hintForKey(prefix+key.Value, known); hint != "" {
			l.tried[meant] = true
			r.add(here, "an unknown key; %s", hint)
			return
		}
	}
	r.add(here, "a key here is not a plain word; expected one of %s", children(prefix, known))
}

// children lists the keys directly below prefix.
func children(prefix string, known []string) string {
	var names []string
	for _, name := range known {
		rest, below := strings.CutPrefix(name, prefix)
		rest, _, _ = strings.Cut(rest, ".")
		if below && (len(names) == 0 || names[len(names)-1] != rest) {
			names = append(names, rest)
		}
	}
	return strings.Join(names, ", ")
}

// isPlainKey reports whether a key may be repeated in a message: a slip in the
// YAML can make a key of a password, and passwords seldom look like this.
func isPlainKey(name string) bool {
	if name == "" || len(name) > 40 {
		return false
	}
	for _, c := range []byte(name) {
		if c != '_' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
