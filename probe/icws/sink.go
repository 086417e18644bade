package icws

import "icws_exporter/probe/catalogue"

// StatusSink takes the entries of a message or list while they are decoded. Its
// methods are called on the goroutine that decodes. What it was given counts only
// when the decoding call returns without an error, and for a message only when
// its Kind is KindStatus.
//
// All slices are valid during the call only.
type StatusSink interface {
	// Begin forgets what was taken since the Begin before.
	Begin()
	Add(catalogue.Status)
	Change(catalogue.Status)
	Remove(id []byte)
}
