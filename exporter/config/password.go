package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"icws_exporter/exporter/files"
	"icws_exporter/probe/secret"
)

const maxPasswordBytes = 4 << 10

// Password reads the password anew from its file, environment variable or systemd
// credential, and takes one line end off it. What cannot be the password that was
// meant is an error, so that it costs no log-on. It does I/O and may be called from
// any goroutine. Its errors say what to do, and never repeat the password. They name
// the file; whoever checks a configuration looks first whether that may be a password
// in the wrong place.
func (s Server) Password() (secret.Text, error) {
	var content []byte
	var err error
	place, _ := s.PasswordPlace()
	switch {
	case s.PasswordEnv != "":
		value, found := os.LookupEnv(s.PasswordEnv)
		if !found {
			return secret.Text{}, errors.New("the environment variable of the password is not set; set it where the exporter is started")
		}
		content = []byte(value)
	case s.PasswordCredential != "":
		directory := os.Getenv("CREDENTIALS_DIRECTORY")
		if directory == "" {
			return secret.Text{}, errors.New("there is no CREDENTIALS_DIRECTORY; load the credential with LoadCredential= in the systemd unit, and run other commands with systemd-run --pipe --property=LoadCredential=NAME:FILE")
		}
		content, err = files.Read(filepath.Join(directory, s.PasswordCredential), maxPasswordBytes)
		if errors.Is(err, fs.ErrNotExist) {
			return secret.Text{}, fmt.Errorf("no credential of this name is in %s; load it with LoadCredential= in the systemd unit, under this name", directory)
		}
	default:
		content, err = files.Read(s.PasswordFile, maxPasswordBytes)
	}
	switch {
	case errors.Is(err, files.ErrEncoding):
		return secret.Text{}, fmt.Errorf("%s is %w", place, err)
	case err != nil:
		return secret.Text{}, &unreadableError{place, err}
	}
	password := withoutLineEnd(content)
	if wrong, remedy := wrongWithPassword(password); wrong != "" {
		return secret.Text{}, fmt.Errorf("%s %s; %s", place, wrong, remedy)
	}
	return secret.New(string(password)), nil
}

// unreadableError is a password that is not there, or not to be read.
type unreadableError struct {
	place string
	err   error
}

func (e *unreadableError) Error() string {
	return fmt.Sprintf("the password cannot be read from %s (%v)%s", e.place, e.err, adviceOn(e.err))
}

func (e *unreadableError) Unwrap() error { return e.err }

// PasswordPlace says in words where the password is, and when a changed one is seen:
// empty for at once.
func (s Server) PasswordPlace() (place, change string) {
	switch {
	case s.PasswordEnv != "":
		return "the environment variable " + s.PasswordEnv, "a changed one needs a restart of the exporter"
	case s.PasswordCredential != "":
		return "the systemd credential " + s.PasswordCredential, ofCredential
	case isCredential(s.PasswordFile):
		return "the systemd credential " + s.PasswordFile, ofCredential
	default:
		return "the file " + files.Absolute(s.PasswordFile), ""
	}
}

// systemd hands a service its credentials once (systemd.exec, LoadCredential=).
const ofCredential = "systemd copied it when the unit started, so a changed one needs a restart of the unit"

// isCredential reports whether a file is one that systemd made of a credential.
func isCredential(file string) bool {
	file = filepath.ToSlash(file)
	directory := strings.TrimSuffix(filepath.ToSlash(os.Getenv("CREDENTIALS_DIRECTORY")), "/")
	return directory != "" && strings.HasPrefix(file, directory+"/") || strings.HasPrefix(file, "/run/credentials/")
}

// adviceOn says what to do about a file that cannot be read, where that is known.
func adviceOn(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "; raise the limit on open files: LimitNOFILE= in the systemd unit, ulimit -n in the shell"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, files.ErrNotRegular):
		return "; expected a file that the exporter's user may read"
	default:
		return ""
	}
}

func withoutLineEnd(content []byte) []byte {
	if line, ended := bytes.CutSuffix(content, []byte("\n")); ended {
		return bytes.TrimSuffix(line, []byte("\r"))
	}
	return content
}

// wrongWithPassword says why a text cannot be the password that was meant, and what
// to do. The server would refuse it, and every refused log-on brings the user
// nearer to being locked. The texts go on from the name of the place.
func wrongWithPassword(p []byte) (wrong, remedy string) {
	text := string(p)
	switch {
	case text == "":
		return "is empty", "put the password there"
	case !utf8.ValidString(text), strings.HasPrefix(text, "\ufeff"):
		return "is not plain UTF-8", "save it as UTF-8 without a byte order mark"
	case strings.ContainsAny(text, "\r\n"):
		return "holds a line end besides the one at its end", "put the password there as one line (printf '%s' writes none at the end)"
	case strings.IndexFunc(text, unicode.IsControl) >= 0:
		return "holds a control character, such as a tab", "write the password anew, without what cannot be typed"
	case strings.TrimSpace(text) != text:
		return "begins or ends with a blank", "take the blank away (if the password really has one, give the user another password)"
	case placeholder.MatchString(text):
		return "holds the name of a variable, which nothing puts in", "put the password itself there"
	}
	return "", ""
}

// placeholder is what a template leaves when nobody filled it in: ${NAME}, $(NAME),
// {{ name }} and %NAME%.
var placeholder = regexp.MustCompile(`^(\$\{[^{}]*\}|\$\([^()]*\)|\{\{[^{}]*\}\}|%[A-Za-z_][A-Za-z0-9_]*%)$`)
