// Package capture keeps what a server and a client said to each other, without
// secrets and names, and plays it again: a Recorder is what check --record works
// with, a Capture is what simulate --replay plays. docs/capture.md has the format.
package capture
