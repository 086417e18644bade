package icws

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// JSON as other writers escape it than encoding/json.
var (
	escaped          = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	escapedWithSlash = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `/`, `\/`)
)

// SecretForms returns the ways in which a text may repeat a secret, the longest
// first: as it is, inside JSON, inside a URL, and in base64.
func SecretForms(secret string) []string {
	if secret == "" {
		return nil
	}
	quoted, _ := json.Marshal(secret) // a string can always be marshalled
	forms := []string{
		secret,
		string(quoted[1 : len(quoted)-1]),
		inside(strconv.QuoteToASCII(secret)),
		inside(strconv.Quote(secret)),
		escaped.Replace(secret),
		escapedWithSlash.Replace(secret),
		url.QueryEscape(secret),
		url.PathEscape(secret),
	}
	// In base64 three bytes make four characters, so the same secret has three
	// faces, by where it begins. Their ends depend on the neighbours and stay.
	for before := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString(append(make([]byte, before), secret...))
			from, to := (before*8+5)/6, (before+len(secret))*8/6
			if core := encoded[from:to]; len(core) > 4 {
				forms = append(forms, core)
			}
		}
	}
	slices.Sort(forms)
	forms = slices.Compact(forms)
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}

func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

// secretsOf lists what no error of a session may repeat.
func secretsOf(token, cookie, password string) []string {
	secrets := append([]string{token, cookie}, SecretForms(password)...)
	for pair := range strings.SplitSeq(cookie, "; ") {
		_, value, _ := strings.Cut(pair, "=")
		secrets = append(secrets, pair, value)
	}
	return secrets
}

// redact removes secrets that a server repeats.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

// withoutSecrets returns an error that repeats none: what is not an answer may be
// quoted in it, by us or by the transport.
func withoutSecrets(err error, secrets []string) error {
	var request *RequestError
	if !errors.As(err, &request) || request.Err == nil {
		return err
	}
	text := request.Err.Error()
	clean := redact(text, secrets)
	if clean == text {
		return err
	}
	return &RequestError{Operation: request.Operation, Reason: request.Reason, Code: request.Code, Err: errors.New(clean)}
}

// withoutSecrets returns the message without secrets in the texts that reach
// people. The entries of the list are not looked at.
func (m Message) withoutSecrets(secrets []string) Message {
	m.Connection.Reason = redact(m.Connection.Reason, secrets)
	if m.Kind == KindOther {
		m.Type = redact(m.Type, secrets)
	}
	return m
}

// withoutPassword removes the password from what the server says of itself in the
// answer to a log-on.
func (s *Session) withoutPassword(forms []string) {
	s.version = s.version.withoutSecrets(forms)
	s.icServer = redact(s.icServer, forms)
	for i, host := range s.alternateHosts {
		s.alternateHosts[i] = redact(host, forms)
	}
}

func (v Version) withoutSecrets(secrets []string) Version {
	for _, text := range []*string{
		&v.MajorVersion, &v.MinorVersion, &v.SU, &v.Build,
		&v.ProductID, &v.CodebaseID, &v.ProductRelease, &v.ProductPatch,
	} {
		*text = redact(*text, secrets)
	}
	return v
}

func (s SwitchoverStatus) withoutSecrets(secrets []string) SwitchoverStatus {
	s.PrimaryHost, s.BackupHost = redact(s.PrimaryHost, secrets), redact(s.BackupHost, secrets)
	s.BackupVersion = redact(s.BackupVersion, secrets)
	for i, name := range s.SubsystemsDown {
		s.SubsystemsDown[i] = redact(name, secrets)
	}
	return s
}
