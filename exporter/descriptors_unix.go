//go:build unix

package exporter

import "syscall"

// descriptorLimit is how many files this process may have open; Go has raised it
// as far as it may go.
func descriptorLimit() (limit uint64, known bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return uint64(r.Cur), true //nolint:unconvert // signed on some systems
}
