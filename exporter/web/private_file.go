package web

import "os"

// temporaryFile is a private file on a disk, which its owner alone may read.
type temporaryFile struct{ path string }

func newTemporaryFile(text []byte) (*temporaryFile, error) {
	file, err := os.CreateTemp("", "icws_exporter-web-*.yml") // readable by its owner alone
	if err != nil {
		return nil, err
	}
	_, err = file.Write(text)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return nil, err
	}
	return &temporaryFile{file.Name()}, nil
}

func (f *temporaryFile) name() string { return f.path }

func (f *temporaryFile) replace(text []byte) error {
	next, err := newTemporaryFile(text)
	if err != nil {
		return err
	}
	if err := os.Rename(next.path, f.path); err != nil {
		next.close()
		return err
	}
	return nil
}

func (f *temporaryFile) close() { _ = os.Remove(f.path) }

// privateFile is a file that others cannot change, and whose content changes at once
// or not at all.
type privateFile interface {
	name() string
	replace(text []byte) error
	close()
}
