package process

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"sync"
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

// proc are the files of /proc that are read. They stay open: to find one takes longer than
// to read it.
var proc = sync.OnceValue(func() (p struct{ statm, files, netstat int }) {
	for name, fd := range map[string]*int{"statm": &p.statm, "fd": &p.files, "net/netstat": &p.netstat} {
		var err error
		if *fd, err = syscall.Open("/proc/self/"+name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0); err != nil {
			*fd = -1 // which cannot be read
		}
	}
	return p
})

// contents reads an open file of /proc whole.
func (u *Usage) contents(fd int) []byte {
	for n := 0; n < len(u.file); {
		m, err := syscall.Pread(fd, u.file[n:], int64(n))
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
	fields := bytes.Fields(u.contents(proc().statm))
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
	var info syscall.Stat_t
	if syscall.Fstat(proc().files, &info) != nil {
		return false
	}
	if u.OpenFiles = float64(info.Size); u.OpenFiles > 0 {
		return true
	}
	names, err := os.ReadDir("/proc/self/fd")
	u.OpenFiles = float64(len(names))
	return err == nil
}

// readNetwork reads the bytes of the network, of all that shares it with this process.
func (u *Usage) readNetwork() bool {
	text := u.contents(proc().netstat)
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
