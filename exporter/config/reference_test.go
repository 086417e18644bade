package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReference(t *testing.T) { compareGolden(t, "../../docs/configuration.md", keyReference()) }

// row is a line of the tables of docs/configuration.md.
type row struct{ key, kind, accepts, unset, example, meaning string }

var fixed = regexp.MustCompile("^`([^`]+)`$")

func documented(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| (.+?) \\| (.+?) \\| (.+?) \\| `(.+?)` \\| (.+) \\|$").FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, row{m[1], m[2], m[3], m[4], m[5], m[6]})
	}
	return rows
}

func TestEveryKeyIsDocumentedOnce(t *testing.T) {
	var keys []string
	for _, r := range documented(t) {
		keys = append(keys, r.key)
	}
	if diff := cmp.Diff(append(namesOf(serverKeys), namesOf(rootKeys)...), keys); diff != "" {
		t.Errorf("the document has other keys than the tables (-tables +document):\n%s", diff)
	}
}

// fileWith is a configuration with the values of these keys, at the place of each.
func fileWith(values map[string]string) string {
	server := map[string]string{"name": "a", "user": "u", "hosts": "[cic-a.example.com]", "password_env": "ICWS_TEST_PASSWORD"}
	var top strings.Builder
	for key, value := range values {
		if slices.Contains(passwordNames, key) {
			delete(server, "password_env")
		}
		if slices.Contains(namesOf(rootKeys), key) {
			top.WriteString(nested(key, value) + "\n")
		} else {
			server[key] = value
		}
	}
	// One line per block: its keys together.
	blocks := map[string][]string{}
	var lines []string
	for key, value := range server {
		if block, rest, found := strings.Cut(key, "."); found {
			blocks[block] = append(blocks[block], nested(rest, value))
		} else {
			lines = append(lines, key+": "+value)
		}
	}
	for block, keys := range blocks {
		lines = append(lines, block+": {"+strings.Join(keys, ", ")+"}")
	}
	return top.String() + "servers:\n  - " + strings.Join(lines, "\n    ") + "\n"
}

// nested writes a.b with its value as a: {b: value}.
func nested(key, value string) string {
	block, rest, found := strings.Cut(key, ".")
	if !found {
		return key + ": " + value
	}
	return block + ": {" + nested(rest, value) + "}"
}

func parseWith(t *testing.T, values map[string]string) (Validated, error) {
	t.Helper()
	t.Setenv("ICWS_TEST_PASSWORD", testPassword)
	return Parse("example.yaml", []byte(fileWith(values)), t.TempDir())
}

// amongUsers are the values without which a key about users means nothing.
func amongUsers(key string) map[string]string {
	if !strings.HasPrefix(key, "users.") || slices.Contains(userSources, key) {
		return map[string]string{}
	}
	return map[string]string{"users.workgroups": "[Sales]"}
}

// Whoever writes a documented default into the file changes nothing by that.
func TestTheDocumentedDefaultsAreTheRealOnes(t *testing.T) {
	bare, err := parseWith(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, r := range documented(t) {
		value := fixed.FindStringSubmatch(r.unset)
		switch {
		case r.key == "stale_after":
			value = []string{"", "3m"} // 3 × check_interval, of a minute
		case value == nil || r.key == "http.tls_config.min_version":
			continue // words; Go's own default is not in the model
		}
		checked++
		bare := bare
		values := amongUsers(r.key)
		if len(values) > 0 {
			if bare, err = parseWith(t, values); err != nil {
				t.Fatal(err)
			}
		}
		values[r.key] = fmt.Sprintf("%q", value[1])
		given, err := parseWith(t, values)
		if err != nil {
			t.Errorf("%s: %v", r.key, err)
			continue
		}
		if diff := cmp.Diff(string(bare.Redacted()), string(given.Redacted())); diff != "" {
			t.Errorf("%s is not %s by default (-without +with):\n%s", r.key, value[1], diff)
		}
	}
	if checked < 20 {
		t.Errorf("only %d defaults were found", checked)
	}
}

// A key without a default of its own is required, or is fine to leave out.
func TestTheRequiredKeysAreThose(t *testing.T) {
	for _, r := range documented(t) {
		server := map[string]string{"name": "a", "user": "u", "hosts": "[a.example.com]", "password_env": "ICWS_TEST_PASSWORD"}
		delete(server, r.key)
		var lines []string
		for key, value := range server {
			lines = append(lines, key+": "+value)
		}
		t.Setenv("ICWS_TEST_PASSWORD", testPassword)
		_, err := Parse("example.yaml", []byte("servers:\n  - "+strings.Join(lines, "\n    ")), "")
		isRequired := strings.Contains(r.unset, required) && r.key != "password_file" && r.key != "password_credential"
		if isRequired != (err != nil) {
			t.Errorf("%s is documented as %q; without it: %v", r.key, r.unset, err)
		}
	}
}

// Every example differs from the default and is accepted.
func TestTheExamplesOfTheReferenceAreAccepted(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
	t.Setenv("ICWS_PASSWORD", testPassword)
	for _, r := range documented(t) {
		if r.key == "name" || r.key == "user" || r.key == "url" {
			continue // in every file
		}
		values := amongUsers(r.key)
		values[r.key] = r.example
		if r.key == "auth_hold.min" {
			values["auth_hold.max"] = "4h"
		}
		_, err := parseWith(t, values)
		if problems := aboutFiles.ReplaceAllString(fmt.Sprint(err), ""); err != nil && problems != "" {
			t.Errorf("%s: %s: %v", r.key, r.example, err)
		}
		if "`"+r.example+"`" == r.unset {
			t.Errorf("%s: the example is the default", r.key)
		}
	}
}

// aboutFiles are the problems of files that are not on this machine.
var aboutFiles = regexp.MustCompile(`(?m)^.*(cannot be read|no credential of this name|there is no key_file|there is no cert_file).*\n?`)

// The bounds of a range are accepted, and what lies outside of them is not.
func TestTheDocumentedRangesAreTheRealOnes(t *testing.T) {
	ranges := 0
	for _, r := range documented(t) {
		m := regexp.MustCompile(`from (\S+?) to (\w+)`).FindStringSubmatch(r.accepts)
		if m == nil {
			continue
		}
		ranges++
		for _, bound := range m[1:] {
			values := amongUsers(r.key)
			values[r.key] = bound
			_, err := parseWith(t, values)
			if err != nil && !strings.Contains(err.Error(), "contradicts") {
				t.Errorf("%s refuses its own bound %s: %v", r.key, bound, err)
			}
		}
		for _, beyond := range beyond(m[1], m[2]) {
			if _, err := parseWith(t, map[string]string{r.key: beyond}); err == nil || strings.Contains(err.Error(), "contradicts") {
				t.Errorf("%s accepts %s, outside of its range: %v", r.key, beyond, err)
			}
		}
	}
	if ranges < 15 {
		t.Errorf("only %d ranges were found", ranges)
	}
}

// beyond is a value just above the range, and one below where there is any.
func beyond(low, high string) []string {
	number := regexp.MustCompile(`^\d+`).FindString(high)
	var n int
	fmt.Sscan(number, &n)
	values := []string{fmt.Sprint(n+1) + strings.TrimPrefix(high, number)}
	if low != "0" {
		values = append(values, "-1", "0.5"+strings.TrimLeft(low, "0123456789"))
	}
	return values
}

func TestTheFileOfTheReferenceIsValid(t *testing.T) {
	dir := t.TempDir()
	pem, err := os.ReadFile("testdata/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"pw": testPassword, "rome-ca.pem": string(pem)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("ICWS_PASSWORD_ROME", testPassword)
	v, err := Parse("../../docs/configuration.md", []byte(exampleFile), dir)
	if err != nil {
		t.Fatal(err)
	}
	if names := v.Servers(); len(names) != 3 || names[1].User != "svc-prom-rome" || names[1].PasswordFile != "" {
		t.Errorf("the example watches %v", names)
	}
}
