// Package icwssim simulates an ICWS server (Genesys PureConnect web API) as far
// as a watcher of status messages needs it: sessions, the status-messages
// subscription, polling and server-sent events, the status list, switchover
// status, and every fault and open point that protocol.md names.
//
// A Server is an http.Handler. It owns its catalogue of status messages, can
// live a random life of its own, and tells tests the truth about what a client
// should know. A control path under /-/sim/ does over HTTP what the methods do.
//
// All time is taken from package time, no lock is held over I/O, and Close ends
// every goroutine, so a Server also works inside a testing/synctest bubble.
package icwssim
