package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const benchmarkOutput = `goos: linux
pkg: example/a
BenchmarkOne-2         	     100	      5066 ns/op	   0 B/op	       0 allocs/op
BenchmarkTwo/N=50-2    	     100	      5066 ns/op	 12.3 MB/s	   4096 B/op	      35 allocs/op
BenchmarkHeap-2        	     100	      5066 ns/op	       229.0 B/status
PASS
pkg: example/b
BenchmarkOne           	     100	      5066 ns/op	   0 B/op	       7 allocs/op
`

func TestReadBenchmarks(t *testing.T) {
	got, err := readBenchmarks(strings.NewReader(benchmarkOutput))
	if err != nil {
		t.Fatal(err)
	}
	want := counts{"example/a.BenchmarkOne": 0, "example/a.BenchmarkTwo/N=50": 35, "example/b.BenchmarkOne": 7}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	again, err := readCounts(got.String())
	if diff := cmp.Diff(want, again); err != nil || diff != "" {
		t.Errorf("the list is read as %s (%v)", diff, err)
	}
	if _, err := readBenchmarks(strings.NewReader(benchmarkOutput + "FAIL\texample/c\n")); err == nil {
		t.Error("a failed run passes")
	}
}

func TestAllocationsAreCompared(t *testing.T) {
	want := counts{"none": 0, "few": 7, "many": 100, "gone": 1}
	for _, tc := range []struct {
		measured counts
		problems []string
	}{
		{counts{"none": 0, "few": 7, "many": 110, "gone": 1}, nil},
		{counts{"none": 0, "few": 2, "many": 50, "gone": 0}, nil},
		{counts{"none": 1, "few": 8, "many": 111, "new": 1}, []string{
			"few allocates 8 times, the list says 7", "many allocates 111 times, the list says 100",
			"new is not in the list", "none allocates 1 times, the list says 0", "gone is in the list and did not run",
		}},
	} {
		if diff := cmp.Diff(tc.problems, tc.measured.against(want)); diff != "" {
			t.Errorf("%v: %s", tc.measured, diff)
		}
	}
}

func TestInstructionsAreCompared(t *testing.T) {
	want := counts{"a": 1000, "b": 1000}
	if problems := slower(counts{"a": 1050, "b": 1}, want); problems != nil {
		t.Error(problems)
	}
	for _, worse := range []counts{{"a": 1051}, {"new": 1}} {
		if slower(worse, want) == nil {
			t.Errorf("%v passes", worse)
		}
	}
}
