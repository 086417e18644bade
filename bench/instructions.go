package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// instructionsCommand counts the instructions of the hottest paths with valgrind. The
// counts of two runs differ by less than 1 %, also on a busy machine and on another
// processor of the same architecture. Another version of Go has other counts.
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
	counted := counts{}
	for _, p := range hotPaths {
		if counted[p.pkg+"."+p.benchmark], err = p.instructions(dir); err != nil {
			return fmt.Errorf("%s: %w", p.benchmark, err)
		}
	}
	return counted.compare(c.Write, c.Reference, slower)
}

// slower returns the paths that take over a twentieth more than the list says.
func slower(measured, want counts) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		n := measured[name]
		line := fmt.Sprintf("%s: %d instructions, the list says %d", name, n, want[name])
		fmt.Println(line)
		if n > want[name]+want[name]/20 {
			problems = append(problems, line)
		}
	}
	return problems
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

var refs = regexp.MustCompile(`I +refs: +([0-9,]+)`)

func (p hotPath) count(program string, times int) (int, error) {
	pattern := "^" + strings.ReplaceAll(p.benchmark, "/", "$/^") + "$"
	cmd := exec.CommandContext(context.Background(), "valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
		program, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+strconv.Itoa(times)+"x")
	cmd.Dir = filepath.FromSlash(p.pkg)
	// No collector, one thread and no preemption: only the path itself counts. valgrind
	// passes on what the processor can do besides, so Go must not use it.
	cmd.Env = append(os.Environ(), "GOGC=off", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1,cpu.all=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, tail(string(out)))
	}
	m := refs.FindSubmatch(out)
	if m == nil || !strings.Contains(string(out), p.benchmark) {
		return 0, errors.New("the benchmark did not run, or valgrind counted nothing: " + tail(string(out)))
	}
	return strconv.Atoi(strings.ReplaceAll(string(m[1]), ",", ""))
}
