package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// instructionsCommand counts the instructions of the hottest paths with valgrind, which
// shows every machine the same processor. The counts of two runs differ by less than
// 1 %, also on a busy machine. Another version of Go has other counts.
type instructionsCommand struct {
	Write     bool   `help:"Write the list anew instead of comparing."`
	Reference string `help:"The committed list." default:"bench/instructions.txt" placeholder:"FILE"`
}

// hotPath is a benchmark, and how often it is repeated in a short and in a long run. The
// difference of both has nothing of the start.
type hotPath struct {
	pkg, benchmark string
	few, many      int
}

var hotPaths = []hotPath{
	{"exporter/collect", "BenchmarkRender/gzip=false/changed=true", 100, 1100},
	{"exporter/collect", "BenchmarkRender/gzip=true/changed=true", 100, 600},
	{"probe/catalogue", "BenchmarkDeltaFlip/N=10000", 1000, 101_000},
	{"probe/icws", "BenchmarkDecodeList", 2, 12},
	{"probe/icws", "BenchmarkStreamDelta", 500, 5500},
}

// Run counts and compares.
func (c *instructionsCommand) Run() error {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return fmt.Errorf("install valgrind: %w", err)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	counts := allocations{}
	for _, p := range hotPaths {
		if counts[p.pkg+"."+p.benchmark], err = p.instructions(dir); err != nil {
			return fmt.Errorf("%s: %w", p.benchmark, err)
		}
	}
	if c.Write {
		return os.WriteFile(c.Reference, []byte(counts.String()), 0o644)
	}
	text, err := os.ReadFile(c.Reference)
	if err != nil {
		return err
	}
	want, err := readAllocations(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Reference, err)
	}
	return compareInstructions(counts, want, c.Reference)
}

// compareInstructions wants no path to take a twentieth more than the list says.
func compareInstructions(counts, want allocations, reference string) error {
	var slower []string
	for name, n := range counts {
		fmt.Printf("%s: %d instructions, the list says %d\n", name, n, want[name])
		if n > want[name]+want[name]/20 {
			slower = append(slower, name)
		}
	}
	if len(slower) == 0 {
		return nil
	}
	return fmt.Errorf("more instructions than %s says, by over 5 %%: %s; fix the code, or write the list anew with --write and say why in the commit",
		reference, strings.Join(slower, ", "))
}

// instructions is what one repetition takes.
func (p hotPath) instructions(dir string) (int, error) {
	program := filepath.Join(dir, strings.ReplaceAll(p.pkg, "/", "_")+".test")
	if _, err := os.Stat(program); err != nil {
		out, err := exec.CommandContext(context.Background(), "go", "test", "-c", "-o", program, "icws_exporter/"+p.pkg).CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("%w; run it in the directory of the source\n%s", err, out)
		}
	}
	few, err := p.count(program, p.few)
	if err != nil {
		return 0, err
	}
	many, err := p.count(program, p.many)
	return (many - few) / (p.many - p.few), err
}

var counted = regexp.MustCompile(`I +refs: +([0-9,]+)`)

func (p hotPath) count(program string, times int) (int, error) {
	pattern := "^" + strings.ReplaceAll(p.benchmark, "/", "$/^") + "$"
	cmd := exec.CommandContext(context.Background(), "valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
		program, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+strconv.Itoa(times)+"x")
	cmd.Dir = filepath.FromSlash(p.pkg)
	// No collector, one thread and no preemption: only the path itself counts.
	cmd.Env = append(os.Environ(), "GOGC=off", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, tail(string(out)))
	}
	m := counted.FindSubmatch(out)
	if m == nil || !strings.Contains(string(out), p.benchmark) {
		return 0, errors.New("the benchmark did not run, or valgrind counted nothing: " + tail(string(out)))
	}
	return strconv.Atoi(strings.ReplaceAll(string(m[1]), ",", ""))
}
