// Command icws_exporter is a Prometheus exporter for ICWS, the web API of Genesys
// PureConnect.
package main

import (
	"context"
	"os"

	"icws_exporter/exporter/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
