// Command bench measures the exporter against its performance budgets and prints
// them as a table, beside the floor (an empty net/http handler, a copy of the
// bytes), client_golang's const collectors, and the programs that users would run
// instead. It compares the allocations of the benchmarks with a committed list.
// README.md tells how to run it and what it found last.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/alecthomas/kong"
)

type grammar struct {
	Measure      measureCommand      `cmd:"" default:"withargs" help:"Measure the budgets and print the table (the default). It builds the exporter and runs it against simulated servers on this machine."`
	Allocations  allocationsCommand  `cmd:"" help:"Compare the allocations in the output of go test -bench . -benchmem, read from the standard input, with the list in bench/allocations.txt."`
	Instructions instructionsCommand `cmd:"" help:"Compare the instructions of the hottest paths, counted by valgrind, with the list in bench/instructions.txt."`
	Floor        floorCommand        `cmd:"" hidden:"" help:"Read streams and throw them away; measure starts it."`
	Subject      subjectCommand      `cmd:"" hidden:"" help:"Serve the pages that are compared with each other in one process; measure starts it."`
}

func main() {
	if runtime.GOOS != "linux" {
		fmt.Fprintln(os.Stderr, "bench: processes are measured by what Linux tells of them in /proc; run it on Linux")
		os.Exit(1)
	}
	var g grammar
	run := kong.Parse(&g, kong.Name("bench"), kong.Description("Measures icws_exporter against its performance budgets."))
	if err := run.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
