package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"icws_exporter/probe"
	"icws_exporter/probe/roster"
)

// CountsUsers reports whether the statuses of users are counted.
func (s Server) CountsUsers() bool {
	return len(s.Users.IDs) > 0 || len(s.Users.Workgroups) > 0 || s.Users.All
}

// forUsers is a value that is shown only where users are counted.
func forUsers(v value[Server]) value[Server] {
	show := v.show
	v.show = func(s *Server) *yaml.Node {
		if !s.CountsUsers() {
			return nil
		}
		return show(s)
	}
	return v
}

const (
	// minUsersStaleAfter leaves time to compare users in: of the four requests a minute
	// that are made for what is optional, this takes three.
	minUsersStaleAfter = time.Minute

	maxUsers      = 20_000 // four times what the largest known servers have
	maxWorkgroups = 100    // each is a request
)

// isSegment reports whether a user or a workgroup can be asked for by this id: it is
// one segment of a path, and not all of them.
func isSegment(id string) bool { return id != "." && id != ".." && id != "*" }

// isWorkgroup reports whether a workgroup can be called by this name: it can be asked
// for, and is not what small workgroups are counted as.
func isWorkgroup(name string) bool {
	return isSegment(name) && !strings.EqualFold(name, roster.SmallWorkgroups)
}

// names reads a list of ids, at least one, which may have blanks in them.
func names(at func(*Server) *[]string, limit int, want string, good func(string) bool) value[Server] {
	v := list(at, limit, want, good)
	read := v.read
	v.read = func(r *resolver, into *Server, f field) bool {
		if f.value.Kind == yaml.SequenceNode && len(f.value.Content) == 0 {
			r.add(f.at, "an empty list; expected at least one, or users.all: false for no users")
			return false
		}
		return read(r, into, f)
	}
	v.bad = append(slices.DeleteFunc(v.bad, func(bad string) bool { return bad == `["a b"]` }), "[]", `["*"]`, `[".."]`, `["a\tb"]`)
	return v
}

// withheldIDs stands for a list of ids where a configuration is shown: user ids are
// personal.
var withheldIDs = regexp.MustCompile(`^<\d+ ids>$`)

// userIDs reads ids of users. They are never shown: neither in a problem, nor with
// the rest of the configuration.
func userIDs(at func(*Server) *[]string) value[Server] {
	v := names(at, maxUsers, "the id of an ICWS user", func(id string) bool { return isSegment(id) && !withheldIDs.MatchString(id) })
	v.show = func(s *Server) *yaml.Node {
		if len(*at(s)) == 0 {
			return nil
		}
		return sequence([]string{fmt.Sprintf("<%d ids>", len(*at(s)))})
	}
	v.bad = append(v.bad, `["<3 ids>"]`)
	return v
}

// probeUsers is what the probe is told of users; nil: nobody is counted.
func (s Server) probeUsers() *probe.Users {
	if !s.CountsUsers() {
		return nil
	}
	users := s.Users
	return &users
}
