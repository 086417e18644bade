package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"icws_exporter/exporter/files"
)

const (
	// maxCaptureLine is more than the largest answer that a client accepts.
	maxCaptureLine = 1 << 30
	// maxCapture bounds the whole, which is kept in memory.
	maxCapture = 2 << 30
)

// OpenCapture reads the capture in a directory. The errors name file and line, what is
// wrong and what is expected.
func OpenCapture(dir string) (*Capture, error) {
	path := filepath.Join(dir, File)
	file, err := files.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; expected a directory that check --record has written", path, err)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && info.Size() > maxCapture {
		return nil, fmt.Errorf("%s:1: the capture is too large; expected at most 2 GiB", path)
	}
	return ReadCapture(path, file)
}

// ReadCapture reads a capture; name stands for it in errors.
func ReadCapture(name string, r io.Reader) (*Capture, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxCaptureLine)
	reader := captureReader{streams: map[int64]bool{}, seen: map[int64]bool{}}
	n := 0
	for scanner.Scan() {
		n++
		if err := reader.line(scanner.Bytes()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: the line is too long; expected at most 1 GiB", name, n+1)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case n == 0:
		return nil, fmt.Errorf("%s:1: the capture is empty; expected %s", name, wantedHead)
	}
	capture, err := newCapture(reader.lines)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n, err)
	}
	return capture, nil
}

// captureReader checks line after line.
type captureReader struct {
	headed  bool
	lines   []line
	seen    map[int64]bool // exchanges
	streams map[int64]bool // false: ended
}

const wantedHead = `a first line such as {"capture":1,"recorder":"...","recorded":"..."}`

func (r *captureReader) line(text []byte) error {
	var l line
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fmt.Errorf("%s: a JSON %s stands there; expected a %s", strings.TrimPrefix(wrong.Field, "body."), wrong.Value, wrong.Type)
		}
		return fmt.Errorf("%s; expected one JSON object with the fields of docs/capture.md", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object; expected the end of the line")
	}
	if !r.headed {
		r.headed = true
		return l.checkHead()
	}
	if err := r.check(&l); err != nil {
		return err
	}
	r.lines = append(r.lines, l)
	return nil
}

func (l *line) checkHead() error {
	switch {
	case l.Capture == 0:
		return errors.New("capture: missing; expected " + wantedHead)
	case l.Capture != captureVersion:
		return fmt.Errorf("capture: the version is %d; expected %d, or a newer simulator", l.Capture, captureVersion)
	}
	return nil
}

func (r *captureReader) check(l *line) error {
	bodies := 0
	for _, given := range []bool{l.JSON != nil, l.Text != "", l.LeftOut != ""} {
		if given {
			bodies++
		}
	}
	switch {
	case l.Capture != 0:
		return errors.New("capture: given again; expected it in the first line only")
	case l.T == nil || *l.T < 0:
		return errors.New("t: missing or negative; expected seconds since the beginning")
	case l.Exchange < 1:
		return errors.New("exchange: missing; expected a number from 1")
	case bodies > 1:
		return errors.New("more than one body; expected one of json, text and left_out")
	case l.Method != "":
		return r.checkExchange(l)
	default:
		return r.checkPart(l, bodies)
	}
}

func (r *captureReader) checkExchange(l *line) error {
	answered := l.Status != 0
	switch {
	case r.seen[l.Exchange]:
		return fmt.Errorf("exchange: %d is there already; expected a new number", l.Exchange)
	case l.Host == "":
		return errors.New("host: missing; expected the placeholder of a host")
	case !strings.HasPrefix(l.Path, "/icws/"):
		return fmt.Errorf("path: %q does not begin with /icws/; expected a path of ICWS", l.Path)
	case l.Seconds < 0:
		return errors.New("seconds: negative; expected how long the exchange took")
	case answered == (l.Error != ""):
		return errors.New("status and error: both or neither; expected one of them")
	case answered && (l.Status < 200 || l.Status > 599):
		return fmt.Errorf("status: %d; expected a number from 200 to 599", l.Status)
	case l.Stream && l.Status != 200:
		return errors.New("stream: the status is not 200; expected a stream with 200 only")
	case l.Stream && (l.Method != http.MethodGet || template(l.Path) != messagesResource):
		return errors.New("stream: neither the method nor the path is that of the messages; expected GET /icws/session-1/messaging/messages")
	case l.Comment != nil || l.End != "" || l.ID != "" || l.Event != "":
		return errors.New("an exchange with a part of a stream; expected these in lines of their own")
	}
	r.seen[l.Exchange] = true
	if l.Stream {
		r.streams[l.Exchange] = true
	}
	return nil
}

func (r *captureReader) checkPart(l *line, bodies int) error {
	open, isStream := r.streams[l.Exchange]
	if l.Comment != nil {
		bodies++
	}
	if l.End != "" {
		bodies++
	}
	switch {
	case !isStream:
		return fmt.Errorf("exchange: %d is no stream of a line before; expected one, or a method for a new exchange", l.Exchange)
	case !open:
		return fmt.Errorf("exchange: the stream %d has ended; expected nothing more of it", l.Exchange)
	case bodies > 1 || bodies == 0 && l.ID == "" && l.Event == "":
		return errors.New("not one part of a stream; expected one of json, text, left_out, comment and end")
	case l.End != "" && l.End != endClient && l.End != endServer && l.End != endBroken:
		return fmt.Errorf("end: %q; expected client, server or broken", l.End)
	}
	if l.End != "" {
		r.streams[l.Exchange] = false
	}
	return nil
}
