package secret

import "strings"

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
// It is the automaton of Aho and Corasick over the folded secrets: a look at a text
// takes time in proportion to the length of the text, whatever the secrets and
// whatever the text.
type Finder struct {
	nodes []node
	roots [256]int32 // the children of the root, by byte
	// shortest is the length of the shortest secret that is no word, folded.
	shortest int
	// known takes phrases that are no secret and hold one out of a text; nil: none.
	known *strings.Replacer
	exact map[string]bool
}

// node is a state of the automaton: what was read last is a prefix of a secret.
type node struct {
	child, sibling int32
	fail           int32 // the longest other prefix of a secret that what was read ends with
	depth          int32
	words          uint16 // bit n: a word of n bytes ends here
	char           byte
	ends           bool // a secret that is no word ends here
}

// NewFinder makes a finder. Known phrases are no secrets, such as the name of a
// host in the configuration, also when they hold one.
func NewFinder(secrets []Text, known []string) *Finder {
	f := &Finder{nodes: make([]node, 1)}
	for _, s := range secrets {
		for _, spelling := range spellings(s.Reveal()) {
			f.add(spelling)
		}
	}
	f.link()
	f.know(known)
	return f
}

// spellings are the folded forms that the views of a text may show a secret in.
func spellings(secret string) [][]byte {
	forms := [][]byte{fold(secret)}
	if short, ok := latin1(secret); ok {
		forms = append(forms, fold(short))
	}
	forms = append(forms, fold(misread(secret)))
	for range rounds {
		secret = unescape(secret)
		forms = append(forms, fold(secret))
	}
	for i, form := range forms {
		forms[i] = trimBlanks(form)
	}
	return forms
}

func (f *Finder) add(secret []byte) {
	if len(secret) == 0 {
		return
	}
	at := int32(0)
	for _, c := range secret {
		next := f.childOf(at, c)
		if next == 0 {
			next = int32(len(f.nodes))
			f.nodes = append(f.nodes, node{char: c, depth: f.nodes[at].depth + 1, sibling: f.nodes[at].child})
			f.nodes[at].child = next
			if at == 0 {
				f.roots[c] = next
			}
		}
		at = next
	}
	if len(secret) < wordBytes {
		f.nodes[at].words |= 1 << len(secret)
		return
	}
	f.nodes[at].ends = true
	if f.shortest == 0 || len(secret) < f.shortest {
		f.shortest = len(secret)
	}
}

// childOf returns the state after c, or 0, the root.
func (f *Finder) childOf(at int32, c byte) int32 {
	if at == 0 {
		return f.roots[c]
	}
	next := f.nodes[at].child
	for next != 0 && f.nodes[next].char != c {
		next = f.nodes[next].sibling
	}
	return next
}

// link sets where each state goes on when no child fits, nearest to the root first.
func (f *Finder) link() {
	queue := []int32{0}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for child := f.nodes[at].child; child != 0; child = f.nodes[child].sibling {
			n := &f.nodes[child]
			if at != 0 {
				n.fail = f.step(f.nodes[at].fail, n.char)
			}
			n.words |= f.nodes[n.fail].words
			n.ends = n.ends || f.nodes[n.fail].ends
			queue = append(queue, child)
		}
	}
}

func (f *Finder) step(at int32, c byte) int32 {
	for {
		if next := f.childOf(at, c); next != 0 || at == 0 {
			return next
		}
		at = f.nodes[at].fail
	}
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
		if !f.isWhole(phrase) {
			pairs = append(pairs, phrase, "\x00")
		}
	}
	if len(pairs) > 0 {
		f.known = strings.NewReplacer(pairs...)
	}
}

// isWhole reports whether the phrase is a secret, and not only holds one. Then it
// stands only for itself: in a longer text it may be the secret.
func (f *Finder) isWhole(phrase string) bool {
	at := int32(0)
	folded := trimBlanks(fold(phrase))
	for _, c := range folded {
		at = f.step(at, c)
	}
	n := f.nodes[at]
	return int(n.depth) == len(folded) && (n.ends || n.words&(1<<len(folded)) != 0)
}

// In reports whether a secret is in the text: as it is, in other letter case, with
// escapes of HTML, URLs or JSON, in base64 or in hex.
func (f *Finder) In(text string) bool {
	switch {
	case f == nil || len(f.nodes) == 1 || !f.search(text):
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
		if f.scan(fold(text), true) || f.inBase64(text) || f.inHex(text) {
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
func (f *Finder) scan(text []byte, words bool) (found bool) {
	at := int32(0)
	for i, c := range text {
		if c == cutMark && f.nodes[at].depth >= partBytes {
			return true
		}
		at = f.step(at, c)
		n := &f.nodes[at]
		if n.ends || words && n.words != 0 && isWord(text, i+1, n.words) {
			return true
		}
	}
	return false
}

// isWord reports whether one of the words that end before end begins and ends as a
// word.
func isWord(text []byte, end int, words uint16) bool {
	if end < len(text) && isLetter(text[end]) && isLetter(text[end-1]) {
		return false
	}
	for n := 1; n < wordBytes && n <= end; n++ {
		begin := end - n
		if words&(1<<n) != 0 && (begin == 0 || !isLetter(text[begin-1]) || !isLetter(text[begin])) {
			return true
		}
	}
	return false
}

// isLetter takes every byte of a character that is not ASCII for a letter's.
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
