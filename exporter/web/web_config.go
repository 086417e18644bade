package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2" // the toolkit's own parser: what it reads is what was checked

	"icws_exporter/exporter/files"
)

const (
	// maxWebConfig is the longest web configuration file, certificate or key, in bytes.
	maxWebConfig = 1 << 20
	// webConfigInterval is how often the files are looked at.
	webConfigInterval = 5 * time.Second
)

// webConfig is the operator's web configuration file: TLS and passwords of the
// pages. The toolkit reads its file at every request and takes what it finds, so it
// gets a private copy that was checked, with the certificates in it.
type webConfig struct {
	file string
	copy privateFile
	// text is what the copy has, guards what it protects with, and look the digest of
	// what was found last, a text or an error.
	text    []byte
	guards  webGuards
	look    [sha256.Size]byte
	problem atomic.Pointer[string]
}

// webGuards are what keeps strangers out.
type webGuards struct{ passwords, tls, clientCertificates, clientNames bool }

// openWebConfig checks the file and makes the copy.
func openWebConfig(file string) (*webConfig, error) {
	text, err := inlined(file)
	if err != nil {
		return nil, err
	}
	private, guards, err := checkedCopy(text)
	if err != nil {
		return nil, err
	}
	return &webConfig{file: file, copy: private, text: text, guards: guards, look: digestOf(text, nil)}, nil
}

// path is that of the copy.
func (c *webConfig) path() string { return c.copy.name() }

func (c *webConfig) close() { c.copy.close() }

// Problem is why the file as it is now is not in effect; empty when it is.
func (c *webConfig) Problem() string {
	if p := c.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// follow takes changes of the file into effect until ctx ends, and says so once.
func (c *webConfig) follow(ctx context.Context, log *slog.Logger, reloaded func(ok bool)) {
	ticker := time.NewTicker(webConfigInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := c.reload()
		if !changed {
			continue
		}
		if err != nil {
			log.Error("the web configuration file is not taken; the last good one stays in effect", "file", c.file, "err", err)
		} else {
			log.Info("the web configuration file is in effect", "file", c.file)
		}
		reloaded(err == nil)
	}
}

// reload looks at the file once. It reports whether something is new since the last
// look: a configuration that is now in effect, or what is wrong with it.
func (c *webConfig) reload() (changed bool, err error) {
	text, err := inlined(c.file)
	look := digestOf(text, err)
	if look == c.look {
		return false, nil
	}
	c.look = look
	if err == nil && !bytes.Equal(text, c.text) {
		err = c.install(text)
	}
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	c.problem.Store(&problem)
	return true, err
}

func digestOf(text []byte, err error) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s%v", text, err))
}

func (c *webConfig) install(text []byte) error {
	candidate, guards, err := checkedCopy(text)
	if err != nil {
		return err
	}
	candidate.close()
	if lost := c.guards.without(guards); lost != "" {
		return fmt.Errorf("it takes %s off; if that is wanted, restart the exporter", lost)
	}
	if err := c.copy.replace(text); err != nil {
		return err
	}
	c.text, c.guards = text, guards
	return nil
}

// without says what the guards have that others have not.
func (g webGuards) without(others webGuards) string {
	switch {
	case g.passwords && !others.passwords:
		return "the passwords"
	case g.tls && !others.tls:
		return "TLS"
	case g.clientCertificates && !others.clientCertificates:
		return "the certificates of clients"
	case g.clientNames && !others.clientNames:
		return "the names of clients"
	}
	return ""
}

// checkedCopy makes a private file of a text that the toolkit accepts.
func checkedCopy(text []byte) (privateFile, webGuards, error) {
	private, err := newPrivateFile(text)
	if err != nil {
		return nil, webGuards{}, fmt.Errorf("no private copy of the file can be made: %w", err)
	}
	var config toolkit.Config
	err = toolkit.Validate(private.name())
	if err == nil {
		err = yaml.Unmarshal(text, &config)
	}
	if err != nil {
		private.close()
		return nil, webGuards{}, withoutValues(err)
	}
	return private, webGuards{
		passwords:          len(config.Users) > 0,
		tls:                config.TLSConfig.IsEnabled(),
		clientCertificates: config.TLSConfig.ClientAuth == "RequireAndVerifyClientCert",
		clientNames:        config.TLSConfig.ClientAllowedSans != nil,
	}, nil
}

// inlined returns the text of the file with the certificates that it names in it.
// HTTP/2 is off, since a client could make the process keep far more with it than
// with HTTP/1.1, which Prometheus and browsers speak as well.
func inlined(file string) ([]byte, error) {
	text, err := files.Read(file, maxWebConfig)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, new(toolkit.Config)); err != nil {
		return nil, withoutValues(err)
	}
	var top map[string]map[string]any
	if err := yaml.Unmarshal(text, &top); err != nil {
		return nil, withoutValues(err)
	}
	config := map[string]map[string]any{"http_server_config": {}}
	for name, section := range top {
		if section != nil {
			config[name] = section
		}
	}
	config["http_server_config"]["http2"] = false
	for _, key := range []string{"cert", "key", "client_ca"} {
		if err := putContent(config["tls_server_config"], key+"_file", key, filepath.Dir(file)); err != nil {
			return nil, err
		}
	}
	return yaml.Marshal(config)
}

// quoted is a part of the file that an error of the parser repeats.
var quoted = regexp.MustCompile("!!([a-z]+) `[^`]*`")

// withoutValues is an error of the parser that repeats nothing of the file, which may
// be the password by mistake.
func withoutValues(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(quoted.ReplaceAllString(err.Error(), "a !!$1"))
}

// putContent puts the content of a file in the place of its name.
func putContent(section map[string]any, fileKey, key, dir string) error {
	name, _ := section[fileKey].(string)
	if name == "" {
		return nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	content, err := files.Read(name, maxWebConfig)
	if err != nil {
		return fmt.Errorf("%s %s: %w", fileKey, files.Absolute(name), err)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return fmt.Errorf("%s %s: it is empty", fileKey, name)
	}
	delete(section, fileKey)
	section[key] = string(content)
	return nil
}
