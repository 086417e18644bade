// Package secret holds secrets without showing them, finds them in texts from
// outside however they are spelled there, and makes such texts fit to be shown.
package secret
