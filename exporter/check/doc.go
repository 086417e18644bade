// Package check is the one-shot doctor: it goes through everything that watching
// one IC server needs, step by step, says what is wrong and what to do, and
// leaves no session behind. What it exchanges can go through a recorder.
package check
