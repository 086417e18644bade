package icws

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// FeatureConfiguration is the feature that the lists of this file need, in version 1
// (protocol-users.md, 1).
const FeatureConfiguration = "configuration"

// viewOnly asks for what the session's user may view. The default of a server is what it may
// administer (protocol-users.md, 4).
const viewOnly = "rightsFilter=view"

var errNoItems = errors.New("the answer has no items")

// UserIDs reads the ids of the users whom the session's user may view, in the order and the
// case of the server (protocol-users.md, 4). One without the right gets a
// short or an empty list, and no error. Names are not kept. It never sends select,
// with which a server ends the list at 200.
func (s *Session) UserIDs(ctx context.Context) ([]string, error) {
	var ids []string
	r := s.request(OpConfiguration, "configuration/users")
	r.people = true
	r.url.RawQuery = viewOnly
	err := s.client.exchange(ctx, r, func(d *document, _ http.Header) {
		ids = d.ids()
	})
	return ids, err
}

// Members reads the ids of the members of a workgroup (protocol-users.md, 4). A
// workgroup without members, or whose members the session's user may not see, has none.
// Names are not kept.
func (s *Session) Members(ctx context.Context, workgroup string) ([]string, error) {
	var ids []string
	r := s.request(OpConfiguration, "configuration/workgroups/"+url.PathEscape(workgroup))
	r.people = true
	r.url.RawQuery = "select=members&" + viewOnly
	err := s.client.exchange(ctx, r, func(d *document, _ http.Header) {
		ids = nil
		for name := range d.members {
			if string(name) != "members" {
				d.skip()
				continue
			}
			for range d.elements {
				if id := d.configurationID(); id != "" {
					ids = append(ids, id)
				}
			}
		}
	})
	return ids, err
}

// Workgroups reads the names of the workgroups that the session's user may view
// (protocol-users.md, 4).
func (s *Session) Workgroups(ctx context.Context) ([]string, error) {
	var names []string
	r := s.request(OpConfiguration, "configuration/workgroups")
	r.url.RawQuery = viewOnly
	err := s.client.exchange(ctx, r, func(d *document, _ http.Header) {
		names = d.ids()
	})
	return names, err
}

// Licence is how many of one kind of concurrent licences are in use
// (protocol-users.md, 9).
type Licence struct {
	ID             string
	InUse, Allowed int
}

// Licences reads the concurrent licences that the session's user may view, as the server
// orders them, each once (protocol-users.md, 9). Those of which the server says no numbers
// are left out. A server sends 200 at most; total counts those also that it did not send.
func (s *Session) Licences(ctx context.Context) (list []Licence, total int, err error) {
	r := s.request(OpConfiguration, "configuration/license-allocations")
	r.url.RawQuery = "select=concurrentInUseCount,concurrentAllowedCount&" + viewOnly
	err = s.client.exchange(ctx, r, func(d *document, h http.Header) {
		known := map[string]bool{}
		var l Licence
		var numbers, read int
		d.items(func(name string) {
			switch name {
			case "configurationId":
				l.ID = d.configurationID()
			case "concurrentInUseCount":
				l.InUse = d.counted(&numbers)
			case "concurrentAllowedCount":
				l.Allowed = d.counted(&numbers)
			default:
				d.skip()
			}
		}, func() {
			if l.ID != "" && numbers == 2 && !known[l.ID] {
				known[l.ID] = true
				list = append(list, l)
			}
			l, numbers = Licence{}, 0
			read++
		})
		total = len(list)
		if _, of, found := strings.Cut(h.Get("Content-Range"), "/"); found { // "items 0-199/1234"
			if n, err := strconv.Atoi(strings.TrimSpace(of)); err == nil {
				total += max(0, n-read)
			}
		}
	})
	return list, total, err
}

// items reads a list of the configuration: the members of each item by their name,
// and after each item calls done, unless nil. An answer without a list is an error:
// it must not look like an empty one.
func (d *document) items(member func(name string), done func()) {
	found := false
	for name := range d.members {
		if string(name) != "items" {
			d.skip()
			continue
		}
		found = true
		for range d.elements {
			if d.null() {
				continue
			}
			for name := range d.members {
				member(string(name))
			}
			if done != nil && d.err == nil {
				done()
			}
		}
	}
	if !found {
		d.fail(errNoItems)
	}
}

// ids reads the ids of a list of the configuration.
func (d *document) ids() []string {
	var ids []string
	d.items(func(name string) {
		if name != "configurationId" {
			d.skip()
		} else if id := d.configurationID(); id != "" {
			ids = append(ids, id)
		}
	}, nil)
	return ids
}

// configurationID reads the id of an object {id, displayName, uri}, and nothing else
// of it.
func (d *document) configurationID() (id string) {
	if d.null() {
		return ""
	}
	for name := range d.members {
		if string(name) == "id" {
			id = d.text()
		} else {
			d.skip()
		}
	}
	return id
}

// counted reads a number that is not less than 0, and counts it when it is there.
func (d *document) counted(numbers *int) int {
	if d.kind() == jsontext.KindNull {
		d.token()
		return 0
	}
	n := d.integer()
	if n >= 0 && d.err == nil {
		*numbers++
	}
	return n
}
