package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// measureCommand measures the budgets.
type measureCommand struct {
	Budgets          []int         `help:"Measure only these budgets, by number, such as 1,4,5." placeholder:"N"`
	Exporter         string        `help:"The icws_exporter to measure; without it, the source in this directory is built." placeholder:"FILE"`
	JSONExporter     string        `name:"json-exporter" help:"A json_exporter to measure beside it (budget 2)." placeholder:"FILE"`
	BlackboxExporter string        `help:"A blackbox_exporter to measure beside it (budget 3)." placeholder:"FILE"`
	Rounds           int           `help:"How many interleaved rounds a comparison has; the figures are their medians." default:"9"`
	Servers          []int         `help:"How many servers one process watches (budget 11)." default:"1000,5000"`
	Wires            []string      `help:"How they are watched: sse, sse-tls, poll, poll-tls." default:"sse,sse-tls,poll,poll-tls" enum:"sse,sse-tls,poll,poll-tls"`
	Settle           time.Duration `help:"How long memory is left to settle before it is read." default:"30s"`
	Watch            time.Duration `help:"How long a steady state is watched (budgets 11, 12 and 14)." default:"30s"`
}

// budgets are the measurements in the order of the table. One may show several
// budgets: the processes that it needs are started once.
var budgets = []struct {
	numbers []int
	measure func(*bench) error
}{
	{[]int{1}, measureScrapeByStatuses},
	{[]int{2, 3}, measureOthers},
	{[]int{4}, measurePages},
	{[]int{5}, measureSteadyScrape},
	{[]int{6, 7}, measureFreshness},
	{[]int{8, 9}, measureCatalogue},
	{[]int{10, 12}, measureOneServer},
	{[]int{11}, measureFleets},
	{[]int{13}, measureLoad},
	{[]int{14}, measureUsers},
}

// bench is one run of the command.
type bench struct {
	measureCommand
	dir     string // of everything that the run writes
	program string // the exporter
	findings
}

// Run measures and prints. What cannot be measured ends the run; a budget that is
// not met does not.
func (c *measureCommand) Run() (err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Setenv(passwordVariable, password); err != nil {
		return err
	}
	b := &bench{measureCommand: *c, dir: dir, program: c.Exporter}
	if b.program == "" {
		b.program = filepath.Join(dir, "icws_exporter")
		fmt.Fprintln(os.Stderr, "building the exporter, which takes minutes the first time")
		if err := build(b.program); err != nil {
			return err
		}
	}
	for _, budget := range budgets {
		if len(c.Budgets) > 0 && !slices.ContainsFunc(budget.numbers, func(n int) bool { return slices.Contains(c.Budgets, n) }) {
			continue
		}
		began := time.Now()
		if err := budget.measure(b); err != nil {
			return errors.Join(fmt.Errorf("budget %v: %w", budget.numbers, err), b.print(os.Stdout)) // what was found counts
		}
		fmt.Fprintf(os.Stderr, "budget %v measured in %s\n", budget.numbers, time.Since(began).Round(time.Second))
	}
	return b.print(os.Stdout)
}
