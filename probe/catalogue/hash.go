package catalogue

// The catalogue hash lets two servers of a site be compared by one number, so
// anybody must be able to compute it. Per status message:
//
//	h = FNV-1a, 64 bit, over: folded id (see Fold), 0xFF, group label before
//	    folding by the limit (see Limits), flags as two bytes, low byte first,
//	    bit n being the n-th Flag
//	h ^= h >> 33;  h *= 0xff51afd7ed558ccd
//	h ^= h >> 33;  h *= 0xc4ceb9fe1a85ec53
//	h ^= h >> 33
//
// and the hash of the catalogue is the sum of all h mod 2^48, which a float64
// holds exactly. A sum needs no order and can be kept incrementally; the
// avalanche keeps similar entries from cancelling each other out. 0xFF occurs in
// no label, so different entries are different input.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211

	hashMask = 1<<48 - 1
)

func entryHash(foldedID, label string, flags Flags) uint64 {
	h := fnvString(fnvOffset, foldedID)
	h = fnvByte(h, 0xFF)
	h = fnvString(h, label)
	h = fnvByte(h, byte(flags))
	h = fnvByte(h, byte(flags>>8))

	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func fnvString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = fnvByte(h, s[i])
	}
	return h
}

func fnvByte(h uint64, b byte) uint64 { return (h ^ uint64(b)) * fnvPrime }
