package process

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Known says that Read works on this system.
const Known = true

// Read reads everything anew; false when something cannot be read.
func (u *Usage) Read() bool {
	var usage syscall.Rusage
	var files, virtual syscall.Rlimit
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil ||
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) != nil || syscall.Getrlimit(syscall.RLIMIT_AS, &virtual) != nil {
		return false
	}
	u.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	u.MostFiles, u.MostVirtual = float64(files.Cur), float64(virtual.Cur)
	return u.readMemory() && u.readFiles() && u.readNetwork()
}

// contents reads a file of /proc whole. Package os would have the poller look at it.
func (u *Usage) contents(name string) []byte {
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = syscall.Close(fd) }()
	for n := 0; n < len(u.file); {
		m, err := syscall.Read(fd, u.file[n:])
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return nil
		case m == 0:
			return u.file[:n]
		}
		n += m
	}
	return nil // not whole
}

func (u *Usage) readMemory() bool {
	fields := bytes.Fields(u.contents("/proc/self/statm"))
	if len(fields) < 2 {
		return false
	}
	page := float64(os.Getpagesize())
	size, ok := number(fields[0])
	resident, alsoOK := number(fields[1])
	u.Virtual, u.Resident = size*page, resident*page
	return ok && alsoOK
}

// readFiles counts the open files. Linux 6.2 and later has the number as a size.
func (u *Usage) readFiles() bool {
	info, err := os.Stat("/proc/self/fd")
	if err != nil {
		return false
	}
	if u.OpenFiles = float64(info.Size()); u.OpenFiles > 0 {
		return true
	}
	names, err := os.ReadDir("/proc/self/fd")
	u.OpenFiles = float64(len(names))
	return err == nil
}

// readNetwork reads the bytes of the network, of all that shares it with this process.
func (u *Usage) readNetwork() bool {
	text := u.contents("/proc/self/net/netstat")
	var header []byte
	for line := range bytes.Lines(text) {
		rest, found := bytes.CutPrefix(line, []byte("IpExt:"))
		switch {
		case !found:
		case header == nil:
			header = rest
		default:
			var in, out bool
			u.Received, in = column(header, rest, "InOctets")
			u.Sent, out = column(header, rest, "OutOctets")
			return in && out
		}
	}
	return false
}

// column returns the number below a name.
func column(names, numbers []byte, name string) (float64, bool) {
	for names != nil && numbers != nil {
		var head, cell []byte
		head, names = nextField(names)
		cell, numbers = nextField(numbers)
		if string(head) == name {
			return number(cell)
		}
	}
	return 0, false
}

func nextField(text []byte) (field, rest []byte) {
	text = bytes.TrimLeft(text, " ")
	field, rest, _ = bytes.Cut(text, []byte(" "))
	return bytes.TrimRight(field, "\n"), rest
}

func number(text []byte) (float64, bool) {
	n, err := strconv.ParseUint(string(text), 10, 64)
	return float64(n), err == nil
}
