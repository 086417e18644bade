//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"icws_exporter/exporter/cli"
)

// standIn is set for the processes that a test starts: all of them are this binary,
// so that nothing has to be built.
const standIn = "BENCH_TEST_STAND_IN"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(standIn) == "":
		os.Exit(m.Run())
	case len(os.Args) > 1 && os.Args[1] == "serve":
		os.Exit(cli.Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	case len(os.Args) > 1 && os.Args[1] == "floor":
		main()
		return
	}
	if err := standInForOther(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// standInForOther does what json_exporter and blackbox_exporter do with the flags and
// the query that they are given: it reads the document at target and tells of it.
func standInForOther(arguments []string) error {
	flags := flag.NewFlagSet("stand-in", flag.ExitOnError)
	config := flags.String("config.file", "", "")
	address := flags.String("web.listen-address", "", "")
	flags.String("log.level", "", "")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	modules, err := os.ReadFile(*config)
	if err != nil {
		return err
	}
	http.HandleFunc("/metrics", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/probe", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(string(modules), "\n  "+r.FormValue("module")+":\n") {
			http.Error(w, "no such module", http.StatusBadRequest)
			return
		}
		answer, err := http.Get(r.FormValue("target"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		list, _ := io.ReadAll(answer.Body)
		fmt.Fprintf(w, "probe_success 1\nicws_status_isAcdStatus{} %d\n", strings.Count(string(list), `"isAcdStatus":true`))
	})
	return http.ListenAndServe(*address, nil)
}

// testBench is a bench that measures the exporter of this source in one short round.
func testBench(t *testing.T) *bench {
	t.Helper()
	t.Setenv(passwordVariable, password)
	t.Setenv(standIn, "1")
	b := &bench{dir: t.TempDir()}
	b.Rounds, b.Settle, b.Watch = 1, time.Millisecond, 300*time.Millisecond
	var err error
	if b.program, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	return b
}

// has checks that a line of the table was measured.
func (f *findings) has(t *testing.T, what string) {
	t.Helper()
	for _, row := range f.list {
		if strings.HasPrefix(row.what, what) {
			if row.figure <= 0 {
				t.Errorf("%s: %v %s", what, row.figure, row.unit)
			}
			return
		}
	}
	t.Errorf("%q was not measured, but %v", what, f.list)
}

func TestCompareWithOtherPrograms(t *testing.T) {
	b := testBench(t)
	b.JSONExporter, b.BlackboxExporter = b.program, b.program
	if err := b.compare(comparison{statuses: 50, scrapes: 5, others: 5, nineFlags: 1, blackbox: 1}); err != nil {
		t.Fatal(err)
	}
	b.has(t, "ours in json_exporter's, N=50")
	b.has(t, "ours in blackbox_exporter's, N=50")
}

// A program that answers without the statuses must not pass for a fast one.
func TestAnswerOfOtherProgramIsChecked(t *testing.T) {
	t.Setenv(standIn, "1")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o, err := (&bench{dir: t.TempDir()}).startOther(program, jsonExporterModules)
	if err != nil {
		t.Fatal(err)
	}
	defer o.stop()
	c, s := o.probing("stand-in", "nine_flags", o.url+"/metrics", "icws_status_of_nobody{", 1)
	defer s.close()
	if _, err := contest(1, c); err == nil || !strings.Contains(err.Error(), "icws_status_of_nobody") {
		t.Errorf("got %v", err)
	}
}

func TestMeasureFleet(t *testing.T) {
	b := testBench(t)
	for _, w := range []wire{wires[0], wires[1], wires[2]} {
		w.events = min(w.events, 1) * 50_000 // 20 a second for two servers
		if kib, err := b.measureFleet(2, w); err != nil || kib < 1024 {
			t.Fatalf("%s: %v KiB, %v", w.name, kib, err)
		}
	}
	b.has(t, "2 servers, SSE with TLS: CPU at 20 events a second")
	b.has(t, "2 servers, SSE: floor: the same requests by net/http, whose answers are thrown away, CPU with 20 events a second")
	b.has(t, "2 servers, polling: floor: the same requests by net/http, whose answers are thrown away, resident memory per server")
	b.has(t, "2 servers, SSE: floor: ten readers at once of the same bytes, made before, p99")
	b.has(t, "2 servers, polling: a reload that changes nothing")
}

func TestMeasureSteadyScrape(t *testing.T) {
	b := testBench(t)
	if err := measureSteadyScrape(b); err != nil {
		t.Fatal(err)
	}
	b.has(t, "the handler of /metrics, OpenMetrics, gzip")
}

func TestProbingCountsEveryEvent(t *testing.T) {
	t.Setenv(passwordVariable, password)
	if spent, err := probing(50, 5000); err != nil || spent <= 0 {
		t.Errorf("%v, %v", spent, err)
	}
}
