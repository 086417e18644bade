package config

import (
	"crypto/sha256"
	"encoding/binary"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"icws_exporter/exporter/files"
)

const maxFileBytes = 8 << 20

// Validated is a configuration that passed every check. Only Load, Parse and
// FromFlags make one; it cannot be changed, and any goroutine may use it. The
// zero Validated watches nothing.
type Validated struct {
	effective *effective
	content   Content
}

// Content tells apart what configurations were read from, good or bad: the bytes of
// the file itself and of the files of http.tls_config. Passwords are no part of it;
// they are read anew at every log-on. The zero Content is of nothing that was read.
type Content [sha256.Size]byte

// effective is the configuration with every default filled in. rootKeys say which key
// of the file is which field.
type effective struct {
	readyWhen ReadyWhen
	limits    Limits
	servers   []Server
}

func defaultEffective() *effective {
	e := &effective{}
	presets(e, rootKeys)
	return e
}

// Load reads and checks the configuration file. File names in it are relative to
// its directory. An unreadable file is an error of os or of package files; everything
// else that is wrong is an *Error with every problem.
func Load(path string) (Validated, error) { return LoadPart(path, nil) }

// LoadPart is Load for an exporter that watches only the servers whose names holds
// accepts. It checks the whole file, but looks at the passwords and the files of those
// servers only: the others' may be on another machine. A nil holds accepts all.
func LoadPart(path string, holds func(name string) bool) (Validated, error) {
	src, err := files.Read(path, maxFileBytes)
	if err != nil {
		return Validated{}, unreadable(path, err)
	}
	r := newResolver(path, filepath.Dir(path))
	r.holds = holds
	return r.parse(src)
}

// Parse checks the configuration in src; name stands for the file in errors, and
// file names in it are relative to dir. It reads the files that the configuration
// names. The error is an *Error with every problem.
func Parse(name string, src []byte, dir string) (Validated, error) {
	return newResolver(name, dir).parse(src)
}

func (r *resolver) parse(src []byte) (Validated, error) {
	_, _ = r.content.Write(src) // a hash takes everything
	e := defaultEffective()
	if root := r.document(src); root != nil {
		r.root(e, root)
	}
	return r.validated(e)
}

// validated is the only place that makes a Validated.
func (r *resolver) validated(e *effective) (Validated, error) {
	content := Content(r.content.Sum(nil))
	if err := r.found(); err != nil {
		err.Content = content
		return Validated{}, err
	}
	return Validated{e, content}, nil
}

func (v Validated) get() *effective {
	if v.effective == nil {
		return defaultEffective()
	}
	return v.effective
}

// Servers returns the servers in the order of the configuration. The caller may
// change them.
func (v Validated) Servers() []Server {
	servers := make([]Server, len(v.get().servers))
	for i, s := range v.get().servers {
		servers[i] = s.clone()
	}
	return servers
}

// Limits returns the limits, which hold for each server.
func (v Validated) Limits() Limits { return v.get().limits }

// ReadyWhen returns when the exporter is ready.
func (v Validated) ReadyWhen() ReadyWhen { return v.get().readyWhen }

// Content tells what the configuration was read from.
func (v Validated) Content() Content { return v.content }

// Redacted returns the effective configuration as YAML, without any secret.
func (v Validated) Redacted() []byte {
	e := v.get()
	root, servers := block(e, rootKeys), &yaml.Node{Kind: yaml.SequenceNode}
	for i := range e.servers {
		servers.Content = append(servers.Content, block(&e.servers[i], serverKeys))
	}
	if len(e.servers) == 0 {
		servers.Style = yaml.FlowStyle
	}
	put(root, "servers", servers)
	return dump(root)
}

// Redacted returns the effective configuration of the server as YAML, without any
// secret.
func (s Server) Redacted() []byte { return dump(block(&s, serverKeys)) }

// Hash returns 48 bits of a digest of what Redacted shows: equal configurations
// have equal hashes on every host, and no secret or file content is part of it.
func (v Validated) Hash() uint64 {
	digest := sha256.Sum256(v.Redacted())
	return binary.BigEndian.Uint64(digest[:]) >> 16
}
