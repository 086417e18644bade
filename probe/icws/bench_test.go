package icws

import (
	"strings"
	"testing"
)

func BenchmarkDecodeList(b *testing.B) {
	list := manyStatuses(10_000)
	b.SetBytes(int64(len(list)))
	b.ReportAllocs()
	for b.Loop() {
		var sink sinkCount
		d := newDocument(skipBOM(strings.NewReader(list)))
		d.statusList(&sink)
		if err := d.end(); err != nil || sink.entries != 10_000 {
			b.Fatal(sink.entries, err)
		}
		d.release()
	}
}

func BenchmarkStreamEvent(b *testing.B) {
	text := `data: {"__type":"` + typeStatus + `","isDelta":false,"statusMessagesAdded":[` + statusEntries(10_000) + "]}\n\n"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var sink sinkCount
		events := newEventReader(strings.NewReader(text), DefaultMaxResponseBytes, nil)
		if err := events.Next(); err != nil {
			b.Fatal(err)
		}
		decodeEvent(b, events, &sink)
		if sink.entries != 10_000 {
			b.Fatal(sink.entries)
		}
	}
}

func BenchmarkStreamDelta(b *testing.B) {
	text := `data: {"__type":"` + typeStatus + `","isDelta":true,"statusMessagesChanged":[` + statusEntries(1) + "]}\n\n"
	events := newEventReader(endless{text, new(int)}, DefaultMaxResponseBytes, nil)
	var sink sinkCount
	b.ReportAllocs()
	for b.Loop() {
		if err := events.Next(); err != nil {
			b.Fatal(err)
		}
		decodeEvent(b, events, &sink)
	}
}

func decodeEvent(b *testing.B, events *eventReader, sink StatusSink) {
	d := newDocument(events)
	defer d.release()
	m := d.message(sink)
	if err := d.end(); err != nil || m.Kind != KindStatus {
		b.Fatal(m, err)
	}
}

// endless repeats a text.
type endless struct {
	text string
	at   *int
}

func (e endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[*e.at:])
	*e.at = (*e.at + n) % len(e.text)
	return n, nil
}
