package capture

import (
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

	"icws_exporter/exporter/config"
	"icws_exporter/probe/icws"
)

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
	lines   chan func(*redactor) line
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
	r := &Recorder{start: time.Now(), maxBody: int64(limits.ResponseBytes), lines: make(chan func(*redactor) line, 64)}
	r.writing.Go(func() { r.err = writeLines(file, redacted, r.lines) })
	r.lines <- func(*redactor) line {
		return line{Capture: captureVersion, Recorder: by, Recorded: r.start.UTC().Format(time.RFC3339)}
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
func writeLines(file *os.File, redactor *redactor, lines <-chan func(*redactor) line) (err error) {
	for next := range lines {
		l := next(redactor)
		if err == nil && !l.empty() {
			_, err = io.WriteString(file, render(l, redactor))
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
func render(l line, redactor *redactor) string {
	text := l.encoded()
	if redactor.holds(text) {
		text = l.bare().encoded()
	}
	if redactor.holds(text) {
		return ""
	}
	return text
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

func (r *Recorder) since() time.Duration { return time.Since(r.start) }

// exchange is one exchange as it went.
type exchange struct {
	number   int64
	request  *http.Request
	sent     []byte
	start    time.Duration
	end      time.Duration
	err      error
	response *http.Response // nil with err
	stream   bool
	body     []byte
	whole    bool
}

func (x exchange) line(r *redactor) line {
	request := x.request
	people := namesPeople(request.URL.Path)
	l := line{
		T: new(seconds(x.start)), Exchange: x.number, Host: r.hostOf(request),
		Method: request.Method, Path: r.path(request.URL.Path), Query: request.URL.RawQuery,
		Send:    &content{Header: r.header(request.Header), body: r.body(people, x.sent, true, false)},
		Seconds: seconds(x.end - x.start), Stream: x.stream,
	}
	if x.err != nil {
		l.Error = icws.ReasonOf(x.err).String()
		return l
	}
	l.Status, l.Header = x.response.StatusCode, r.header(x.response.Header)
	if !x.stream {
		isLogOn := request.Method == http.MethodPost && l.Status < http.StatusMultipleChoices
		l.body = r.body(people, x.body, x.whole, isLogOn)
	}
	return l
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
