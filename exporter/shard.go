package exporter

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// MaxShards bounds the work of dividing the servers.
const MaxShards = 1000

// Shard is the part of the servers that one of several exporters with the same
// configuration watches. The zero Shard is all of them.
type Shard struct{ Ordinal, Total int }

// NewShard returns shard ordinal, from 0, of total.
func NewShard(ordinal, total int) (Shard, error) {
	switch {
	case total < 1 || total > MaxShards:
		return Shard{}, fmt.Errorf("%d shards are not possible; expected 1 to %d", total, MaxShards)
	case total == 1 && ordinal != 0:
		return Shard{}, fmt.Errorf("there is no shard %d; expected only 0", ordinal)
	case ordinal < 0 || ordinal >= total:
		return Shard{}, fmt.Errorf("there is no shard %d; expected 0 to %d", ordinal, total-1)
	}
	return Shard{ordinal, total}, nil
}

// PodOrdinal returns the number behind the last dash of a name, as the pods of a
// StatefulSet have it: 2 for icws-exporter-2.
func PodOrdinal(name string) (int, error) {
	dash := strings.LastIndexByte(name, '-')
	ordinal, err := strconv.ParseUint(name[dash+1:], 10, 31)
	if dash < 0 || err != nil {
		return 0, fmt.Errorf("the name %q does not end in a dash and a number, as the pods of a StatefulSet do", name)
	}
	return int(ordinal), nil
}

// Holds reports whether the server of the name belongs to the shard. Every name
// belongs to exactly one shard of a total, the same one on every machine and in
// every version; one shard more takes an even part from each of the others and
// moves nothing else (rendezvous hashing).
func (s Shard) Holds(name string) bool { return s.Total <= 1 || shardOf(name, s.Total) == s.Ordinal }

// shardOf returns the shard with the greatest weight for the name.
func shardOf(name string, total int) int {
	best, greatest := 0, uint64(0)
	for ordinal := range total {
		if w := shardWeight(name, ordinal); w > greatest {
			best, greatest = ordinal, w
		}
	}
	return best
}

// shardWeight is the first 8 bytes, big endian, of the SHA-256 of the ordinal in
// decimal digits, a slash, and the name. A change would move every server.
func shardWeight(name string, ordinal int) uint64 {
	digest := sha256.Sum256([]byte(strconv.Itoa(ordinal) + "/" + name))
	return binary.BigEndian.Uint64(digest[:])
}

// Shard returns which part of the configured servers the fleet watches, and how many
// of them others watch.
func (f *Fleet) Shard() (shard Shard, others int) {
	return f.opts.Shard, len(f.current.Load().elsewhere)
}

// Elsewhere returns the ordinal of the shard that watches a configured server which
// this one does not watch.
func (f *Fleet) Elsewhere(name string) (ordinal int, ok bool) {
	ordinal, ok = f.current.Load().elsewhere[name]
	return ordinal, ok
}
