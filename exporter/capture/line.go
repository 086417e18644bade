package capture

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"time"

	"icws_exporter/probe/secret"
)

// File is the name of a capture in its directory.
const File = "capture.jsonl"

const captureVersion = 1

// line is any line of a capture, as it is written and read (docs/capture.md): the
// head, an exchange, or a part of a stream.
type line struct {
	Capture  int    `json:"capture,omitempty"`
	Recorder string `json:"recorder,omitempty"`
	Recorded string `json:"recorded,omitempty"`

	T        *float64            `json:"t,omitempty"`
	Exchange int64               `json:"exchange,omitempty"`
	Host     string              `json:"host,omitempty"`
	Method   string              `json:"method,omitempty"`
	Path     string              `json:"path,omitempty"`
	Query    string              `json:"query,omitempty"`
	Send     *content            `json:"send,omitempty"`
	Seconds  float64             `json:"seconds,omitempty"`
	Error    string              `json:"error,omitempty"`
	Status   int                 `json:"status,omitempty"`
	Header   map[string][]string `json:"header,omitempty"`
	Stream   bool                `json:"stream,omitempty"`

	ID      string  `json:"id,omitempty"`
	Event   string  `json:"event,omitempty"`
	Comment *string `json:"comment,omitempty"`
	body
	End string `json:"end,omitempty"`
}

// content is what a request carries.
type content struct {
	Header http.Header `json:"header"`
	body
}

// body is the body of a request or an answer, or the data of an event.
type body struct {
	JSON    json.RawMessage `json:"json,omitempty"`
	Text    string          `json:"text,omitempty"`
	LeftOut string          `json:"left_out,omitempty"`
	Cut     bool            `json:"cut,omitempty"`
}

// The values of End.
const (
	endClient = "client"
	endServer = "server"
	endBroken = "broken"
)

// empty tells a line with nothing to write.
func (l line) empty() bool { return l.Capture == 0 && l.Exchange == 0 }

// seconds are written with microseconds.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e6 }

func (b body) bytes() []byte {
	if b.JSON != nil {
		return b.JSON
	}
	return []byte(b.Text)
}

// bare is the line without what the server said.
func (l line) bare() line {
	l.Query, l.Header, l.ID, l.Event, l.Comment = "", nil, "", "", nil
	l.body = body{LeftOut: secret.Withheld}
	if l.Send != nil {
		l.Send = &content{body: l.body}
	}
	return l
}

func (l line) encoded() string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		return "" // these types can always be written
	}
	return b.String()
}
