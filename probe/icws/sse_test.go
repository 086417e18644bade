package icws

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// eventsOf reads a whole stream: the data of its events, its pings and its end.
func eventsOf(src io.Reader, limit int64) (events []string, pings int, end error) {
	r := newEventReader(src, limit, func() { pings++ })
	for {
		if err := r.Next(); err != nil {
			return events, pings, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return events, pings, err
		}
		events = append(events, string(data))
	}
}

// oracleEvents splits a whole stream the simple way.
func oracleEvents(stream string) (events []string, pings int, end error) {
	stream = strings.TrimPrefix(stream, "\ufeff")
	stream = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream)
	lines := strings.Split(stream, "\n")
	last := len(lines) - 1 // without a line end
	var data []string
	for _, line := range lines[:last] {
		field, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
			if text := strings.TrimLeft(strings.Join(data, "\n"), "\n"); text != "" {
				events = append(events, text)
			}
			data = nil
		case field == "":
			pings++
		case field == "data":
			data = append(data, strings.TrimPrefix(value, " "))
		}
	}
	if data != nil || strings.HasPrefix(lines[last], "data:") {
		return events, pings, io.ErrUnexpectedEOF
	}
	return events, pings, io.EOF
}

var streams = []string{
	"",
	"\n\n\n",
	":ping\n\n:ping\n\n",
	":ping\n:ping\n",
	"data: {}\n\n",
	"data:{}\r\n\r\ndata: []\r\rdata:  x\n\n",
	"\ufeffdata: {}\n\n",
	"\ufeff:ping\n\n",
	"\xefdata: {}\n\n",
	"\xef\xbb\ndata: {}\n\n",
	"id: 7\nevent: message\nretry: 1000\ndata: {\ndata: }\nid: 8\n\ndata: x\n\n",
	"data\n\n",
	"data\ndata: x\ndata\n\n",
	"data:\n\ndata:\n\n",
	"data: x\n:ping\ndata: y\n\n",
	"dataX: no\ndat: no\nDATA: no\n data: no\ndata : no\n\ndata: yes\n\n",
	"data: cut",
	"data: cut\n",
	"data: cut\n:ping\n",
	"data:",
	"dat",
	"id: 1",
	"event: x\n\n",
	"data: a\rdata: b\r\r\ndata: c\n\r\n",
	"data: \x00\xff\n\n",
}

func TestEventStreams(t *testing.T) {
	for _, stream := range streams {
		for name, chunks := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "data with end": iotest.DataErrReader,
		} {
			events, pings, end := eventsOf(chunks(strings.NewReader(stream)), 1<<20)
			wantEvents, wantPings, wantEnd := oracleEvents(stream)
			if diff := cmp.Diff(wantEvents, events); diff != "" {
				t.Errorf("%q in %s (-want +got):\n%s", stream, name, diff)
			}
			if pings != wantPings || !errors.Is(end, wantEnd) {
				t.Errorf("%q in %s: %d pings and %v, want %d and %v", stream, name, pings, end, wantPings, wantEnd)
			}
		}
	}
}

func TestEventThatIsNotReadIsSkipped(t *testing.T) {
	r := newEventReader(strings.NewReader("data: first\ndata: line\n\n:ping\n\ndata: second\n\n"), 100, nil)
	for range 2 {
		if err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := io.ReadAll(r); string(data) != "second" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the event: %d, %v", n, err)
	}
	if err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the stream: %v", err)
	}
}

func TestEventsAreBounded(t *testing.T) {
	const limit = 10
	for name, test := range map[string]struct {
		stream string
		want   error
		events int
	}{
		"just fits":            {"data: 0123456789\n\ndata: 0123456789\n\n", io.EOF, 2},
		"one more":             {"data: 0123456789a\n\n", errTooLarge, 0},
		"many lines":           {strings.Repeat("data: x\n", 6) + "\n", errTooLarge, 0},
		"second event":         {"data: x\n\ndata: 0123456789a\n\n", errTooLarge, 1},
		"comment":              {":" + strings.Repeat("x", 100) + "\n\n", errTooLarge, 0},
		"short comments":       {strings.Repeat(":0123456\n", 100), io.EOF, 0},
		"other field":          {"id: " + strings.Repeat("x", 100) + "\n\n", errTooLarge, 0},
		"other field in event": {"data: x\nid: " + strings.Repeat("x", 100) + "\n\n", errTooLarge, 0},
	} {
		t.Run(name, func(t *testing.T) {
			events, _, end := eventsOf(strings.NewReader(test.stream), limit)
			if !errors.Is(end, test.want) || len(events) != test.events {
				t.Errorf("%q, %v", events, end)
			}
		})
	}
}

func TestSkippingAnEventIsBoundedToo(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("data: x"), endlessX{})
	r := newEventReader(endless, 1<<20, nil)
	if err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Next(); !errors.Is(err, errTooLarge) {
		t.Errorf("err %v", err)
	}
	if err := r.Next(); !errors.Is(err, errTooLarge) {
		t.Errorf("the stream goes on: %v", err)
	}
}

type endlessX struct{}

func (endlessX) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestBrokenStreamSources(t *testing.T) {
	broken := errors.New("broken")
	if _, _, err := eventsOf(io.MultiReader(strings.NewReader("data: x\n\n"), iotest.ErrReader(broken)), 100); !errors.Is(err, broken) {
		t.Errorf("err %v", err)
	}
	if _, _, err := eventsOf(io.MultiReader(strings.NewReader("data: x"), iotest.ErrReader(broken)), 100); !errors.Is(err, broken) {
		t.Errorf("err %v", err)
	}
	if _, _, err := eventsOf(neverReader{}, 100); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("err %v", err)
	}
}

type neverReader struct{}

func (neverReader) Read([]byte) (int, error) { return 0, nil }

func FuzzSSE(f *testing.F) {
	for _, stream := range streams {
		f.Add([]byte(stream), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, chunk uint8) {
		src := &chunkReader{bytes.NewReader(stream), int(chunk)%7 + 1}
		events, pings, end := eventsOf(src, 1<<20)
		wantEvents, wantPings, wantEnd := oracleEvents(string(stream))
		if diff := cmp.Diff(wantEvents, events); diff != "" || pings != wantPings || !errors.Is(end, wantEnd) {
			t.Fatalf("%q: %d pings and %v, want %d and %v (-want +got):\n%s", stream, pings, end, wantPings, wantEnd, diff)
		}
	})
}

type chunkReader struct {
	r io.Reader
	n int
}

func (c *chunkReader) Read(p []byte) (int, error) { return c.r.Read(p[:min(len(p), c.n)]) }
