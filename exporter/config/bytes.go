package config

import (
	"math"
	"strconv"
	"strings"
)

// Bytes is a size as configurations write it: 16MiB, 512KiB, or a plain number.
type Bytes int64

// The units of Bytes.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
)

var byteUnits = []struct {
	name string
	size Bytes
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"", 1}}

func parseBytes(text string) (size Bytes, ok bool) {
	for _, unit := range byteUnits {
		if digits, found := strings.CutSuffix(text, unit.name); found {
			n, err := strconv.ParseUint(digits, 10, 63)
			return Bytes(n) * unit.size, err == nil && n <= uint64(math.MaxInt64/unit.size)
		}
	}
	return 0, false
}

// String is the size in the largest unit that divides it.
func (b Bytes) String() string {
	for _, unit := range byteUnits {
		if b != 0 && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.name
		}
	}
	return "0"
}
