// Package files reads the small text files that an operator names: configurations,
// passwords, certificates. Whatever stands at the name, a read ends, and takes no
// more memory than its limit.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The reasons for which a file is refused, for errors.Is.
var (
	// ErrNotRegular: a named pipe, a directory, a device or a socket. A pipe can be
	// read only once and may never end; a device may do anything.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooLarge: it has more bytes than the limit.
	ErrTooLarge = errors.New("too large")
	// ErrEncoding: not text in UTF-8, ASCII or an encoding like Latin-1.
	ErrEncoding = errors.New("not UTF-8 text")
)

// readTime bounds the wait for a file that poses as a regular one and has nothing to
// read, such as /proc/kmsg.
const readTime = 5 * time.Second

// Absolute is the whole path, or the path as it is where that is not known.
func Absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// Read returns the content of a regular text file of at most limit bytes. It takes a
// UTF-8 byte order mark off, and refuses UTF-16, UTF-32 and NUL bytes. Its errors do
// not name the file: somebody may have written a password where a file name is
// expected. Any goroutine may call it.
func Read(path string, limit int64) ([]byte, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	// The size is known at once, but not of what /proc has.
	if info, err := file.Stat(); err == nil && info.Size() > limit {
		return nil, tooLarge(limit)
	}
	_ = file.SetReadDeadline(time.Now().Add(readTime)) // most regular files have none and need none
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if int64(len(content)) > limit {
		return nil, tooLarge(limit)
	}
	return text(content)
}

// Open opens a regular file to be read, and nothing else. It never waits for somebody
// who writes. Its errors do not name the file.
func Open(path string) (*os.File, error) {
	// Looked at before it is opened, since to open a device may already do something.
	info, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return nil, withoutPath(err)
	}
	// Looked at again: another file may have taken the name in between.
	info, err = file.Stat()
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		_ = file.Close()
		return nil, withoutPath(err)
	}
	return file, nil
}

func regular(info fs.FileInfo) error {
	kind := ""
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		kind = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	default:
		kind = "something else"
	}
	return fmt.Errorf("%w but %s", ErrNotRegular, kind)
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w; expected at most %d bytes", ErrTooLarge, limit)
}

// text takes a byte order mark off, and refuses what editors and shells of Windows
// write instead of UTF-8.
func text(content []byte) ([]byte, error) {
	for _, known := range []struct{ mark, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, // before UTF-16, which begins alike
		{"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		if bytes.HasPrefix(content, []byte(known.mark)) {
			return nil, fmt.Errorf("%w but %s; save it as UTF-8", ErrEncoding, known.name)
		}
	}
	if bytes.IndexByte(content, 0) >= 0 {
		return nil, fmt.Errorf("%w: it has NUL bytes, as UTF-16 and binary files do; save it as UTF-8", ErrEncoding)
	}
	return bytes.TrimPrefix(content, []byte("\ufeff")), nil
}

func withoutPath(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
