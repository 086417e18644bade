package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// hostile is written differently in every place that it can stand in.
const hostile = `pä"ss \w/ord<&1>+`

// each writes every character of a text in the same way.
func each(text, format string) string {
	var b strings.Builder
	for _, r := range text {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

// everyByte is the same for its bytes.
func everyByte(text, format string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, format, text[i])
	}
	return b.String()
}

// shellSpecial is what a shell's quoting has a backslash before.
var shellSpecial = regexp.MustCompile(`[\x00-/:-@\[-\x60{-\x7f]`)

// spelled are the ways in which a server may repeat a secret.
func spelled(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	inJSON := string(quoted[1 : len(quoted)-1])
	lines := base64.StdEncoding.EncodeToString([]byte("a header of the user and so on:" + secret + " and more of it behind"))
	latin, _ := latin1(secret)
	forms := map[string]string{
		"raw":                   secret,
		"upper":                 strings.ToUpper(secret),
		"title":                 strings.Title(secret), //nolint:staticcheck // any other case will do
		"JSON":                  inJSON,
		"JSON with slashes":     strings.ReplaceAll(inJSON, "/", `\/`),
		"JSON everywhere":       each(secret, `\u%04X`),
		"JSON in JSON":          strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(inJSON),
		"Go":                    strings.Trim(strconv.Quote(secret), `"`),
		"Go ASCII":              strings.Trim(strconv.QuoteToASCII(secret), `"`),
		"Go bytes":              everyByte(secret, `\x%02x`),
		"misread":               misread(secret),
		"bytes as characters":   everyByte(secret, `\u%04x`),
		"bytes as entities":     everyByte(secret, "&#%d;"),
		"octal":                 everyByte(secret, `\%03o`),
		"HTML":                  html.EscapeString(secret),
		"HTML decimal":          each(secret, "&#%d;"),
		"HTML hex":              each(secret, "&#x%x;"),
		"HTML in JSON":          strings.ReplaceAll(html.EscapeString(inJSON), `"`, `\"`),
		"query":                 url.QueryEscape(secret),
		"path":                  url.PathEscape(secret),
		"percent lower":         strings.ToLower(url.QueryEscape(secret)),
		"percent everywhere":    everyByte(secret, "%%%02x"),
		"percent of 8859-1":     url.PathEscape(latin),
		"percent of percent":    url.QueryEscape(url.PathEscape(secret)),
		"hex":                   fmt.Sprintf("%x", secret),
		"HEX":                   fmt.Sprintf("%X", secret),
		"hex with colons":       strings.TrimSuffix(everyByte(secret, "%02x:"), ":"),
		"hex in a run":          "abc" + fmt.Sprintf("%x", secret) + "de",
		"blanks made one":       strings.Join(strings.Fields(secret), " "),
		"base64 in a URL":       url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("u:" + secret))),
		"base64 of JSON":        base64.StdEncoding.EncodeToString([]byte(`{"password":"` + inJSON + `"}`)),
		"base64 in lines":       lines[:20] + "\r\n" + lines[20:40] + "\r\n" + lines[40:],
		"base64 in JSON":        strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(secret)), "/", `\/`),
		"a header":              "Basic " + base64.StdEncoding.EncodeToString([]byte("svc-prom:"+secret)),
		"shell":                 shellSpecial.ReplaceAllString(secret, `\$0`),
		"a line that goes on":   strings.ReplaceAll(shellSpecial.ReplaceAllString(secret, `\$0`), " ", "\n"),
		"percent of 8859-1 low": strings.ToLower(url.PathEscape(latin)),
	}
	for before := range 7 {
		padded := strings.Repeat("x", before) + secret + strings.Repeat("y", 5-before%5)
		forms[fmt.Sprint("base64 after ", before)] = base64.StdEncoding.EncodeToString([]byte(padded))
		forms[fmt.Sprint("base64url after ", before)] = base64.RawURLEncoding.EncodeToString([]byte(padded))
	}
	return forms
}

func TestAFinderFindsEverySpelling(t *testing.T) {
	for _, secret := range []string{hostile, "contact", "correct horse battery staple", "C:\\new%41&lt;", "Ωmega-ſtraße", "{icws_1}|languageId=en-us", "0123456789abcdef", "%%%%", "a++b  c"} {
		finder := NewFinder([]Text{New("another one"), New(secret)}, nil)
		for name, spelling := range spelled(secret) {
			if name == "bytes as entities" && strings.Contains(secret, "Ω") {
				continue // HTML reads &#159; in Windows-1252
			}
			if spelling == "" || name == "blanks made one" && strings.Contains(secret, "+") || name == "percent lower" && strings.Contains(secret, "%") {
				continue // it is another secret then
			}
			for _, text := range []string{spelling, "before " + spelling + " after", `{"message":"your password is <` + spelling + `>."}`} {
				if !finder.In(text) {
					t.Errorf("%q as %s is not found in %q", secret, name, text)
				}
			}
		}
	}
}

func TestAFinderFindsWhatACutLeft(t *testing.T) {
	finder := NewFinder([]Text{New(hostile)}, nil)
	for name, spelling := range spelled(hostile) {
		if strings.HasPrefix(name, "HTML in") || strings.HasSuffix(name, "in JSON") || name == "percent of percent" || name == "base64 in lines" {
			continue // a cut within two escapes
		}
		from := len(spelling)
		if i := strings.IndexAny(spelling, "pP"); i > 0 && len(spelling) < 40 {
			from = i
		}
		for at := len(spelling) * 2 / 3; at < min(from, len(spelling)); at++ {
			text := strings.ToValidUTF8(spelling[:at], "")
			if !finder.In("it was " + text + "… and") {
				t.Errorf("%s cut to %q is not found", name, text)
			}
		}
	}
}

// A secret that has a … itself is found where it was cut behind that.
func TestAFinderFindsACutSecretWithADotsCharacter(t *testing.T) {
	finder := NewFinder([]Text{New("a…horse battery")}, nil)
	for text, want := range map[string]bool{
		"a…horse battery": true, "the password is a…horse b… and": true, "more… a…hors…": true, "a…house…": false, "a… b… c…": false,
	} {
		if finder.In(text) != want {
			t.Errorf("in %q: %v", text, !want)
		}
	}
}

func TestAFinderLetsOtherTextsBe(t *testing.T) {
	secrets := []string{hostile, "contact", "5b0c4711-1111-4222|languageId=en-us", "1000001", "hunter2!", "aaaaaaab", "demo"}
	texts := make([]Text, len(secrets))
	for i, s := range secrets {
		texts[i] = New(s)
	}
	finder := NewFinder(texts, nil)
	for _, text := range []string{
		"", "…", "connect: the server answered 500 (Internal Server Error), error.request.x: Object reference not set",
		"-2147221496", "cic-a.example.com: dial tcp 10.0.0.1:8019: connect: connection refused", "aaaaaaaaaaaaaaaaaaaa",
		"contac", "con…", "a dem o", "%", "&", `\`, "&#;", `\u`, "%zz", "&nosuchentity;", strings.Repeat(`\`, 99), "languageId=en-us",
	} {
		if text != "con…" && finder.In(text) {
			t.Errorf("a secret is found in %q", text)
		}
	}
	if !finder.In("con…") {
		t.Error("the beginning of a secret before a cut is not found")
	}
	if (*Finder)(nil).In("x") || NewFinder(nil, nil).In("x") || NewFinder([]Text{{}, New(""), New(" + ")}, nil).In("  +x ") {
		t.Error("a finder without secrets finds one")
	}
}

// A password of one letter must hide neither every text nor itself.
func TestAShortSecretIsAWord(t *testing.T) {
	finder := NewFinder([]Text{New("a"), New("1"), New("pw!"), New("Ü")}, nil)
	for text, want := range map[string]bool{
		"a": true, "your password is a.": true, "A": true, "code=1": true, "%61": true, "&#97;": true, `"a"`: true, "pw!": true, "xpw!": false, "(pw!)": true,
		"ü": true, "über": false,
		"at last": false, "answered 401 (Unauthorized)": false, "1234": false, "banana": false, "": false, "YQ==": false,
	} {
		if finder.In(text) != want {
			t.Errorf("in %q: %v", text, !want)
		}
	}
}

// What is known to be no secret stays in the texts that it stands in.
func TestKnownPhrasesAreNoSecrets(t *testing.T) {
	finder := NewFinder([]Text{New("contact"), New("lab")}, []string{"cic-b.contact.example.com", "lab", "other"})
	for text, want := range map[string]bool{
		"cic-b.contact.example.com":                          false,
		"cic-b.contact.example.com: connection refused":      false,
		"cic-b.contact.example.com: the password is contact": true,
		"cic-c.contact.example.com: connection refused":      true,
		"lab":                 false,
		"the password is lab": true,
		"cic-b.contact.example.com: Y29udGFjdA== is the password": true,
	} {
		if finder.In(text) != want {
			t.Errorf("in %q: %v", text, !want)
		}
	}
}
