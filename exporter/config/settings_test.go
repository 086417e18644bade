package config

import (
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// problemsOf returns the problems of the bad files whose names match, by key
// without its place: servers[1].hosts[0] and defaults.hosts are hosts.
func problemsOf(t *testing.T, pattern string) map[string][]Problem {
	t.Helper()
	prefix, index := regexp.MustCompile(`^(servers\[\d+\]|defaults)\.`), regexp.MustCompile(`\[\d+\]$`)
	found := map[string][]Problem{}
	for _, path := range filesIn(t, pattern) {
		_, err := parseTestdata(t, path)
		problems := (*Error)(nil)
		if !errors.As(err, &problems) {
			t.Fatalf("%s: %v", path, err)
		}
		for _, p := range problems.Problems {
			key := index.ReplaceAllString(prefix.ReplaceAllString(p.Key, ""), "")
			found[key] = append(found[key], p)
		}
	}
	return found
}

// Every setting has examples of being wrong under testdata/bad, so that a new one
// cannot come without: a value of the wrong kind, a value that is none, and for a
// range one below and one above it.
func TestEverySettingHasBadExamples(t *testing.T) {
	kinds := problemsOf(t, "testdata/bad/wrong_kinds*.yaml")
	small, large := problemsOf(t, "testdata/bad/too_small.yaml"), problemsOf(t, "testdata/bad/too_large.yaml")
	values := map[string][]Problem{}
	for _, path := range filesIn(t, "testdata/bad/*.yaml") {
		if slices.Contains([]string{"wrong_kinds.yaml", "wrong_kinds_in_blocks.yaml", "too_small.yaml", "too_large.yaml"}, filepath.Base(path)) {
			continue
		}
		for key, problems := range problemsOf(t, path) {
			for _, p := range problems {
				if isAboutTheValue(p) {
					values[key] = append(values[key], p)
				}
			}
		}
	}
	for key, ranged := range expectations(t) {
		if len(kinds[key]) == 0 {
			t.Errorf("%s: wrong_kinds.yaml has no value of the wrong kind", key)
		}
		if ranged && (len(small[key]) == 0 || len(large[key]) == 0) {
			t.Errorf("%s: too_small.yaml and too_large.yaml do not both leave its range", key)
		}
		if len(values[key]) == 0 {
			t.Errorf("%s: no file has a value that is none", key)
		}
	}
}

// isAboutTheValue leaves out what the reading of any key says.
func isAboutTheValue(p Problem) bool {
	for _, general := range []string{"missing", "given twice, first", "unknown key", "has no value", "contradicts", "a list or a block", "not a list;"} {
		if strings.HasPrefix(p.Message, general) {
			return false
		}
	}
	return true
}

// expectations returns every setting and whether it is a range, which it says when
// it is given a list.
func expectations(t *testing.T) map[string]bool {
	t.Helper()
	wrong := field{value: &yaml.Node{Kind: yaml.MappingNode}}
	ranges := map[string]bool{}
	note := func(key string, r *resolver, good bool) {
		err := r.found()
		if good || err == nil {
			t.Errorf("%s accepts a block of keys", key)
			return
		}
		if !strings.Contains(err.Error(), "; expected ") {
			t.Errorf("%s does not say what is expected: %v", key, err)
		}
		ranges[key] = strings.Contains(err.Error(), " from ")
	}
	for _, s := range rootSettings {
		r := newResolver(problems{}, "")
		note(s.key, r, s.read(r, new(effective), wrong))
	}
	for _, s := range serverSettings {
		r := newResolver(problems{}, "")
		note(s.key, r, s.read(r, new(Server), wrong))
	}
	return ranges
}
