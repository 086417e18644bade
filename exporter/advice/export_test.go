package advice

import (
	"maps"
	"slices"
)

// Reasons returns all reasons that there is advice for, sorted.
func Reasons() []Reason { return slices.Sorted(maps.Keys(table)) }
