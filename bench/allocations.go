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

// counts are what is counted per operation, by package and benchmark.
type counts map[string]int

// Run compares what it reads from the standard input.
func (c *allocationsCommand) Run() error {
	measured, err := readBenchmarks(os.Stdin)
	if err != nil {
		return err
	}
	if len(measured) == 0 {
		return errors.New("no benchmark with allocations was read; pipe the output of go test -run '^$' -bench . -benchmem ./... into it")
	}
	if err := measured.compare(c.Write, c.Reference, counts.against); err != nil || c.Write {
		return err
	}
	fmt.Printf("%d benchmarks allocate no more than %s says\n", len(measured), c.Reference)
	return nil
}

// compare writes the list anew, or returns what is worse than it says.
func (c counts) compare(write bool, file string, worse func(measured, want counts) []string) error {
	if write {
		return os.WriteFile(file, []byte(c.String()), 0o644)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	want, err := readCounts(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if problems := worse(c, want); len(problems) > 0 {
		return fmt.Errorf("worse than %s; fix the code, or write the list anew with --write and say why in the commit:\n%s",
			file, strings.Join(problems, "\n"))
	}
	return nil
}

// against returns what is worse than wanted, or not comparable. A tenth more is
// tolerated: pools and maps grow by chance. So below ten allocations none is.
func (c counts) against(want counts) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		limit, known := want[name]
		switch {
		case !known:
			problems = append(problems, name+" is not in the list")
		case c[name] > limit+limit/10:
			problems = append(problems, fmt.Sprintf("%s allocates %d times, the list says %d", name, c[name], limit))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, measured := c[name]; !measured {
			problems = append(problems, name+" is in the list and did not run")
		}
	}
	return problems
}

// String is the list, a benchmark a line.
func (c counts) String() string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&out, "%s %d\n", name, c[name])
	}
	return out.String()
}

func readCounts(text string) (counts, error) {
	a := counts{}
	for line := range strings.Lines(text) {
		name, count, found := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(count)
		if !found || err != nil {
			return nil, fmt.Errorf("%q is not a benchmark and a number", line)
		}
		a[name] = n
	}
	return a, nil
}

// The number at the end is GOMAXPROCS.
var benchmarkLine = regexp.MustCompile(`^(Benchmark\S*?)(?:-\d+)?\s.*\s(\d+) allocs/op`)

// readBenchmarks reads the output of go test -bench -benchmem. A failed run is an
// error: what it did not measure must not look like nothing.
func readBenchmarks(r io.Reader) (counts, error) {
	a, pkg := counts{}, ""
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
