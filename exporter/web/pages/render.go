package pages

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
)

//go:embed assets templates
var files embed.FS

var pages = template.Must(template.ParseFS(files, "templates/*.html"))

func assets() http.Handler {
	sub, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // assets is embedded: it cannot be absent
	}
	server := http.StripPrefix("/assets", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/assets/" {
			notFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		server.ServeHTTP(w, r)
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	render(w, http.StatusNotFound, "notfound.html", r.URL.Path)
}

// rendered is a whole page, ready to be sent.
type rendered struct {
	code int
	body []byte
}

// newRendered makes a whole page or a 500, never half a page.
func newRendered(code int, name string, data any) rendered {
	page, err := execute(name, data)
	if err != nil {
		return rendered{http.StatusInternalServerError, nil}
	}
	return rendered{code, page}
}

func (p rendered) write(w http.ResponseWriter) {
	if p.body == nil {
		http.Error(w, "the page could not be made; please report this", p.code)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.code)
	_, _ = w.Write(p.body)
}

func render(w http.ResponseWriter, code int, name string, data any) {
	newRendered(code, name, data).write(w)
}

func execute(name string, data any) ([]byte, error) {
	var page bytes.Buffer
	err := pages.ExecuteTemplate(&page, name, data)
	return page.Bytes(), err
}
