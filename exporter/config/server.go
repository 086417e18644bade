package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"sync"

	"icws_exporter/probe"
)

// Server is one server to watch, with every default filled in: what its probe needs,
// and what the exporter needs besides. serverKeys say which key of the file is which
// field. It is a value: whoever gets one owns it.
type Server struct {
	// The Password and the Users of it are not set: Probe adds them, and the limits.
	probe.Config
	Site string
	// Exactly one of the three says where the password is.
	PasswordFile, PasswordEnv, PasswordCredential string
	// Users says whose statuses are counted; nobody's, unless it names a source.
	// Probe gives it to the probe.
	Users probe.Users
	HTTP  HTTP
	// ByFlags: the operator gave flags and no file, so that advice names these.
	ByFlags bool
}

// HTTP says how to connect.
type HTTP struct {
	TLS      TLS
	ProxyURL ProxyURL
}

// TLS says whom to trust and how to identify ourselves. The files are PEM. It is not
// the TLSConfig of prometheus/common, which can also trust everybody and hold keys.
type TLS struct {
	CAFile, CertFile, KeyFile string
	ServerName                string
	MinVersion                string // TLS10 to TLS13, or empty
}

// Limits bound what a server can make the exporter keep and show.
type Limits struct {
	Groups        int `yaml:"groups"` // groups with series of their own
	Statuses      int // statuses with series of their own
	ResponseBytes Bytes
}

// ReadyWhen says when /-/ready answers 200.
type ReadyWhen string

// The conditions of readiness.
const (
	ReadyAttempted ReadyWhen = "attempted" // every server was tried once
	ReadyAny       ReadyWhen = "any"       // one server is up
	ReadyAll       ReadyWhen = "all"       // every server is up
)

var defaultServer = sync.OnceValue(func() (s Server) {
	presets(&s, serverKeys)
	return s
})

// Probe returns what the probe of this server needs.
func (s Server) Probe(limits Limits) probe.Config {
	s = s.clone()
	c := s.Config
	c.Password, c.ProxyPassword = s.passwordReader(), s.HTTP.ProxyURL.password()
	c.MaxGroups, c.MaxResponseBytes = limits.Groups, int64(limits.ResponseBytes)
	c.Users = s.probeUsers()
	return c
}

// passwordReader returns what reads the password anew. It keeps nothing else of s.
func (s Server) passwordReader() func() (string, error) {
	file, env, credential := s.PasswordFile, s.PasswordEnv, s.PasswordCredential
	return func() (string, error) {
		password, err := Server{PasswordFile: file, PasswordEnv: env, PasswordCredential: credential}.Password()
		return password.Reveal(), err
	}
}

// MarshalYAML shows the keys that are set, as a file would have them, without any
// secret.
func (s Server) MarshalYAML() (any, error) { return block(&s, serverKeys), nil }

// Keys are the same as a map.
func (s Server) Keys() map[string]any {
	var keys map[string]any
	_ = block(&s, serverKeys).Decode(&keys) // such a block can always be read
	return keys
}

// MarshalJSON shows Keys.
func (s Server) MarshalJSON() ([]byte, error) { return json.Marshal(s.Keys()) }

// Equal reports whether a running probe of s may go on for other: all settings and
// the proxy's password are the same. Not compared are the site, which is only a
// label, how the operator gave them, what is read anew when it is needed (the ICWS
// password and the files of http.tls_config), and what is Optional, which a running
// probe takes over.
func (s Server) Equal(other Server) bool {
	s.Site, s.ByFlags, s.Users, s.Licences = other.Site, other.ByFlags, other.Users, other.Licences
	return reflect.DeepEqual(s, other)
}

// Optional returns what the probe of this server watches besides the status messages.
func (s Server) Optional() probe.Optional {
	return probe.Optional{Users: s.clone().probeUsers(), Licences: s.Licences}
}

// EqualOptional reports whether both watch the same besides the status messages.
func (s Server) EqualOptional(other Server) bool {
	return reflect.DeepEqual(s.Optional(), other.Optional())
}

func (s Server) clone() Server {
	s.Hosts, s.AllowedHosts = slices.Clone(s.Hosts), slices.Clone(s.AllowedHosts)
	s.Users.IDs, s.Users.Workgroups = slices.Clone(s.Users.IDs), slices.Clone(s.Users.Workgroups)
	return s
}
