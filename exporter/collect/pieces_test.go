package collect

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"testing"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

// Pages of every size are whole and show what is there after any change: of values, of
// families, of servers, and back again.
func TestPageFollowsEveryChange(t *testing.T) {
	s := newTestSet(Options{StatusSeries: true})
	random := rand.New(rand.NewPCG(1, 2))
	sources := []Source{nil, &published{snapshot: live()}, &published{snapshot: probe.Snapshot{State: probe.StateBackoff, Hosts: []probe.Host{{Name: "a"}}}}}
	for range 150 {
		name := fmt.Sprintf("server%03d", random.IntN(6))
		switch m := s.Add(name, "us"); random.IntN(8) {
		case 0:
			s.Remove(name)
		case 1:
			for i := range 2 {
				s.Add(fmt.Sprintf("%s-%d", name, i), "us")
			}
		case 2:
			m.Watch(sources[random.IntN(len(sources))])
		case 3:
			s.Add(name, "the site "+fmt.Sprint(random.IntN(2)))
		case 4:
			m.Exchange(icws.Exchange{Operation: icws.OpSubscribe, Code: 200 + random.IntN(3), Duration: time.Duration(random.IntN(3)) * time.Second})
		case 5:
			m.Read(random.IntN(1000))
		default: // nothing changes
		}
		format := Format(random.IntN(numFormats))
		want := madeAnew(t, s, format)
		s.Render(format, random.IntN(2) == 0, func(body []byte) {
			got := string(body)
			if len(got) > 2 && got[:2] == "\x1f\x8b" {
				got = unzip(t, body)
			}
			if got != want && format != Protobuf {
				t.Fatalf("the page of %d bytes differs from one that is made anew, of %d", len(got), len(want))
			}
		})
	}
}

// changedPieces renders and counts the pieces that differ from those before, which are
// compressed, and stored.
func changedPieces(s *Set, compress bool) (changed, stored, all int) {
	slot := &s.renderer.last[Text][index(compress)]
	var before []mark
	if *slot != nil {
		for _, p := range (*slot).pieces {
			before = append(before, p.mark)
		}
	}
	s.Render(Text, compress, func([]byte) {})
	for i, p := range (*slot).pieces {
		if i >= len(before) || before[i] != p.mark {
			changed++
		}
		if p.isStored {
			stored++
		}
	}
	return changed, stored, len((*slot).pieces)
}

func TestOnlyWhatChangedIsMadeAnew(t *testing.T) {
	s := newTestSet(Options{})
	for i := range 200 {
		s.Add(fmt.Sprintf("server%03d", i), "us")
	}
	m := s.Add("chicago", "us")
	if _, _, all := changedPieces(s, true); all < 50 {
		t.Fatalf("a page of 201 servers has %d pieces", all)
	}
	m.Read(1)
	if changed, stored, _ := changedPieces(s, true); changed != 1 || stored != 1 {
		t.Errorf("one value changed, and %d pieces did, %d of them stored", changed, stored)
	}
	// What stays as it was is compressed.
	if changed, stored, _ := changedPieces(s, true); changed != 0 || stored != 0 {
		t.Errorf("nothing changed, and %d pieces did; %d are stored", changed, stored)
	}
	first := s.renderer.last[Text][1]
	if changedPieces(s, true); s.renderer.last[Text][1] != first {
		t.Error("nothing changed, and the page was made anew")
	}
	m.SessionOpening()
	if changed, stored, _ := changedPieces(s, true); changed != 1 || stored != 1 {
		t.Errorf("another value changed, and %d pieces did, %d of them stored", changed, stored)
	}
}

// A large part of a page is compressed at once, however new it is.
func TestMuchThatIsNewIsCompressed(t *testing.T) {
	s := newTestSet(Options{})
	var servers []*ServerMetrics
	for i := range 300 {
		servers = append(servers, s.Add(fmt.Sprintf("server%03d", i), "us"))
	}
	size := func() (n int) {
		s.Render(Text, true, func(body []byte) { n = len(body) })
		return n
	}
	first := size()
	for _, m := range servers {
		m.Read(1)
		m.StreamHeartbeat()
		m.SessionOpening()
	}
	if second := size(); second > first+mostStored+1000 {
		t.Errorf("%d bytes in place of %d", second, first)
	}
}

// A family whose first samples come in a later piece, or in an earlier one than before, has one header.
func TestAFamilyHasOneHeader(t *testing.T) {
	s := newTestSet(Options{})
	var servers []*ServerMetrics
	for i := range 100 {
		servers = append(servers, s.Add(fmt.Sprintf("server%03d", i), "us"))
	}
	for _, i := range []int{99, 40, 0, 70} {
		servers[i].Watch(&published{snapshot: live()})
		for _, compress := range []bool{false, true} {
			parse(t, s, compress)
		}
	}
}

// madeAnew is the page for who names every family: nothing is kept of it.
func madeAnew(t *testing.T, s *Set, format Format) (page string) {
	t.Helper()
	w := Want{Format: format}
	for _, f := range s.table {
		w.Names = append(w.Names, f.Name)
	}
	if err := s.Answer(t.Context(), w, func(body []byte) { page = string(body) }); err != nil {
		t.Fatal(err)
	}
	return page
}

func parse(t *testing.T, s *Set, compress bool) {
	t.Helper()
	s.Render(OpenMetrics, compress, func(body []byte) {
		page := string(body)
		if compress {
			page = unzip(t, body)
		}
		numberedLines(t, page)
		if want := madeAnew(t, s, OpenMetrics); want != page {
			t.Errorf("compressed %t: %d bytes, and %d when it is made anew", compress, len(page), len(want))
		}
	})
}

func TestSumOfTwoTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		a, b := make([]byte, random.IntN(5000)), make([]byte, random.IntN(5000))
		for i := range a {
			a[i] = byte(random.Uint32())
		}
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		got := multiply(shift(len(b)), crc32.ChecksumIEEE(a)) ^ crc32.ChecksumIEEE(b)
		if want := crc32.ChecksumIEEE(append(a, b...)); got != want {
			t.Fatalf("texts of %d and %d bytes: %x, want %x", len(a), len(b), got, want)
		}
	}
}
