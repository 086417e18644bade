// Package build makes other forms of a rule file from its text: with other
// thresholds and labels, in short time for tests, and as a PrometheusRule manifest.
// It changes the lines in question and keeps the rest, comments included, so that
// what comes out can be compared with what went in. It relies on how the files of
// package alerts are laid out, and its errors name what it did not find.
package build
