package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"icws_exporter/exporter"
)

// Fleet is what the API asks about the watched servers; it answers at once and to
// any goroutine.
type Fleet interface{ Servers() []exporter.Server }

// Routes returns the handlers of /api/ by their patterns for an http.ServeMux. They
// only read; the caller lets GET and HEAD through and nothing else.
func Routes(fleet Fleet) map[string]http.Handler {
	s := &servers{fleet}
	return map[string]http.Handler{
		"/api/v1/servers":        http.HandlerFunc(s.list),
		"/api/v1/servers/{name}": http.HandlerFunc(s.one),
		"/api/": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			WriteJSON(w, http.StatusNotFound, failure{"there is nothing here; try /api/v1/servers"})
		}),
	}
}

var errLimit = errors.New("limit is not a number of servers; expected 1 or more")

// servers answers about the servers of a fleet. Any goroutine may use it.
type servers struct{ fleet Fleet }

func (s *servers) one(w http.ResponseWriter, r *http.Request) {
	fields, err := selectionOf(r.URL.Query().Get("fields"))
	if err != nil {
		WriteJSON(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	all := s.fleet.Servers()
	i := slices.IndexFunc(all, func(server exporter.Server) bool { return server.Name == r.PathValue("name") })
	if i < 0 {
		WriteJSON(w, http.StatusNotFound, failure{"no server of this name is configured; /api/v1/servers has the names"})
		return
	}
	detail := newServerDetail(all[i], fields, time.Now())
	detail.Recent = new(newRecentDetail(all[i].History.Recent()))
	text, err := indented(detail, fields, "")
	if err != nil {
		WriteJSON(w, http.StatusInternalServerError, failure{"the answer could not be made; please report this"})
		return
	}
	header(w, http.StatusOK)
	_, _ = w.Write(append(text, '\n'))
}

// list makes one server after the other, so that a list of thousands needs hardly
// more memory than one of them.
func (s *servers) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	fields, err := selectionOf(query.Get("fields"))
	if err != nil {
		WriteJSON(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	all, next, err := part(s.fleet.Servers(), query)
	if err != nil {
		WriteJSON(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	header(w, http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	before := "{\n  \"servers\": ["
	now := time.Now()
	for _, server := range all {
		text, err := indented(newServerDetail(server, fields, now), fields, "    ")
		if err != nil {
			panic(http.ErrAbortHandler) // the client must not take it for whole
		}
		if _, err := io.WriteString(w, before+"\n    "+string(text)); err != nil {
			return
		}
		before = ","
	}
	end := "\n  ]"
	if len(all) == 0 {
		end = before + "]"
	}
	if next != "" {
		name, _ := json.Marshal(next) // a text
		end += ",\n  \"next\": " + string(name)
	}
	_, _ = io.WriteString(w, end+"\n}\n")
}

// part returns the servers behind the name of the parameter after, at most limit of
// them, and the name to go on with; empty at the end.
func part(all []exporter.Server, query url.Values) (some []exporter.Server, next string, err error) {
	if after := query.Get("after"); after != "" {
		i, found := slices.BinarySearchFunc(all, after, func(s exporter.Server, name string) int { return strings.Compare(s.Name, name) })
		if found {
			i++
		}
		all = all[i:]
	}
	text := query.Get("limit")
	if text == "" {
		return all, "", nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 {
		return nil, "", errLimit
	}
	if limit < len(all) {
		return all[:limit], all[limit-1].Name, nil
	}
	return all, "", nil
}

type failure struct {
	Error string `json:"error"`
}

// indented is JSON that people read as well.
func indented(v any, fields selection, prefix string) ([]byte, error) {
	if fields != nil {
		whole, err := indented(v, nil, "")
		if err != nil {
			return nil, err
		}
		v = fields.of(whole)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, "  ")
	err := encoder.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

func header(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
}

// WriteJSON answers with v, indented.
func WriteJSON(w http.ResponseWriter, code int, v any) {
	text, err := indented(v, nil, "")
	if err != nil {
		http.Error(w, "the answer could not be made; please report this", http.StatusInternalServerError)
		return
	}
	header(w, code)
	_, _ = w.Write(append(text, '\n'))
}
