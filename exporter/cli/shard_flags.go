package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"icws_exporter/exporter"
)

// shardFlags divide the servers among several exporters.
type shardFlags struct {
	Total   int    `name:"shard.total" help:"Exporters that divide the servers of one configuration among them. Default ${default}." default:"1" placeholder:"N" group:"Shards"`
	Ordinal string `name:"shard.ordinal" help:"Which of them this one is, from 0; auto takes the number at the end of the name of a StatefulSet's pod (POD_NAME, else the host name)." placeholder:"N|auto" group:"Shards"`
}

func (f shardFlags) shard() (exporter.Shard, error) {
	ordinal, err := f.ordinal()
	if err != nil {
		return exporter.Shard{}, fmt.Errorf("--shard.ordinal: %w", err)
	}
	shard, err := exporter.NewShard(ordinal, f.Total)
	if err != nil {
		return exporter.Shard{}, fmt.Errorf("--shard.total=%d, --shard.ordinal=%d: %w", f.Total, ordinal, err)
	}
	return shard, nil
}

func (f shardFlags) ordinal() (int, error) {
	switch f.Ordinal {
	case "":
		if f.Total > 1 {
			return 0, fmt.Errorf("missing; of %d exporters each must know which one it is: a number from 0, or auto in a StatefulSet", f.Total)
		}
		return 0, nil
	case "auto":
		ordinal, err := podOrdinal()
		if err != nil {
			return 0, fmt.Errorf("auto: %w; give the number itself", err)
		}
		return ordinal, nil
	}
	ordinal, err := strconv.ParseUint(f.Ordinal, 10, 31)
	if err != nil {
		return 0, errors.New("neither a number from 0 nor auto")
	}
	return int(ordinal), nil
}

func podOrdinal() (int, error) {
	if pod := os.Getenv("POD_NAME"); pod != "" {
		return exporter.PodOrdinal(pod)
	}
	host, err := os.Hostname()
	if err != nil {
		return 0, fmt.Errorf("POD_NAME is not set and the host name is not known: %w", err)
	}
	return exporter.PodOrdinal(host)
}
