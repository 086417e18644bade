package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"icws_exporter/exporter/files"
)

// tried says which path was tried for a file name as it was written, and what that is
// relative to.
func (r *resolver) tried(written, path string) string {
	if filepath.IsAbs(written) {
		return path
	}
	return files.Absolute(path) + ", relative to " + r.base()
}

// base says what file names are relative to. Flags have no file.
func (r *resolver) base() string {
	if r.file == "" {
		return "the working directory"
	}
	return "the directory of the configuration file"
}

// triedForPassword is tried for what may be a password that was written where its
// file is expected. So the name is shown only if there is such a file, or a directory
// that it leads into; else the directory says enough.
func (r *resolver) triedForPassword(written, path string) string {
	within := filepath.Dir(written)
	leads := within != "." && within != filepath.Dir(within) && isDirectory(filepath.Dir(path))
	if _, err := os.Stat(path); err == nil || errors.Is(err, fs.ErrPermission) || leads {
		return r.tried(written, path)
	}
	directory := files.Absolute(filepath.Dir(path))
	deepest := existing(directory)
	switch {
	case deepest != directory:
		return "the path leads to no directory below " + deepest
	case filepath.IsAbs(written):
		return "looked for in " + directory
	default:
		return "looked for in " + directory + ", " + r.base()
	}
}

// existing is the deepest directory above or at an absolute path that there is.
func existing(path string) string {
	for !isDirectory(path) && path != filepath.Dir(path) {
		path = filepath.Dir(path)
	}
	return path
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// unreadable is the error of a configuration file that cannot be read.
func unreadable(path string, err error) error {
	place := path
	if !filepath.IsAbs(path) {
		place += " (" + files.Absolute(path) + ")"
	}
	if errors.Is(err, files.ErrEncoding) || errors.Is(err, files.ErrTooLarge) {
		return fmt.Errorf("cannot read the configuration file %s: %w", place, err)
	}
	return fmt.Errorf("cannot read the configuration file %s: %w; check the path and who may read it", place, err)
}
