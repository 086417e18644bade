package icws

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"icws_exporter/probe/secret"
)

// BenchmarkPoll is one poll of a server to which nothing happens, over a socket.
func BenchmarkPoll(b *testing.B) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	go func() {
		for conn, err := server.Accept(); err == nil; conn, err = server.Accept() {
			go answerPolls(conn)
		}
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := NewClient(mustURL(b, "http://"+server.Addr().String()), transport, Options{})
	session := &Session{client: client, id: "4711", token: secret.New("token"), cookie: secret.New("icws_4711=cookie")}
	b.ReportAllocs()
	for b.Loop() {
		if err := session.Poll(b.Context(), nil, func(Message) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// answerPolls answers each request with an empty list.
func answerPolls(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) == len("\r\n") {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 10:00:00 GMT\r\nContent-Length: 2\r\n\r\n[]")
		}
	}
}

func BenchmarkDecodeList(b *testing.B) {
	list := manyStatuses(10_000)
	b.SetBytes(int64(len(list)))
	b.ReportAllocs()
	var sink sinkCount
	reader := NewStatusReader(&sink)
	for b.Loop() {
		sink.entries = 0
		d := newDocument(skipBOM(strings.NewReader(list)))
		reader.list(d)
		if err := d.end(); err != nil || sink.entries != 10_000 {
			b.Fatal(sink.entries, err)
		}
		d.release()
	}
}

func BenchmarkStreamEvent(b *testing.B) {
	text := `data: {"__type":"` + StatusMessages.MessageType + `","isDelta":false,"statusMessagesAdded":[` + statusEntries(10_000) + "]}\n\n"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var sink sinkCount
	to := into(&sink)
	for b.Loop() {
		sink.entries = 0
		events := newEventReader(strings.NewReader(text), DefaultMaxResponseBytes, nil)
		if err := events.Next(); err != nil {
			b.Fatal(err)
		}
		decodeEvent(b, events, to)
		if sink.entries != 10_000 {
			b.Fatal(sink.entries)
		}
	}
}

func BenchmarkStreamDelta(b *testing.B) {
	text := `data: {"__type":"` + StatusMessages.MessageType + `","isDelta":true,"statusMessagesChanged":[` + statusEntries(1) + "]}\n\n"
	events := newEventReader(endless{text, new(int)}, DefaultMaxResponseBytes, nil)
	to := into(&sinkCount{})
	b.ReportAllocs()
	for b.Loop() {
		if err := events.Next(); err != nil {
			b.Fatal(err)
		}
		decodeEvent(b, events, to)
	}
}

func decodeEvent(b *testing.B, events *eventReader, to []*Reader) {
	d := newDocument(events)
	defer d.release()
	m := d.message(to)
	if err := d.end(); err != nil || m.Kind != KindContent {
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
