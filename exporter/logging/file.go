package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// maxFile is how large a log file grows before it becomes the former one.
const maxFile = 10 << 20

// File is a log file of at most 10 MiB: a full one gets the ending .1, instead of the
// one that had it, and a new one begins. It is for one goroutine, such as that of a
// Queue.
type File struct {
	path string
	file *os.File
	size int64
}

// OpenFile opens a log file, to go on at its end. What stands at the name has to be a
// regular file, or nothing.
func OpenFile(path string) (*File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("the log file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the log file %s is not a regular file", path) // to open a pipe would wait
	}
	f := &File{path: path}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("the log file: %w; check who may write there", err)
	}
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("the log file: %w", errors.Join(err, file.Close()))
	}
	f.file, f.size = file, info.Size()
	return nil
}

// Write writes whole lines.
func (f *File) Write(lines []byte) (int, error) {
	if f.size > 0 && f.size+int64(len(lines)) > maxFile {
		if err := f.turnOver(); err != nil {
			return 0, err
		}
	}
	if f.file == nil { // it could not be opened again the last time
		if err := f.open(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(lines)
	f.size += int64(n)
	return n, err
}

// turnOver begins a new file.
func (f *File) turnOver() error {
	err := f.Close()
	if err == nil {
		err = os.Rename(f.path, f.path+".1")
	}
	return errors.Join(err, f.open())
}

// Close closes the file.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
