package secret

import (
	"slices"
	"strings"
)

const (
	// wordBytes is the length below which a secret counts only as a whole word: one
	// letter is in every text, and hiding every text would not hide the letter.
	wordBytes = 4
	// partBytes is how much of a secret at the place where a text was cut gives it
	// away.
	partBytes = 3
)

// Finder finds secrets in texts. It is immutable; any goroutine may use it. A nil
// Finder knows no secret.
//
// A look at a text takes time in proportion to its length times the number of secrets,
// whatever stands in it: the secrets are few, and each is looked for by itself.
type Finder struct {
	secrets []string // in every folded spelling
	// shortest is the length of the shortest secret that is no word, folded.
	shortest int
	// known takes phrases that are no secret and hold one out of a text; nil: none.
	known *strings.Replacer
	exact map[string]bool
}

// NewFinder makes a finder. Known phrases are no secrets, such as the name of a
// host in the configuration, also when they hold one.
func NewFinder(secrets []Text, known []string) *Finder {
	f := &Finder{}
	for _, s := range secrets {
		for _, spelling := range spellings(s.Reveal()) {
			if n := len(spelling); n >= wordBytes && (f.shortest == 0 || n < f.shortest) {
				f.shortest = n
			}
			if spelling != "" && !slices.Contains(f.secrets, spelling) {
				f.secrets = append(f.secrets, spelling)
			}
		}
	}
	f.know(known)
	return f
}

// spellings are the folded forms that the views of a text may show a secret in.
func spellings(secret string) []string {
	forms := []string{secret, misread(secret)}
	if short, ok := latin1(secret); ok {
		forms = append(forms, short)
	}
	for range rounds {
		secret = unescape(secret)
		forms = append(forms, secret)
	}
	for i, form := range forms {
		forms[i] = strings.Trim(fold(form), " ")
	}
	return forms
}

// know remembers the phrases that have to be told from a secret.
func (f *Finder) know(phrases []string) {
	if !f.search(strings.Join(phrases, "\n")) {
		return // as a rule: one look instead of one for each
	}
	var pairs []string
	for _, phrase := range phrases {
		if !f.search(phrase) {
			continue
		}
		if f.exact == nil {
			f.exact = make(map[string]bool)
		}
		f.exact[phrase] = true
		// One that is a secret, and not only holds one, stands only for itself: in a
		// longer text it may be the secret.
		if !slices.Contains(f.secrets, strings.Trim(fold(phrase), " ")) {
			pairs = append(pairs, phrase, "\x00")
		}
	}
	if len(pairs) > 0 {
		f.known = strings.NewReplacer(pairs...)
	}
}

// In reports whether a secret is in the text: as it is, in other letter case, with
// escapes of HTML, URLs or JSON, in base64 or in hex.
func (f *Finder) In(text string) bool {
	switch {
	case f == nil || len(f.secrets) == 0 || !f.search(text):
		return false
	case f.exact[text]:
		return false
	case f.known == nil:
		return true
	default:
		return f.search(f.known.Replace(text))
	}
}

// search looks at the text as it is, and at what is left when escapes are undone,
// several times since they may be nested.
func (f *Finder) search(text string) bool {
	for round := 0; ; round++ {
		if f.scan(fold(text), true) || f.inEncoded(text) {
			return true
		}
		plain := unescape(text)
		if plain == text || round == rounds {
			return false
		}
		text = plain
	}
}

// scan goes over a folded text.
func (f *Finder) scan(text string, words bool) bool {
	for _, s := range f.secrets {
		if len(s) >= wordBytes && strings.Contains(text, s) || len(s) < wordBytes && words && hasWord(text, s) {
			return true
		}
	}
	return f.isCutIn(text)
}

// hasWord reports whether the word is in the text and is no part of a longer one.
func hasWord(text, word string) bool {
	for at := 0; ; at++ {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(word)
		begins := at == 0 || !isLetter(text[at-1]) || !isLetter(word[0])
		ends := end == len(text) || !isLetter(text[end]) || !isLetter(word[len(word)-1])
		if begins && ends {
			return true
		}
	}
}

// isCutIn reports whether the text was cut within a secret, which may have a … itself.
func (f *Finder) isCutIn(text string) bool {
	for at := range len(text) {
		if text[at] != cutMark[0] {
			continue
		}
		for _, s := range f.secrets {
			for n := min(len(s), at); n >= partBytes; n-- {
				if text[at-n:at] == s[:n] {
					return true
				}
			}
		}
	}
	return false
}

// isLetter takes every byte of a character that is not ASCII for a letter's.
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
