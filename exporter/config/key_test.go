package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"icws_exporter/probe/secret"

	"go.yaml.in/yaml/v4"
)

// Every key refuses what is no value of its kind, and says where, which key, and
// what it expects.
func TestEveryKeyRefusesBadValues(t *testing.T) {
	refuseBadValues(t, rootKeys)
	refuseBadValues(t, serverKeys)
}

func refuseBadValues[T any](t *testing.T, keys []key[T]) {
	for _, k := range keys {
		if len(k.bad) == 0 {
			t.Errorf("%s has no bad values", k.name)
		}
		for _, bad := range append([]string{"{a: b}", "[[]]"}, k.bad...) {
			if k.name == "http.proxy_url" && bad == `""` {
				continue
			}
			_, err := parseWith(t, map[string]string{k.name: bad})
			problems := (*Error)(nil)
			if !errors.As(err, &problems) {
				t.Errorf("%s: %.60s is accepted", k.name, bad)
				continue
			}
			i := slices.IndexFunc(problems.Problems, func(p Problem) bool { return strings.Contains(p.Key, k.name) })
			if i < 0 {
				t.Errorf("%s: %.60s is refused without the key: %v", k.name, bad, err)
				continue
			}
			if p := problems.Problems[i]; p.Line == 0 || p.Column == 0 || !strings.Contains(p.Message, "expected ") {
				t.Errorf("%s: of %.60s is said %q", k.name, bad, p)
			}
		}
	}
}

// Each key has a field of its own, and what it reads is what it shows.
func TestEveryKeyHasAFieldOfItsOwn(t *testing.T) {
	for field, keys := range fieldsOf(t, rootKeys, rootExample) {
		if len(keys) != 1 {
			t.Errorf("the field %s is that of %q", field, keys)
		}
	}
	fields := fieldsOf(t, serverKeys, func(k key[Server]) string { return k.example })
	for field, keys := range fields {
		if len(keys) != 1 {
			t.Errorf("the field %s is that of %q", field, keys)
		}
	}
	// What Probe adds, and how the server was given, has no key.
	missing := slices.DeleteFunc(leaves("", reflect.TypeFor[Server]()), func(field string) bool { return len(fields[field]) > 0 })
	if want := []string{".Config.Password", ".Config.ProxyPassword", ".Config.MaxGroups", ".Config.MaxEntries", ".Config.MaxCopyBytes", ".Config.MaxResponseBytes", ".Config.Users", ".ByFlags"}; !sameElements(missing, want) {
		t.Errorf("without a key are %q, want %q", missing, want)
	}
}

func rootExample(k key[effective]) string { return k.example }

func sameElements(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// leaves are the fields of a struct and of the structs in it, but for opaque ones.
func leaves(path string, of reflect.Type) []string {
	if of.Kind() != reflect.Struct || of == reflect.TypeFor[ProxyURL]() || of == reflect.TypeFor[secret.Text]() {
		return []string{path}
	}
	var all []string
	for i := range of.NumField() {
		all = append(all, leaves(path+"."+of.Field(i).Name, of.Field(i).Type)...)
	}
	return all
}

// fieldsOf says which keys set each field of T, by reading the example of each.
func fieldsOf[T any](t *testing.T, keys []key[T], example func(key[T]) string) map[string][]string {
	found := map[string][]string{}
	for _, k := range keys {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(example(k)), &n); err != nil {
			n = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{scalar(example(k))}} // a URL with braces
		}
		node := n.Content[0]
		if node.Kind == yaml.MappingNode {
			node = scalar(example(k))
		}
		var v T
		if !k.read(newResolver("", ""), &v, field{value: node}) {
			t.Errorf("%s does not read its own example", k.name)
		}
		for _, path := range leaves("", reflect.TypeFor[T]()) {
			at := reflect.ValueOf(v)
			for _, name := range strings.Split(path, ".")[1:] {
				at = at.FieldByName(name)
			}
			if !at.IsZero() {
				found[path] = append(found[path], k.name)
			}
		}
		if s, ok := any(&v).(*Server); ok && strings.HasPrefix(k.name, "users.") {
			s.Users.All = true // else nothing of users is shown
		}
		if shown := k.show(&v); shown == nil || node.Kind == yaml.ScalarNode && shown.Value == "" {
			t.Errorf("%s does not show its example", k.name)
		}
	}
	return found
}

// The defaults are read when they are needed first: here.
func TestTheDefaultsAreValid(t *testing.T) {
	if s := defaultServer(); s.CheckInterval == 0 || s.URL == "" {
		t.Errorf("%+v", s)
	}
	if e := defaultEffective(); e.limits.Groups == 0 {
		t.Errorf("%+v", e)
	}
}

// CONTRIBUTING says which files a new key changes. So no other file of the exporter
// may know a key by its name, but for the examples and the texts for people.
func TestAKeyIsDeclaredInTheFilesThatContributingNames(t *testing.T) {
	guide, err := os.ReadFile("../../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(guide), "\n## Add a key\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, m := range regexp.MustCompile("`((?:exporter|probe)/[a-z_/]+\\.go)`").FindAllStringSubmatch(section, -1) {
		if _, err := os.Stat("../../" + m[1]); err != nil {
			t.Errorf("the guide names %s: %v", m[1], err)
		}
		listed = append(listed, m[1])
	}
	if !slices.Contains(listed, "exporter/config/keys.go") || !slices.Contains(listed, "probe/config.go") {
		t.Errorf("the guide names %q", listed)
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || slices.Contains(listed, "exporter/config/"+file) {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(namesOf(serverKeys), namesOf(rootKeys)...) {
			if strings.Contains(name, "_") && !slices.Contains(passwordNames, name) && !strings.HasPrefix(name, "http.tls_config") && strings.Contains(string(source), `"`+name+`"`) {
				t.Errorf("%s knows the key %s, and the guide does not name the file", file, name)
			}
		}
	}
}
