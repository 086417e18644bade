// Package icws is the wire client of ICWS, the web API of Genesys PureConnect:
// one session, its status-messages subscription, and the messages it brings, by
// short polling or as an event stream.
//
// It knows no policy: it tries once, says exactly what came back, and leaves
// waiting, retrying and giving up to its caller. All I/O goes through the
// http.RoundTripper that the caller hands in; nothing here starts a goroutine.
//
// The sections named in the comments are those of protocol.md.
package icws
