// Package icwssim simulates an IC server (Genesys PureConnect web API) as far
// as a monitor needs it: sessions, the subscriptions of status messages and of user
// statuses, polling and server-sent events, the lists behind them, switchover
// status, and every fault and open point that docs/protocol.md and
// docs/protocol-users.md name.
//
// A Server is an http.Handler. It owns its catalogue of status messages and its
// users, both can live a random life of their own, and it tells tests the truth about
// what a client should know. A control path under /-/sim/ has its state, its faults and
// the end of its sessions over HTTP.
//
// All time is taken from package time, no lock is held over I/O, and Close ends
// every goroutine, so a Server also works inside a testing/synctest bubble.
package icwssim
