package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"unicode/utf8"

	"icws_exporter/exporter/files"
)

const maxPasswordBytes = 4 << 10

// Password reads the password anew from its file, environment variable or systemd
// credential, and takes one line end off it. It does I/O and may be called from
// any goroutine. Its errors name neither the place nor the password.
func (s Server) Password() (Secret, error) {
	var content []byte
	var err error
	switch {
	case s.PasswordEnv != "":
		value, found := os.LookupEnv(s.PasswordEnv)
		if !found {
			return Secret{}, errors.New("the environment variable of the password is not set; set it where the exporter is started")
		}
		content = []byte(value)
	case s.PasswordCredential != "":
		directory := os.Getenv("CREDENTIALS_DIRECTORY")
		if directory == "" {
			return Secret{}, errors.New("there is no CREDENTIALS_DIRECTORY; load the credential with LoadCredential= in the systemd unit")
		}
		content, err = files.Read(filepath.Join(directory, s.PasswordCredential), maxPasswordBytes)
	default:
		content, err = files.Read(s.PasswordFile, maxPasswordBytes)
	}
	if err != nil {
		return Secret{}, fmt.Errorf("the password cannot be read (%w)%s", err, adviceOn(err))
	}
	return passwordOf(content)
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

// passwordOf refuses what the server would take for a wrong password: every
// refused log-on brings the account nearer to being locked.
func passwordOf(content []byte) (Secret, error) {
	if line, ended := bytes.CutSuffix(content, []byte("\n")); ended {
		content = bytes.TrimSuffix(line, []byte("\r"))
	}
	switch {
	case len(content) == 0:
		return Secret{}, errors.New("the password is empty; put the password there")
	case !utf8.Valid(content) || bytes.HasPrefix(content, []byte("\ufeff")):
		return Secret{}, errors.New("the password is not plain UTF-8; save it as UTF-8 without a byte order mark")
	}
	return NewSecret(string(content)), nil
}
