package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// measureLoad shows budget 13. The requests are counted over hours, so it is a test
// in virtual time that counts them, and this shows what the test tells.
func measureLoad(b *bench) error {
	const test = "TestRequestsPerMinute"
	out, err := exec.Command("go", "test", "-count=1", "-v", "-run", "^"+test+"$", "icws_exporter/probe").Output()
	if err != nil {
		return fmt.Errorf("%s: %w; run it in the directory of the source\n%s", test, err, tail(string(out)))
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		attribute, found := strings.CutPrefix(strings.TrimSpace(lines.Text()), "=== ATTR  "+test+"/")
		if !found {
			continue
		}
		fields := strings.Fields(attribute)
		if len(fields) != 3 {
			continue
		}
		rate, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return err
		}
		state, limit := strings.ReplaceAll(fields[0], "_", " "), none
		if state == "live" {
			limit = 3
		}
		b.add(13, "requests that one server gets in state "+state, rate, limit, "a minute")
	}
	return nil
}
