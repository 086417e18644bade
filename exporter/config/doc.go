// Package config says what to watch: it reads the YAML file or the quick-start
// flags, checks everything at once, and hands out a Validated configuration with
// every default filled in. It opens no connection; passwords are read when they
// are needed and never kept.
//
// A key of a server wins over the same key under defaults, also inside of blocks:
// a server that sets backoff.max keeps backoff.min of the defaults. Lists are
// replaced as a whole. The three password keys are one choice, so that any of them
// replaces whichever the defaults have.
package config
