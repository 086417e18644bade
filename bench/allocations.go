package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// allocationsCommand compares allocations, which are the same on every machine, as
// times are not.
type allocationsCommand struct {
	Write     bool   `help:"Write the list anew instead of comparing."`
	Reference string `help:"The committed list." default:"bench/allocations.txt" placeholder:"FILE"`
}

// allocations are the allocations per operation, by package and benchmark.
type allocations map[string]int

// Run compares what it reads from the standard input.
func (c *allocationsCommand) Run() error {
	measured, err := readBenchmarks(os.Stdin)
	if err != nil {
		return err
	}
	if len(measured) == 0 {
		return errors.New("no benchmark with allocations was read; pipe the output of go test -run '^$' -bench . -benchmem ./... into it")
	}
	if c.Write {
		return os.WriteFile(c.Reference, []byte(measured.String()), 0o644)
	}
	text, err := os.ReadFile(c.Reference)
	if err != nil {
		return err
	}
	want, err := readAllocations(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Reference, err)
	}
	problems := measured.against(want)
	if len(problems) > 0 {
		return fmt.Errorf("allocations differ from %s; fix the code, or write the list anew with --write and say why in the commit:\n%s",
			c.Reference, strings.Join(problems, "\n"))
	}
	fmt.Printf("%d benchmarks allocate no more than %s says\n", len(measured), c.Reference)
	return nil
}

// against returns what is worse than wanted, or not comparable. A tenth more is
// tolerated: pools and maps grow by chance. So below ten allocations none is.
func (a allocations) against(want allocations) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		n, known := want[name]
		switch {
		case !known:
			problems = append(problems, name+" is not in the list")
		case a[name] > n+n/10:
			problems = append(problems, fmt.Sprintf("%s allocates %d times, the list says %d", name, a[name], n))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, measured := a[name]; !measured {
			problems = append(problems, name+" is in the list and did not run")
		}
	}
	return problems
}

// String is the list, a benchmark a line.
func (a allocations) String() string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a)) {
		fmt.Fprintf(&out, "%s %d\n", name, a[name])
	}
	return out.String()
}

func readAllocations(text string) (allocations, error) {
	a := allocations{}
	for line := range strings.Lines(text) {
		name, count, found := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(count)
		if !found || err != nil {
			return nil, fmt.Errorf("%q is not a benchmark and its allocations", line)
		}
		a[name] = n
	}
	return a, nil
}

// The number at the end is GOMAXPROCS.
var benchmarkLine = regexp.MustCompile(`^(Benchmark\S*?)(?:-\d+)?\s.*\s(\d+) allocs/op`)

// readBenchmarks reads the output of go test -bench -benchmem. A failed run is an
// error: what it did not measure must not look like nothing.
func readBenchmarks(r io.Reader) (allocations, error) {
	a, pkg := allocations{}, ""
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") {
			return nil, fmt.Errorf("the benchmarks failed: %s", line)
		}
		if name, found := strings.CutPrefix(line, "pkg: "); found {
			pkg = name
		}
		if m := benchmarkLine.FindStringSubmatch(line); m != nil {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, err
			}
			a[pkg+"."+m[1]] = n
		}
	}
	return a, lines.Err()
}
