package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// finding is one line of the table: what was measured, and the budget for it.
type finding struct {
	budget int
	what   string
	figure float64
	limit  float64 // most that is allowed; none for a line that only informs
	unit   string
}

// none is the limit of a line without a budget.
var none = math.Inf(1)

func (f finding) met() bool { return f.figure <= f.limit }

// growth is how a figure grows with a size.
type growth struct {
	what, unit string
	sizes      []float64
	figures    []float64
}

// slope is the exponent k of figure ~ size^k, by least squares: 0 for a figure that
// does not depend on the size, 1 for one that grows in proportion.
func (g growth) slope() float64 {
	var n, sx, sy, sxx, sxy float64
	for i, size := range g.sizes {
		if size <= 0 || g.figures[i] <= 0 {
			continue
		}
		x, y := math.Log(size), math.Log(g.figures[i])
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// findings are what a run has found.
type findings struct {
	list    []finding
	growths []growth
}

func (f *findings) add(budget int, what string, figure, limit float64, unit string) {
	f.list = append(f.list, finding{budget, what, figure, limit, unit})
}

func (f *findings) grows(what, unit string, sizes, figures []float64) {
	f.growths = append(f.growths, growth{what, unit, sizes, figures})
}

// print writes the tables in Markdown.
func (f *findings) print(w io.Writer) error {
	var out strings.Builder
	out.WriteString("| budget | what | figure | budget | figure / budget | met |\n|---|---|---|---|---|---|\n")
	slices.SortStableFunc(f.list, func(a, b finding) int { return cmp.Compare(a.budget, b.budget) })
	for _, row := range f.list {
		limit, ratio, met := "", "", ""
		if row.limit != none {
			limit = strings.TrimSpace("≤ " + number(row.limit) + " " + row.unit)
			ratio = "—"
			if row.limit > 0 {
				ratio = number(row.figure / row.limit)
			}
			met = map[bool]string{true: "yes", false: "**no**, [why](README.md#what-is-not-met-and-why)"}[row.met()]
		}
		fmt.Fprintf(&out, "| %d | %s | %s | %s | %s | %s |\n", row.budget, row.what, strings.TrimSpace(number(row.figure)+" "+row.unit), limit, ratio, met)
	}
	if len(f.growths) > 0 {
		out.WriteString("\n| what grows | at | figures | slope |\n|---|---|---|---|\n")
	}
	for _, g := range f.growths {
		fmt.Fprintf(&out, "| %s | %s | %s %s | %.2f |\n", g.what, numbers(g.sizes), numbers(g.figures), g.unit, g.slope())
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func numbers(list []float64) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = number(v)
	}
	return strings.Join(texts, ", ")
}

// number writes three digits, and whole numbers whole.
func number(v float64) string {
	switch size := math.Abs(v); {
	case v == math.Trunc(v) || size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	case size >= 0.001:
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.*f", 2-int(math.Floor(math.Log10(size))), v), "0"), ".")
	default:
		return fmt.Sprintf("%.2g", v)
	}
}
