package catalogue_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"icws_exporter/probe/catalogue"
)

func TestFold(t *testing.T) {
	for _, tc := range []struct{ name, id, want string }{
		{"empty", "", ""},
		{"ASCII", "Available, No ACD [1]@`{", "available, no acd [1]@`{"},
		{"Latin", "École", "École"},
		{"Greek sigma, three forms", "Σσς", "ΣΣΣ"},
		{"Kelvin sign meets k", "\u212Aelvin", "kelvin"},
		{"long s meets s", "\u017Foft", "soft"},
		{"ASCII before and after", "AÉB", "aÉb"},
		{"no case", "在线", "在线"},
		{"bytes that are not UTF-8", "A\xffB\xc3", "a\xffb\xc3"},
		{"U+FFFD itself", "\ufffd", "\ufffd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := catalogue.Fold(tc.id); got != tc.want {
				t.Errorf("Fold(%q) = %q, want %q", tc.id, got, tc.want)
			}
		})
	}
}

func TestFoldAgreesWithEqualFold(t *testing.T) {
	letter := rapid.RuneFrom([]rune("aAkKsSſ\u212AßẞςσΣéÉİıiIǅǆǄ日"))
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringOfN(letter, 0, 3, -1).Draw(t, "a")
		b := rapid.StringOfN(letter, 0, 3, -1).Draw(t, "b")
		if got, want := catalogue.Fold(a) == catalogue.Fold(b), strings.EqualFold(a, b); got != want {
			t.Fatalf("%q and %q fold alike: %v, EqualFold: %v", a, b, got, want)
		}
	})
}

func TestFoldKeepsAnyBytesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := string(rapid.SliceOf(rapid.Byte()).Draw(t, "id"))
		folded := catalogue.Fold(id)
		if again := catalogue.Fold(folded); again != folded {
			t.Fatalf("Fold(%q) = %q, and once more %q", id, folded, again)
		}
		if utf8.ValidString(id) != utf8.ValidString(folded) {
			t.Fatalf("Fold(%q) = %q: one is valid UTF-8, one is not", id, folded)
		}
	})
}
