package main

import (
	"fmt"
	"strconv"

	"icws_exporter/alerts"
	"icws_exporter/alerts/build"
)

// availabilityTarget is the share of the time in which a server is to be up; the
// error budget is the rest.
var availabilityTarget = 1 - alertThreshold("availability_budget")

// alertThreshold is a threshold of the rules of alerts/, so that a panel turns when
// the alert fires.
func alertThreshold(name string) float64 {
	for _, file := range alerts.RuleFiles {
		text, _ := alerts.Text(file) // it is embedded
		for _, t := range build.Thresholds(text) {
			if value, err := strconv.ParseFloat(t.Value, 64); t.Name == name && err == nil {
				return value
			}
		}
	}
	panic(fmt.Sprintf("alerts.go: the rules have no threshold %s", name))
}
