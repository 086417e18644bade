package icws

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/probe/secret"
)

// addDocuments seeds a fuzz test with the documented shapes; testdata/fuzz has
// the odd ones.
func addDocuments(f *testing.F, pattern string) {
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		f.Fatalf("no %s: %v", pattern, err)
	}
	for _, name := range names {
		f.Add([]byte(testdata(f, filepath.Base(name))))
	}
}

// decodedTwice decodes a document whole and byte by byte, and expects the same.
func decodedTwice(t *testing.T, text []byte, decode func(*document, StatusSink) Message) error {
	t.Helper()
	var sinks [2]sinkLog
	var messages [2]Message
	var errs [2]error
	for i := range 2 {
		d := newDocument(bytes.NewReader(text))
		if i == 1 {
			d = newDocument(iotest.OneByteReader(bytes.NewReader(text)))
		}
		messages[i] = decode(d, &sinks[i])
		errs[i] = d.end()
		d.release()
	}
	if (errs[0] == nil) != (errs[1] == nil) {
		t.Fatalf("whole: %v; in bytes: %v", errs[0], errs[1])
	}
	if diff := cmp.Diff(messages[0], messages[1]) + cmp.Diff(sinks[0].lines, sinks[1].lines); diff != "" {
		t.Fatalf("whole and in bytes differ:\n%s", diff)
	}
	for _, line := range sinks[0].lines {
		if !utf8.ValidString(line) {
			t.Fatalf("not UTF-8: %q", line)
		}
	}
	if errs[0] == nil && !json.Valid(text) {
		t.Fatalf("decoded although it is no JSON: %q", text)
	}
	return errs[0]
}

func FuzzDecodeMessage(f *testing.F) {
	addDocuments(f, "message_*.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		err := decodedTwice(t, text, func(d *document, sink StatusSink) Message { return d.message(into(sink)) })
		if err != nil && len(err.Error()) > 300 {
			t.Fatalf("the error is long: %v", err)
		}
	})
}

func FuzzDecodeList(f *testing.F) {
	addDocuments(f, "status_list.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		err := decodedTwice(t, text, func(d *document, sink StatusSink) Message {
			NewStatusReader(sink).list(d)
			return Message{}
		})
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatalf("no object: %v", err)
		}
		if _, ok := members["statusMessageList"]; !ok {
			t.Fatal("decoded without a list")
		}
	})
}

func FuzzResponseError(f *testing.F) {
	f.Add(503, []byte(testdata(f, "error_not_accepting.json")), "120", "https://cic-b/")
	f.Add(400, []byte(testdata(f, "error_authentication.json")), "", "")
	f.Add(302, []byte("<html>"), "Thu, 01 Jan 2026 00:00:00 GMT", "//"+testPassword)
	f.Add(500, []byte(`{"message":"`+strings.Repeat(testToken, 100)+`","errorId":"`+testToken+`"}`), "-1", "::")
	screen := secret.NewScreen()
	screen.Learn(secret.New(testPassword))
	screen.LearnSession(secret.New(testToken))
	f.Fuzz(func(t *testing.T, code int, body []byte, retry, location string) {
		r := request{op: OpConnect, url: mustURL(t, "https://cic-a/icws/connection")}
		resp := &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {retry}, "Location": {location}}}
		var e *ResponseError
		if !errors.As(responseError(r, resp, bytes.NewReader(body)), &e) {
			t.Fatal("no answer of a server")
		}
		if e.Code != code || e.RetryAfter < 0 {
			t.Fatalf("%+v", e)
		}
		text := screen.Show(e.Error())
		if len(text) > 4000 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Fatalf("text %q", text)
		}
		if strings.Contains(text, testPassword) || strings.Contains(text, testToken) {
			t.Fatalf("a secret in %s", text)
		}
	})
}
