package main

import (
	"fmt"
	"slices"
	"time"
)

// contestant is one of several things that do comparable work.
type contestant struct {
	name string
	// run does the work n times and returns the CPU time of all of it.
	run func(n int) (time.Duration, error)
	n   int // how often in a round
}

// result is the CPU time of one execution per round, by the place of the contestant.
type result [][]time.Duration

// contest has the contestants take turns, so that whatever else happens on the
// machine happens to all of them. A first round that does not count warms up.
func contest(rounds int, contestants ...contestant) (result, error) {
	r := make(result, len(contestants))
	for round := range rounds + 1 {
		for i, c := range contestants {
			spent, err := c.run(c.n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 {
				r[i] = append(r[i], spent/time.Duration(c.n))
			}
		}
	}
	return r, nil
}

// of is the median CPU time of one execution.
func (r result) of(i int) time.Duration { return median(r[i]) }

// ratio is the median over the rounds of the CPU time of a in that of b.
func (r result) ratio(a, b int) float64 {
	ratios := make([]float64, len(r[a]))
	for i := range ratios {
		ratios[i] = float64(r[a][i]) / float64(r[b][i])
	}
	return median(ratios)
}

func median[T time.Duration | float64](values []T) T { return quantile(values, 0.5) }

// quantile returns the value below which that part of the values lies.
func quantile[T time.Duration | float64](values []T, part float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
