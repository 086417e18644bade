//go:build unix

package files

import "syscall"

// withoutWaiting has open return at once, and not make a terminal ours.
const withoutWaiting = syscall.O_NONBLOCK | syscall.O_NOCTTY
