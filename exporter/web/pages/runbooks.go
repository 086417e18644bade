package pages

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"icws_exporter/alerts"
)

// markdown reads the runbooks, which are ours; HTML in them would be left out.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

// runbookPage is a runbook as people read it on a phone.
type runbookPage struct {
	frame
	Text template.HTML
}

// newRunbooks makes the page of every runbook, by its name. That of an alert may be
// asked for with .md behind it, as a link to the repository has it.
func newRunbooks(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimSuffix(r.PathValue("name"), ".md")
		text, ok := alerts.Runbook(name)
		if !ok || strings.Contains(name, "/") {
			notFound(w, r)
			return
		}
		var html bytes.Buffer
		if err := markdown.Convert([]byte(text), &html); err != nil {
			writeText(w, text)
			return
		}
		render(w, http.StatusOK, "runbook.html", runbookPage{o.frame("../", name, "", time.Now()), template.HTML(html.String())})
	})
}

func runbookIndex() index {
	i := index{About: "What to do about each alert."}
	for _, name := range alerts.Runbooks() {
		text, _ := alerts.Runbook(name) // it is listed
		entry := indexEntry{Link: name, Name: name, About: meaning(text)}
		if _, rest, found := strings.Cut(text, "\nSeverity: "); found {
			entry.Mark, _, _ = strings.Cut(rest, "\n")
		}
		i.Entries = append(i.Entries, entry)
	}
	return i
}

// meaning is the first sentence of the section Meaning.
func meaning(runbook string) string {
	_, rest, _ := strings.Cut(runbook, "\n## Meaning\n")
	paragraph, _, _ := strings.Cut(strings.TrimSpace(rest), "\n\n")
	words := strings.Join(strings.Fields(paragraph), " ")
	if sentence, _, found := strings.Cut(words, ". "); found {
		return sentence + "."
	}
	return words
}
