package config

import (
	"errors"
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

var errBytes = errors.New("not a size; expected a number of bytes, or a number with KiB, MiB or GiB, such as 16MiB")

var byteUnits = []struct {
	name string
	size Bytes
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"", 1}}

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	for _, unit := range byteUnits {
		digits, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n > uint64(math.MaxInt64/unit.size) {
			return errBytes
		}
		*b = Bytes(n) * unit.size
		return nil
	}
	return errBytes
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
