package web

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newPrivateFile makes a file in memory: a container has no place to write to, and
// a key should not be copied to a disk.
func newPrivateFile(text []byte) (privateFile, error) {
	fd, err := newMemoryFile(text)
	if err != nil {
		return newTemporaryFile(text)
	}
	file := memoryFile(fd)
	if _, err := os.Stat(file.name()); err != nil { // no /proc
		file.close()
		return newTemporaryFile(text)
	}
	return file, nil
}

// memoryFile is the descriptor of a file in memory. Another one may take its place
// at any time, so that nothing is ever read half.
type memoryFile int

func newMemoryFile(text []byte) (fd int, err error) {
	fd, err = unix.MemfdCreate("icws_exporter-web-config", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, err
	}
	for len(text) > 0 {
		n, err := unix.Write(fd, text)
		if err != nil {
			_ = unix.Close(fd)
			return 0, err
		}
		text = text[n:]
	}
	return fd, nil
}

func (f memoryFile) name() string { return fmt.Sprintf("/proc/self/fd/%d", int(f)) }

func (f memoryFile) replace(text []byte) error {
	next, err := newMemoryFile(text)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(next) }()
	return unix.Dup3(next, int(f), unix.O_CLOEXEC)
}

func (f memoryFile) close() { _ = unix.Close(int(f)) }
