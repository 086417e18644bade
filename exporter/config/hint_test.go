package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// misspellings are how people write a name that they nearly know.
func misspellings(name string) map[string]string {
	all := map[string]string{
		"upper case":    strings.ToUpper(name),
		"a capital":     strings.ToUpper(name[:1]) + name[1:],
		"hyphens":       strings.ReplaceAll(name, "_", "-"),
		"camels":        camel(name),
		"a plural":      name + "s",
		"a letter more": name[:1] + "q" + name[1:],
	}
	if len(name) > 3 {
		all["a letter less"] = name[:2] + name[3:]
	}
	return all
}

func camel(name string) string {
	first, rest, _ := strings.Cut(name, "_")
	for rest != "" {
		var word string
		word, rest, _ = strings.Cut(rest, "_")
		first += strings.ToUpper(word[:1]) + word[1:]
	}
	return first
}

// However a key or the name of a block is misspelt, the hint is the key, or one
// that is as near.
func TestEveryMisspeltKeyGetsAHint(t *testing.T) {
	tried := 0
	for _, dotted := range withBlocks(serverNames) {
		prefix, name := cutLast(dotted)
		for kind, wrong := range misspellings(name) {
			if slices.Contains(withBlocks(serverNames), prefix+wrong) {
				continue // it is another key
			}
			tried++
			file := wrong + ": x"
			for block := blockOf(dotted); block != ""; block = blockOf(block) {
				_, outer := cutLast(block)
				file = outer + ": {" + file + "}"
			}
			_, err := Parse("icws.yaml", []byte("servers:\n  - name: a\n    "+file), "")
			problems := (*Error)(nil)
			if !errors.As(err, &problems) {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(problems.Problems, func(p Problem) bool {
				return strings.Contains(p.Message, "did you mean ") && strings.Contains(p.Message, name) || strings.Contains(p.Message, "expected "+name)
			})
			if !found && len(name) > 3 {
				t.Errorf("%s of %s, %s:\n%v", kind, dotted, wrong, err)
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d misspellings were tried", tried)
	}
}

// A key at another level is told where it belongs.
func TestAKeyAtAnotherLevelIsToldWhereItBelongs(t *testing.T) {
	for _, dotted := range withBlocks(serverNames) {
		_, name := cutLast(dotted)
		if slices.Contains(withBlocks(rootNames), name) || name == "name" {
			continue
		}
		_, err := Parse("icws.yaml", []byte(name+": x\nservers: []"), "")
		if err == nil || !strings.Contains(err.Error(), "a key of a server; expected it there, or under defaults") {
			t.Errorf("%s at the top: %v", name, err)
		}
	}
	for _, name := range []string{"tls_config", "ca_file", "cert_file", "server_name", "proxy_url"} {
		_, err := Parse("icws.yaml", []byte("servers:\n  - name: a\n    "+name+": x"), "")
		if err == nil || !strings.Contains(err.Error(), "did you mean http.") || !strings.Contains(err.Error(), "It stands as http: {") {
			t.Errorf("%s in a server: %v", name, err)
		}
	}
}
