package advice

import "strings"

const inFile = " in a configuration file"

// flagNames are what the keys of the configuration are called by somebody who gave
// flags and has no file. The longer phrases stand first.
var flagNames = strings.NewReplacer(
	"run icws_exporter check --server {server} with the same --config.file", "run icws_exporter check with the same flags",
	"To try at once, restart it, or change and reload the configuration of this server.", "To try at once, restart it.",
	"add the other host of the pair to hosts", "name both hosts of the pair under hosts"+inFile,
	"add them to hosts, or to allowed_hosts", "name them under hosts, or under allowed_hosts,"+inFile,
	"allowed_hosts does not permit that; add them to hosts or to allowed_hosts", "name them under hosts or allowed_hosts"+inFile,
	"the url has no {host}; write {host} where the host stands, and all of them into hosts", "--server names one host only; name all of them under hosts"+inFile,
	"the scheme and port of the url, and http.tls_config", "the scheme and port of --server, and --ca-file",
	"or change http.tls_config", "or change --ca-file",
	"http.tls_config.ca_file", "--ca-file",
	"http.tls_config.cert_file and key_file", "http.tls_config.cert_file and key_file"+inFile,
	"http.tls_config.server_name", "http.tls_config.server_name"+inFile,
	"http.tls_config.min_version", "http.tls_config.min_version"+inFile,
	"set transport: poll for this server and reload", "set transport: poll"+inFile,
	"transport: poll", "transport: poll"+inFile,
	"transport to auto", "transport to auto"+inFile,
	"limits.response_bytes", "limits.response_bytes"+inFile,
	"the place that the configuration names", "the file of --password-file",
	"the url", "--server",
)

// ForFlags returns an advice, or a part of it, in the words of somebody who gave the
// server by flags.
func ForFlags(text string) string { return flagNames.Replace(text) }
