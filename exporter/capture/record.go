package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"icws_exporter/exporter/config"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/secret"
)

// File is the name of a capture in its directory.
const File = "capture.jsonl"

// maxText bounds what is kept of a body that is no JSON.
const maxText = 64 << 10

// Recorder writes a capture of one server: every exchange and every event of the
// stream, a JSON object a line, without the password, the user, session ids,
// tokens, cookies and host names (docs/capture.md). A nil Recorder
// records nothing. All methods may be called from any goroutine.
type Recorder struct {
	start     time.Time
	maxBody   int64
	exchanges atomic.Int64
	// lines are made on the writer's goroutine: redacting a long list must not
	// delay who reads it.
	lines   chan func(*redactor) captureLine
	writing sync.WaitGroup
	err     error // of the file; read it after writing is done
}

// NewRecorder begins a capture in the directory, which must not exist or be
// empty. It reads the password of the server, to keep it out of the capture; by
// says who records. The errors say what to do.
func NewRecorder(dir string, server config.Server, limits config.Limits, by string) (*Recorder, error) {
	password, err := server.Password()
	if err != nil {
		return nil, err
	}
	redacted, err := newRedactor(server, password)
	if err != nil {
		return nil, err
	}
	file, err := createCapture(dir)
	if err != nil {
		return nil, err
	}
	r := &Recorder{start: time.Now(), maxBody: int64(limits.ResponseBytes), lines: make(chan func(*redactor) captureLine, 64)}
	r.writing.Go(func() { r.err = writeLines(file, redacted, r.lines) })
	r.lines <- func(*redactor) captureLine {
		return captureHead{Capture: 1, Recorder: by, Recorded: r.start.UTC().Format(time.RFC3339)}
	}
	return r, nil
}

func createCapture(dir string) (*os.File, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w; name a new directory in one that exists", err)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w; name a new or an empty directory", err)
	case len(entries) > 0:
		return nil, fmt.Errorf("%s is not empty; name a new or an empty directory", dir)
	}
	return os.OpenFile(filepath.Join(dir, File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// writeLines writes until the channel is closed. After an error it only drains.
func writeLines(file *os.File, redactor *redactor, lines <-chan func(*redactor) captureLine) (err error) {
	for line := range lines {
		if err == nil {
			_, err = io.WriteString(file, render(line(redactor), redactor))
		}
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("the capture is not whole: %w", err)
	}
	return nil
}

// render makes the text of a line. Should a secret stand anywhere in it, where only
// a server puts it, such as in the name of a member, then the line goes without all
// that the server said.
func render(line captureLine, redactor *redactor) string {
	text := encoded(line)
	if redactor.holds(text) {
		text = encoded(line.bare())
	}
	if redactor.holds(text) {
		return ""
	}
	return text
}

func encoded(line captureLine) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		return "" // these types can always be written
	}
	return b.String()
}

// Close ends the capture, after the last exchange has ended. It returns the first
// error of writing it.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	close(r.lines)
	r.writing.Wait()
	return r.err
}

// captureLine is a line of a capture.
type captureLine interface {
	// bare is the line without what the server said.
	bare() captureLine
}

func (l captureHead) bare() captureLine { return l }

func (l captureExchange) bare() captureLine {
	l.Query, l.Header = "", nil
	l.Send = captureContent{captureBody: captureBody{LeftOut: secret.Withheld}}
	l.captureBody = captureBody{LeftOut: secret.Withheld}
	return l
}

func (l captureEvent) bare() captureLine {
	return captureEvent{T: l.T, Exchange: l.Exchange, End: l.End, captureBody: captureBody{LeftOut: secret.Withheld}}
}

// The lines of a capture.
type (
	captureHead struct {
		Capture  int    `json:"capture"`
		Recorder string `json:"recorder"`
		Recorded string `json:"recorded"`
	}
	captureExchange struct {
		T        seconds             `json:"t"`
		Exchange int64               `json:"exchange"`
		Host     string              `json:"host"`
		Method   string              `json:"method"`
		Path     string              `json:"path"`
		Query    string              `json:"query,omitempty"`
		Send     captureContent      `json:"send"`
		Seconds  seconds             `json:"seconds"`
		Error    string              `json:"error,omitempty"`
		Status   int                 `json:"status,omitempty"`
		Header   map[string][]string `json:"header,omitempty"`
		Stream   bool                `json:"stream,omitempty"`
		captureBody
	}
	captureContent struct {
		Header map[string][]string `json:"header"`
		captureBody
	}
	captureBody struct {
		JSON    jsontext.Value `json:"json,omitempty"`
		Text    string         `json:"text,omitempty"`
		LeftOut string         `json:"left_out,omitempty"`
		Cut     bool           `json:"cut,omitempty"`
	}
	captureEvent struct {
		T        seconds `json:"t"`
		Exchange int64   `json:"exchange"`
		ID       string  `json:"id,omitempty"`
		Event    string  `json:"event,omitempty"`
		Comment  *string `json:"comment,omitempty"`
		captureBody
		End string `json:"end,omitempty"`
	}
)

// seconds are written with microseconds.
type seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s seconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.6f", time.Duration(s).Seconds()), nil
}

func (r *Recorder) since() seconds { return seconds(time.Since(r.start)) }

// exchange is one exchange as it went.
type exchange struct {
	number   int64
	request  *http.Request
	sent     []byte
	start    seconds
	end      seconds
	err      error
	response *http.Response // nil with err
	stream   bool
	body     []byte
	whole    bool
}

func (x exchange) line(r *redactor) captureLine {
	request := x.request
	what := aboutOf(request.URL.Path)
	line := captureExchange{
		T: x.start, Exchange: x.number, Host: r.hostOf(request),
		Method: request.Method, Path: r.path(request.URL.Path), Query: request.URL.RawQuery,
		Send:    captureContent{Header: r.header(request.Header), captureBody: r.bodyOf(what, x.sent, true, false)},
		Seconds: x.end - x.start, Stream: x.stream,
	}
	if x.err != nil {
		line.Error = icws.ReasonOf(x.err).String()
		return line
	}
	line.Status, line.Header = x.response.StatusCode, r.header(x.response.Header)
	if !x.stream {
		isLogOn := request.Method == http.MethodPost && line.Status < http.StatusMultipleChoices
		line.captureBody = r.bodyOf(what, x.body, x.whole, isLogOn)
	}
	return line
}

// RoundTripper records what goes through next.
func (r *Recorder) RoundTripper(next http.RoundTripper) http.RoundTripper {
	if r == nil {
		return next
	}
	return recording{next, func(request *http.Request) (*http.Response, error) {
		x := exchange{number: r.exchanges.Add(1), request: request, sent: readAgain(request), start: r.since()}
		response, err := next.RoundTrip(request)
		x.end = r.since()
		if err != nil {
			x.err = err
			r.lines <- x.line
			return nil, err
		}
		recorded := *response
		x.response = response
		if isStream(response) {
			x.stream = true
			r.lines <- x.line
			recorded.Body = &recordedStream{recorder: r, exchange: x.number, src: response.Body}
		} else {
			recorded.Body = &recordedBody{recorder: r, exchange: x, src: response.Body}
		}
		return &recorded, nil
	}}
}

// recording is a round tripper that records.
type recording struct {
	next http.RoundTripper
	trip func(*http.Request) (*http.Response, error)
}

// RoundTrip implements http.RoundTripper.
func (r recording) RoundTrip(request *http.Request) (*http.Response, error) { return r.trip(request) }

// CloseIdleConnections closes the connections that no request uses.
func (r recording) CloseIdleConnections() {
	if next, ok := r.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// readAgain returns the body of a request without using it up.
func readAgain(request *http.Request) []byte {
	if request.GetBody == nil {
		return nil
	}
	body, err := request.GetBody()
	if err != nil {
		return nil
	}
	defer func() { _ = body.Close() }()
	content, _ := io.ReadAll(body) // of memory
	return content
}

func isStream(response *http.Response) bool {
	media, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream") && response.StatusCode == http.StatusOK
}
