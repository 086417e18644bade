package collect

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Pages of every size are whole after any change: of values, of families, of servers.
func TestCompressedPageFollowsEveryChange(t *testing.T) {
	s := newTestSet(Options{})
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		name := fmt.Sprintf("server%03d", random.IntN(20))
		switch random.IntN(5) {
		case 0:
			s.Remove(name)
		case 1:
			for i := range 5 {
				s.Add(fmt.Sprintf("%s-%d", name, i), "us")
			}
		default:
			s.Add(name, "us").Read(random.IntN(1000))
		}
		format := Format(random.IntN(numFormats))
		s.Render(format, true, func(body []byte) {
			if got, want := unzip(t, body), exposition(t, s, format); format != Protobuf && got != want {
				t.Fatalf("the compressed page of %d bytes differs from the plain one of %d", len(got), len(want))
			}
		})
	}
}

func TestOnlyWhatChangedIsCompressed(t *testing.T) {
	s := newTestSet(Options{})
	for i := range 200 {
		s.Add(fmt.Sprintf("server%03d", i), "us")
	}
	m := s.Add("chicago", "us")
	render := func() map[uint64]span {
		s.Render(Text, true, func([]byte) {})
		return s.renderer.last[Text][1].pieces
	}
	before := render()
	if len(before) < 50 {
		t.Fatalf("a page of 200 servers has %d pieces", len(before))
	}
	m.Read(1)
	changed := 0
	for piece := range render() {
		if _, same := before[piece]; !same {
			changed++
		}
	}
	// Pieces end after so many bytes, and a longer value can move the ends that follow
	// in its family.
	if changed == 0 || changed > 3 {
		t.Errorf("one value changed, and %d pieces did", changed)
	}
}
