package config

import (
	"net/url"
	"strings"

	"go.yaml.in/yaml/v4"

	"icws_exporter/probe/icws"
)

// Flags are the quick start without a file. Every server has the same user.
type Flags struct {
	// Servers are hosts, with or without a port, or URLs, and may be NAME=URL. Without
	// a name the server is called host:port. Without port and path the port is that of
	// ICWS, and without a scheme it is https.
	Servers []string
	User    string
	// Exactly one of the two says where the password is: a file, relative to the
	// working directory, or an environment variable.
	PasswordFile, PasswordEnv string
	// CAFile is a PEM file with whom to trust instead of the system's authorities,
	// relative to the working directory; empty for the system's.
	CAFile string
}

// names are what an operator calls the keys. The variable is no flag: its name is
// all there is to say.
func (f Flags) names() map[string]string {
	return map[string]string{
		"name": "--server", "url": "--server", "hosts": "--server", "user": "--user",
		"password_file": "--password-file", "password_env": f.PasswordEnv,
		"http.tls_config.ca_file": "--ca-file",
	}
}

// FromFlags checks the flags as Parse checks a file, with the same defaults. The
// error is an *Error whose problems name the flag.
func FromFlags(flags Flags) (Validated, error) {
	r := newResolver("", "")
	e := defaultEffective()
	names := flags.names()
	common := flagLayer(names, map[string]string{
		"user": flags.User, "password_file": flags.PasswordFile, "password_env": flags.PasswordEnv,
		"http.tls_config.ca_file": flags.CAFile,
	})
	if len(flags.Servers) == 0 {
		r.add(common.missing("url"), "missing; expected a URL such as https://cic.example.com:8019, or NAME=URL")
	}
	for i, text := range flags.Servers {
		name, target := splitServer(text)
		own := flagLayer(names, map[string]string{"name": name, "url": target})
		r.uniqueName(own, i)
		server := r.server(own.over(common))
		server.ByFlags = true
		e.servers = append(e.servers, server)
	}
	return r.validated(e)
}

// flagLayer is a layer of the flags that are not empty.
func flagLayer(names, values map[string]string) layer {
	l := layer{fields: make(map[string]field), tried: make(map[string]bool), keyName: func(dotted string) string { return names[dotted] }}
	for key, value := range values {
		if value != "" {
			l.fields[key] = field{l.missing(key), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}}
		}
	}
	return l
}

// splitServer splits NAME=URL. A URL alone is named after its host and port.
func splitServer(text string) (name, target string) {
	before, after, found := strings.Cut(text, "=")
	if found && !strings.Contains(before, "://") {
		return before, withICWSPort(after)
	}
	target = withICWSPort(text)
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Host == "":
		return "server", target // the URL is refused, so the name is not seen
	case u.Port() == "":
		return u.Host + map[string]string{"http": ":80", "https": ":443"}[u.Scheme], target
	default:
		return u.Host, target
	}
}

// withICWSPort completes a host, or a URL that has neither a port nor a path: the
// port is 8019 for https and 8018 for http (protocol.md, 1.1). A path is that of a
// proxy, which listens where web servers do.
func withICWSPort(target string) string {
	if icws.ValidHost(target) {
		if u, err := icws.ExpandURL("https://{host}:8019", target); err == nil {
			return u.String()
		}
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Port() != "" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return target
	}
	if _, err := icws.ExpandURL(target, ""); err != nil {
		return target
	}
	u.Host += map[string]string{"http": ":8018", "https": ":8019"}[u.Scheme]
	return u.String()
}
