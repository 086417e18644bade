package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// resolver turns layers of settings into servers and collects what is wrong.
type resolver struct {
	problems
	dir string // of relative file names
}

// root reads the whole file.
func (r *resolver) root(e *effective, n *yaml.Node) {
	root := r.layer(n, "", rootKeys)
	apply(r, e, root.fields, rootSettings)

	var defaults layer
	if f, ok := root.fields["defaults"]; ok {
		defaults = r.layer(f.value, "defaults", defaultableKeys)
		// Once by themselves, for a file whose servers override them or has none.
		var unused Server
		apply(r, &unused, defaults.fields, serverSettings)
	}
	servers, ok := root.fields["servers"]
	switch {
	case !ok:
		r.missingServers(n)
	case servers.value.Kind != yaml.SequenceNode:
		r.add(servers.at, "not a list; expected a dash before each server, or [] for none")
	default:
		for i, entry := range servers.value.Content {
			path := fmt.Sprintf("servers[%d]", i)
			if entry.Kind == yaml.AliasNode {
				r.add(at(entry, path), "an alias of another server; expected a server with a name of its own, and common keys under defaults")
				continue
			}
			own := r.layer(entry, path, serverKeys)
			e.Servers = append(e.Servers, r.server(own, defaults))
			r.uniqueName(e.Servers, own)
		}
	}
}

// missingServers reports a file without servers, unless something worse is known.
func (r *resolver) missingServers(n *yaml.Node) {
	if len(r.seen) == 0 {
		r.add(at(n, "servers"), "missing; expected a list of servers, or [] for none")
	}
}

// apply reads the fields by their settings and returns the keys of the bad ones.
func apply[T any](r *resolver, into *T, fields map[string]field, settings []setting[T]) (bad map[string]bool) {
	bad = make(map[string]bool)
	for _, s := range settings {
		if f, ok := fields[s.key]; ok && !s.read(r, into, f) {
			bad[s.key] = true
		}
	}
	return bad
}

// server fills one server from its own layer, the defaults and what is built in,
// and checks what only the whole can tell.
func (r *resolver) server(own, defaults layer) Server {
	s := defaultServer()
	fields := own.over(defaults)
	bad := apply(r, &s, fields, serverSettings)

	r.required(own, fields, "name", "a name for the label server=")
	r.required(own, fields, "user", "the ICWS user to log on as")
	r.checkPassword(s, own, fields, bad)
	if !bad["url"] && !bad["hosts"] {
		r.fixHosts(&s, own, fields)
	}
	if _, given := fields["stale_after"]; !given {
		s.StaleAfter = 3 * s.CheckInterval
	}
	order := ordering{r, fields, bad}
	order.check("stale_after", "check_interval", s.StaleAfter >= 2*s.CheckInterval, "at least twice check_interval")
	order.check("delivery_timeout", "check_interval", s.DeliveryTimeout < s.CheckInterval, "less than check_interval")
	order.check("resubscribe_interval", "check_interval",
		s.ResubscribeInterval == 0 || s.ResubscribeInterval >= s.CheckInterval, "at least check_interval, or 0 for never")
	order.check("backoff.min", "backoff.max", s.Backoff.Min <= s.Backoff.Max, "at most max")
	order.check("auth_hold.min", "auth_hold.max", s.AuthHold.Min <= s.AuthHold.Max, "at most max")
	r.checkTLS(&s, fields, bad)
	return s
}

func (r *resolver) required(own layer, fields map[string]field, key, want string) {
	if _, given := fields[key]; !given {
		r.add(own.missing(key), "missing; expected %s", want)
	}
}

// ordering checks settings against each other. It skips settings that are bad by
// themselves.
type ordering struct {
	r      *resolver
	fields map[string]field
	bad    map[string]bool
}

func (o ordering) check(key, other string, good bool, want string) {
	if good || o.bad[key] || o.bad[other] {
		return
	}
	if f, given := o.fields[key]; given {
		o.r.add(f.at, "does not fit to %s; expected %s", other, want)
		return
	}
	o.r.add(o.fields[other].at, "does not fit to %s, whose default applies; expected %s to be %s", key, key, want)
}

// uniqueName compares the last server with those before it, without case: names
// become labels, and people read them aloud.
func (r *resolver) uniqueName(servers []Server, own layer) {
	last := servers[len(servers)-1]
	for i, s := range servers[:len(servers)-1] {
		if last.Name != "" && strings.EqualFold(s.Name, last.Name) {
			r.add(own.fields["name"].at, "the name of servers[%d] too (case does not count); expected a name of its own", i)
			return
		}
	}
}

// checkPassword demands exactly one place of the password, and a password there.
func (r *resolver) checkPassword(s Server, own layer, fields map[string]field, bad map[string]bool) {
	var names []string
	var chosen field
	for _, key := range passwordKeys {
		name := own.keyName(key)
		if name == "" {
			continue
		}
		names = append(names, name[strings.LastIndexByte(name, '.')+1:])
		f, given := fields[key]
		switch {
		case !given:
		case chosen.value != nil:
			r.add(f.at, "a second place of the password; expected only one")
			return
		case bad[key]:
			return
		default:
			chosen = f
		}
	}
	if chosen.value == nil {
		r.add(own.missing(passwordKeys[0]), "missing; expected one of %s", strings.Join(names, ", "))
		return
	}
	if _, err := s.Password(); err != nil {
		r.add(chosen.at, "%v", err)
	}
}
