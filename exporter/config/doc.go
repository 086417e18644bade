// Package config says what to watch: it reads the YAML file or the quick-start
// flags, checks everything at once, and hands out a Validated configuration with
// every default filled in. It opens no connection; passwords are read when they
// are needed and never kept.
package config
