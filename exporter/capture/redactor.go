package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"icws_exporter/exporter/config"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

// The kinds of what a capture must not show. A placeholder is kind-number, the
// same for the same value, so that a replay can be answered.
const (
	kindPassword = "password"
	kindToken    = "token"
	kindCookie   = "cookie"
	kindUser     = "user"
	kindHost     = "host"
	kindSession  = "session"
	// kindPerson has placeholders as kindUser, but is looked for nowhere else: there are
	// thousands. Where else a server may name a person is left out.
	kindPerson = "person"
	kindOut    = "out"
)

// members are the properties whose value is known to be one of the kinds
// (protocol.md, 1.1, 1.2 and 1.7).
var members = map[string]string{
	"password": kindPassword, "csrfToken": kindToken, "sessionId": kindSession,
	"authToken": kindToken, "authTokenSeed": kindToken, "singleSignOnToken": kindToken,
	"userID": kindUser, "userDisplayName": kindUser, "userId": kindPerson, "userIds": kindPerson,
	"displayName": kindOut, "uri": kindOut, "notes": kindOut, "forwardNumber": kindOut, "stations": kindOut, "icServers": kindHost,
	"alternateHostList": kindHost, "icServer": kindHost, "primaryHost": kindHost, "backupHost": kindHost, "serverName": kindHost,
}

// redactor replaces what a capture must not show by placeholders where it stands for
// itself, and withholds a text that holds a secret. It belongs to one goroutine.
type redactor struct {
	counts map[string]int
	known  map[string]string // placeholders by kind and value
	// secrets may stand nowhere. people are no secrets, and yet nobody's business:
	// they have placeholders where they are words, and may stand nowhere else.
	secrets, people texts
	names           []name // longest first
}

// texts are some texts and what finds them.
type texts struct {
	all    []secret.Text
	finder *secret.Finder
}

func (t *texts) add(value string) {
	t.all = append(t.all, secret.New(value))
	t.finder = secret.NewFinder(t.all, nil)
}

// name is what is replaced as a whole word: a word of a status text must not be
// mistaken for it.
type name struct {
	length      int
	find        *regexp.Regexp
	placeholder string
}

var errCommonPassword = errors.New("the password is so short or common that a capture could not be kept free of it; give the user a longer one")

// ownWords are the words that a capture has of itself.
const ownWords = `{"capture","recorder":"icws_exporter","recorded","t","exchange","host","method":"POST PUT GET DELETE","path":"/icws/connection",
"query":"include=features,version","send","header","seconds","error","status","stream","json","text","left_out","cut","id","event","comment","end",
"password-1","token-1","cookie-1","session-1","user-1","host-1","icws_"} (left out)`

// newRedactor knows what the configuration of the server says.
func newRedactor(server config.Server, password secret.Text) (*redactor, error) {
	r := &redactor{counts: map[string]int{}, known: map[string]string{}}
	r.placeholder(kindPassword, password.Reveal())
	if len(password.Reveal()) < 4 || r.secrets.finder.In(ownWords) {
		return nil, errCommonPassword
	}
	if proxy := server.Probe(config.Limits{}).ProxyPassword; !proxy.IsZero() {
		r.secrets.add(proxy.Reveal())
	}
	r.placeholder(kindUser, server.User)
	for _, host := range server.Hosts {
		r.placeholder(kindHost, host)
	}
	if u, err := icws.ExpandURL(server.URL, server.Hosts[0]); err == nil {
		r.placeholder(kindHost, u.Host)
	}
	return r, nil
}

// placeholder returns the placeholder of a value, and remembers a new one. A host is
// the same with any port.
func (r *redactor) placeholder(kind, value string) string {
	if value == "" {
		return ""
	}
	word, known := kind, strings.ToLower(value)
	switch kind {
	case kindPassword, kindToken, kindCookie:
		known = value
	case kindPerson:
		word = kindUser
	case kindHost:
		value = withoutPort(value)
		known = strings.ToLower(value)
	}
	key := word + " " + known
	if p, found := r.known[key]; found {
		return p
	}
	r.counts[word]++
	p := fmt.Sprintf("%s-%d", word, r.counts[word])
	r.known[key] = p
	switch kind {
	case kindPassword, kindToken:
		r.secrets.add(value)
	case kindUser, kindSession:
		r.people.add(value)
		r.addName(value, "", p) // in whatever case
	case kindHost:
		r.addName(value, `(?:\.[A-Za-z0-9-]+)*(?::[0-9]+)?`, p)
	}
	return p
}

func withoutPort(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
		return host
	}
	return address
}

func (r *redactor) addName(value, tail, placeholder string) {
	n := name{len(value), regexp.MustCompile(`(?i)(^|[^A-Za-z0-9_-])` + regexp.QuoteMeta(value) + tail + `($|[^A-Za-z0-9_-])`), placeholder}
	at, _ := slices.BinarySearchFunc(r.names, n, func(a, b name) int { return b.length - a.length })
	r.names = slices.Insert(r.names, at, n)
}

// value redacts a text that stands for itself. A text that holds a secret, or a name
// in another spelling, is withheld.
func (r *redactor) value(text string) string {
	if r.secrets.finder.In(text) {
		return secret.Withheld
	}
	for _, n := range r.names {
		// Twice, because two words may share the character between them.
		for range 2 {
			text = n.find.ReplaceAllString(text, "${1}"+n.placeholder+"${2}")
		}
	}
	if r.people.finder.In(text) {
		return secret.Withheld
	}
	return text
}

// holds reports whether a line that is about to be written holds a secret.
func (r *redactor) holds(line string) bool { return r.secrets.finder.In(line) }

// body redacts the body of an exchange; people says that its resource names people.
// Of the answer to a log-on nothing is kept that is not whole: it may hold half a token.
func (r *redactor) body(people bool, content []byte, whole, isLogOn bool) body {
	b := body{Cut: !whole}
	if len(content) == 0 {
		return b
	}
	if document, ok := r.document(people, content); ok {
		b.JSON = document
		return b
	}
	switch {
	case people:
		b.LeftOut = fmt.Sprintf("%d bytes about users that are no JSON", len(content))
	case isLogOn:
		b.LeftOut = fmt.Sprintf("%d bytes of an answer to a log-on that are no JSON", len(content))
	case len(content) > maxText:
		b.LeftOut = fmt.Sprintf("%d bytes that are no JSON", len(content))
	default:
		b.Text = r.value(strings.ToValidUTF8(string(content), "\ufffd"))
	}
	return b
}

// document redacts a JSON document, keeping the order of its members, and reports
// whether it was one.
func (r *redactor) document(people bool, src []byte) (json.RawMessage, bool) {
	var out bytes.Buffer
	lenient := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	dec := jsontext.NewDecoder(bytes.NewReader(src), lenient...)
	enc := jsontext.NewEncoder(&out, lenient...)
	names := []string{""} // of the value to come, by depth
	for done := false; !done; {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, false
		}
		top := len(names) - 1
		switch token.Kind() {
		case jsontext.KindBeginObject, jsontext.KindBeginArray:
			names = append(names, names[top])
		case jsontext.KindEndObject, jsontext.KindEndArray:
			names = names[:top]
		case jsontext.KindString, jsontext.KindNumber:
			token = r.token(people, dec, token, names)
		}
		if enc.WriteToken(token) != nil {
			return nil, false
		}
		done = dec.StackDepth() == 0
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return bytes.TrimSpace(out.Bytes()), true
}

// token redacts a string or a number; the name of a member is kept in names.
func (r *redactor) token(people bool, dec *jsontext.Decoder, token jsontext.Token, names []string) jsontext.Token {
	top := len(names) - 1
	text := token.String()
	if kind, n := dec.StackIndex(dec.StackDepth()); kind == jsontext.KindBeginObject && n%2 == 1 {
		names[top] = text
		return jsontext.String(text)
	}
	kind, found := members[names[top]]
	if people && (names[top] == "message" || names[top] == "errorId") {
		kind, found = kindOut, true // an error, which may say whom it is about
	}
	if people && names[top] == "id" && top > 0 && names[top-1] != "" {
		kind, found = kindPerson, true
	}
	switch {
	case kind == kindOut:
		return jsontext.String(leftOut)
	case found:
		return jsontext.String(r.placeholder(kind, text))
	}
	if token.Kind() == jsontext.KindNumber {
		return token.Clone()
	}
	return jsontext.String(r.value(text))
}
