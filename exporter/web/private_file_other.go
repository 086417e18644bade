//go:build !linux

package web

// newPrivateFile makes a file in the directory for temporary files.
func newPrivateFile(text []byte) (privateFile, error) { return newTemporaryFile(text) }
