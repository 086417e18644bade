package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strings"

	"go.yaml.in/yaml/v4"
)

// resolver turns layers of settings into servers and collects what is wrong.
type resolver struct {
	problems
	dir   string           // of relative file names
	names map[string]named // the servers so far, by their names in lower case
	// holds says whose files and passwords are looked at; nil: everybody's.
	holds func(name string) bool
	// content is what was read: the configuration and the files of http.tls_config.
	content hash.Hash
}

// named is a server that has a name: which one, and in which line, 0 for a flag.
type named struct{ number, line int }

func (n named) where() string {
	if n.line == 0 {
		return ""
	}
	return fmt.Sprintf(", in line %d,", n.line)
}

func newResolver(file, dir string) *resolver {
	return &resolver{problems: problems{file: file}, dir: dir, content: sha256.New()}
}

func (r *resolver) watches(name string) bool { return r.holds == nil || r.holds(name) }

// root reads the whole file.
func (r *resolver) root(e *effective, n *yaml.Node) {
	root := r.layer(n, "", rootNames)
	apply(r, e, root.fields, rootKeys)

	var defaults layer
	if f, ok := root.fields["defaults"]; ok {
		defaults = r.layer(f.value, "defaults", defaultableNames)
		// Once by themselves, for a file whose servers override them or has none.
		var unused Server
		apply(r, &unused, defaults.fields, serverKeys)
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
			own := r.layer(entry, path, serverNames)
			if entry.Kind == yaml.MappingNode {
				r.uniqueName(own, i)
				e.servers = append(e.servers, r.server(own.over(defaults)))
			}
		}
	}
}

// missingServers reports a file without servers, unless something worse is known.
func (r *resolver) missingServers(n *yaml.Node) {
	if len(r.seen) == 0 {
		r.add(at(n, "servers"), "missing; expected a list of servers, or [] for none")
	}
}

// server fills one server from its layer, which lies over the defaults, and from
// what is built in, and checks what only the whole can tell.
func (r *resolver) server(l layer) Server {
	s := defaultServer()
	bad := apply(r, &s, l.fields, serverKeys)

	r.require(l, "name", "a name for the label server=")
	r.require(l, "user", "the ICWS user to log on as")
	r.checkPassword(s, l, bad)
	if !bad["url"] && !bad["hosts"] {
		r.fixHosts(&s, l)
	}
	if _, given := l.fields["stale_after"]; !given {
		s.StaleAfter = 3 * s.CheckInterval
	}
	order := ordering{r, l.fields, bad}
	order.check("stale_after", "check_interval", s.StaleAfter >= 2*s.CheckInterval, "at least twice check_interval")
	order.check("delivery_timeout", "check_interval", s.DeliveryTimeout < s.CheckInterval, "less than check_interval")
	order.check("resubscribe_interval", "check_interval",
		s.ResubscribeInterval == 0 || s.ResubscribeInterval >= s.CheckInterval, "at least check_interval, or 0 for never")
	order.check("backoff.min", "backoff.max", s.BackoffMin <= s.BackoffMax, "at most the max beside it")
	order.check("auth_hold.min", "auth_hold.max", s.AuthHoldMin <= s.AuthHoldMax, "at most the max beside it")
	r.checkUsers(&s, l, order)
	r.checkTLS(s, l.fields, bad)
	return s
}

// checkUsers demands one source of users, when there is anything about users in the
// server's own keys, and checks what depends on the source.
func (r *resolver) checkUsers(s *Server, l layer, order ordering) {
	var sources []field
	unclear := false
	for _, name := range userSources {
		if f, given := l.fields[name]; given && (name != "users.all" || s.Users.All) {
			sources = append(sources, f)
		}
		unclear = unclear || order.bad[name] || l.tried[name]
	}
	_, chosen := l.fields["users.all"] // all: false says that nobody is counted
	switch {
	case len(sources) > 1:
		r.add(sources[1].at, "a second source of users; expected only one of ids, workgroups and all")
		return
	case unclear:
		return
	case len(sources) == 0 && !chosen:
		for name, f := range l.fields {
			if strings.HasPrefix(name, "users.") && !order.bad[name] && f.at.key == l.keyName(name) {
				r.add(f.at, "there are no users; expected one of ids, workgroups and all beside it, which say who is counted, or all: false for nobody")
			}
		}
		return
	case len(sources) == 0:
		return
	}
	if _, given := l.fields["users.stale_after"]; !given {
		s.Users.StaleAfter = max(s.StaleAfter, minUsersStaleAfter)
	}
	order.check("users.stale_after", "check_interval", s.Users.StaleAfter >= 2*s.CheckInterval, "at least twice check_interval")
	order.check("users.by_workgroup", sources[0].at.key, !s.Users.ByWorkgroup || len(s.Users.Workgroups) > 0, "users.workgroups in its place, since nothing else tells workgroups apart")
}

// require reports a key that is not there, once.
func (r *resolver) require(l layer, key, want string) {
	if _, given := l.fields[key]; !given && !l.tried[key] {
		r.add(l.missing(key), "missing; expected %s", want)
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
		o.r.add(f.at, "contradicts %s; expected %s", other, want)
		return
	}
	o.r.add(o.fields[other].at, "contradicts the default of %s; expected %s to be given, %s", key, key, want)
}

// uniqueName compares the name of server i with those before it, without case:
// people read names aloud.
func (r *resolver) uniqueName(own layer, i int) {
	f, given := own.fields["name"]
	if !given {
		return
	}
	if r.names == nil {
		r.names = make(map[string]named)
	}
	name := strings.ToLower(f.value.Value)
	if first, taken := r.names[name]; taken {
		r.add(f.at, "the name of server number %d%s too (case does not count); expected a name of its own, or, if both are hosts of one switchover pair, one server with both in hosts", first.number, first.where())
		return
	}
	r.names[name] = named{i + 1, f.at.line}
}

// checkPassword demands exactly one place of the password, and a password there.
func (r *resolver) checkPassword(s Server, l layer, bad map[string]bool) {
	var names []string
	var chosen field
	for _, key := range passwordNames {
		f, given := l.fields[key]
		switch _, name := cutLast(l.keyName(key)); {
		case l.tried[key] || l.tried["password"]:
			return
		case !given && name != "":
			names = append(names, name)
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
		want := strings.Join(names, ", ")
		if len(names) > 1 {
			want = "one of " + want
		}
		r.add(l.missing(passwordNames[0]), "missing; expected %s", want)
		return
	}
	if !r.watches(s.Name) {
		return
	}
	_, err := s.Password()
	unreadable := (*unreadableError)(nil)
	switch {
	case err == nil:
	case errors.As(err, &unreadable) && s.PasswordFile != "":
		r.add(chosen.at, "the password cannot be read (%v): %s%s", unreadable.err, r.triedForPassword(chosen.value.Value, s.PasswordFile), adviceOn(err))
	default:
		r.add(chosen.at, "%v", err)
	}
}
