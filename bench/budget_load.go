package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// measureLoad shows budget 13. The requests are counted over hours, so it is a test
// in virtual time that counts them, and this shows what the test tells.
func measureLoad(b *bench) error {
	const test = "TestRequestsPerMinute"
	out, err := exec.CommandContext(context.Background(), "go", "test", "-count=1", "-v", "-run", "^"+test+"$", "icws_exporter/probe").Output()
	if err != nil {
		return fmt.Errorf("%s: %w; run it in the directory of the source\n%s", test, err, tail(string(out)))
	}
	rates, err := readRates(out, test)
	if err != nil {
		return err
	}
	for _, r := range rates {
		limit := none
		if r.state == "live" {
			limit = 3
		}
		b.add(13, "requests that one server gets in state "+r.state, r.perMinute, limit, "a minute")
	}
	return nil
}

// rate is how many requests a server gets while the probe is in a state.
type rate struct {
	state     string
	perMinute float64
}

// readRates reads the attributes of the subtests, as go test -v prints them.
func readRates(out []byte, test string) ([]rate, error) {
	var rates []rate
	for line := range bytes.Lines(out) {
		attribute, found := strings.CutPrefix(strings.TrimSpace(string(line)), "=== ATTR  "+test+"/")
		fields := strings.Fields(attribute)
		if !found || len(fields) != 3 || fields[1] != "requests_per_minute" {
			continue
		}
		perMinute, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return nil, err
		}
		rates = append(rates, rate{strings.ReplaceAll(fields[0], "_", " "), perMinute})
	}
	if len(rates) == 0 {
		return nil, fmt.Errorf("%s told no requests per minute:\n%s", test, tail(string(out)))
	}
	return rates, nil
}
