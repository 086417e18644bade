// Package process reads what this process takes of its system.
package process

import "time"

// Usage is one reading, of what client_golang's process collector has as process_*. That
// one reads five files of /proc, which cost more than all series of a server. It
// belongs to one goroutine at a time.
type Usage struct {
	CPU time.Duration // user and system
	// Bytes of address space and of memory, and the most of the former.
	Virtual, Resident, MostVirtual float64
	OpenFiles, MostFiles           float64
	// Bytes of the network, of all that share it with this process.
	Received, Sent float64

	file [8 << 10]byte // space for a file of /proc
}
