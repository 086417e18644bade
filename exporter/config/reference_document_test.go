package config

import (
	"fmt"
	"strings"
)

// exampleFile is the file that the reference begins with.
const exampleFile = `defaults:                       # for every server that does not say otherwise
  user: svc-prom
  password_file: pw             # relative to this file
servers:
  - name: chicago
    site: us
    hosts: [cic-a.example.com, cic-b.example.com]
  - name: rome
    hosts: [cic-rome.example.com]
    user: svc-prom-rome
    password_env: ICWS_PASSWORD_ROME
    transport: poll
    http:
      tls_config: {ca_file: rome-ca.pem}
  - name: behind-a-proxy
    url: https://web.example.com/app/api/{host}
    hosts: [cic-c.example.com]
limits: {groups: 128}
ready_when: attempted
`

// keyReference is docs/configuration.md.
func keyReference() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Configuration\n\nEvery key of the file that `--config.file` names, generated from the table of keys that reads it.\n\n"+
		"```yaml\n%s```\n\n", exampleFile)
	b.WriteString("The file is YAML. The exporter refuses a file with an unknown key, a value out of its range, a second server of the same name\n" +
		"or a secret that it cannot read, and reports all errors at once: file, line, column, key, and what is expected.\n" +
		"`icws_exporter config check FILE` does the same and contacts no server. The file needs at least `servers`, which may be an\n" +
		"empty list. The password of a user never stands in the file itself. File names are relative to the directory of the file.\n\n" +
		"A dot in a key is a block: `backoff.max` is `max` in the block `backoff`. Durations are numbers with units, such as\n" +
		"`250ms`, `30s`, `1m30s`, `2h`, `1d` or `1w`; sizes are bytes or have `KiB`, `MiB` or `GiB`.\n\n" +
		"`/config` of a running exporter shows the configuration in effect, with every default and without secrets.\n" +
		"[operating.md](operating.md#change-the-configuration) says what a change does while the exporter runs.\n")
	b.WriteString("\n## A server\n\nThese stand in an entry of `servers`, and all but `name` also in `defaults`. A key of a server wins over the same key of\n" +
		"`defaults`: a server that sets `backoff.max` keeps the `backoff.min` of `defaults`. A list replaces the whole list, and any place\n" +
		"of a password replaces the one of `defaults`.\n\n")
	writeKeys(&b, serverKeys)
	b.WriteString("\n## Top level\n\nBeside `servers` and `defaults`. The limits hold for each server.\n\n")
	writeKeys(&b, rootKeys)
	return b.String()
}

func writeKeys[T any](b *strings.Builder, keys []key[T]) {
	b.WriteString("| key | type | accepts | default | example | meaning |\n|---|---|---|---|---|---|\n")
	for _, k := range keys {
		unset := k.unset
		if unset == "" {
			unset = "`" + k.preset + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | `%s` | %s |\n", k.name, k.kind, k.want, unset, k.example, k.meaning)
	}
}
