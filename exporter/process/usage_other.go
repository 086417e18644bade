//go:build !linux

package process

// Known says that Read works on this system.
const Known = false

// Read reads nothing.
func (*Usage) Read() bool { return false }
