package collect

import (
	"slices"
	"strconv"
	"strings"
)

// buckets are the upper bounds of the classic buckets, in seconds.
var buckets = [...]float64{0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30}

// linesPerHistogram counts the buckets, +Inf, the sum and the count.
const linesPerHistogram = len(buckets) + 3

// gap says what fills a gap of a line: an open label by its number, or the
// server. Negative values are not open labels.
type gap int

const serverGap gap = -1

// series is one series of a family up to its open label values and its server.
type series struct {
	// closed are the values of the closed labels, in the order of Family.Labels.
	closed []string
	// lines are the texts of its lines per format: one, or the lines of a
	// histogram. A line is cut where an open value or the server belongs, so it
	// has one piece more than the family has gaps.
	lines [numTexts][]line
}

type line []string

// compile prepares everything of the exposition that no scrape changes.
func (f *Family) compile() {
	closed, open := 0, gap(0)
	position := map[string]gap{"server": serverGap}
	for _, l := range f.Labels {
		if l.Values == nil {
			position[l.Name] = open
			open++
			continue
		}
		closed++
	}
	names := f.labelNames()
	for _, name := range names {
		if g, ok := position[name]; ok {
			f.order = append(f.order, g)
		}
	}
	for _, values := range product(f.Labels[:closed]) {
		s := series{closed: values}
		known := map[string]string{}
		for i, v := range values {
			known[f.Labels[i].Name] = v
		}
		for format := range s.lines {
			s.lines[format] = f.compileLines(names, known, Format(format))
		}
		f.series = append(f.series, s)
		f.serverBytes += s.bytes()
	}
	for format := range f.header {
		f.header[format] = f.compileHeader(Format(format))
	}
	f.headerBytes = len(f.header[Text])
}

// bytes is about how many bytes of text a series takes.
func (s series) bytes() (n int) {
	const gapAndValue = 10
	for _, l := range s.lines[Text] {
		for _, text := range l {
			n += len(text) + gapAndValue
		}
	}
	return n
}

func (f *Family) compileHeader(format Format) string {
	name := f.Name
	if format == OpenMetrics && f.Type == Counter {
		name = strings.TrimSuffix(name, "_total")
	}
	return "# HELP " + name + " " + f.Help + "\n# TYPE " + name + " " + f.Type.exposed() + "\n"
}

func (f *Family) compileLines(names []string, known map[string]string, format Format) []line {
	if f.Type != Histogram {
		return []line{compileLine(f.Name, names, known, "")}
	}
	var lines []line
	for _, bound := range buckets {
		lines = append(lines, compileLine(f.Name+"_bucket", names, known, formatBound(bound, format)))
	}
	return append(lines,
		compileLine(f.Name+"_bucket", names, known, "+Inf"),
		compileLine(f.Name+"_sum", names, known, ""),
		compileLine(f.Name+"_count", names, known, ""))
}

// formatBound writes the value of le. OpenMetrics wants a float where the text
// format writes the shortest number.
func formatBound(bound float64, format Format) string {
	s := strconv.FormatFloat(bound, 'g', -1, 64)
	if format == OpenMetrics && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// compileLine writes a line up to its value, with the label values in known, and
// cuts it at the labels that are not.
func compileLine(name string, labels []string, known map[string]string, le string) line {
	const cut = "\x00"
	var b strings.Builder
	b.WriteString(name)
	separator := "{"
	for _, label := range labels {
		value, ok := known[label]
		if !ok {
			value = cut
		}
		b.WriteString(separator + label + `="` + escapeLabelValue(value) + `"`)
		separator = ","
	}
	if le != "" {
		b.WriteString(separator + `le="` + le + `"`)
		separator = ","
	}
	if separator == "," {
		b.WriteString("}")
	}
	b.WriteString(" ")
	return strings.Split(b.String(), cut)
}

// product returns all combinations of the labels' values, the last label
// changing fastest; one empty combination when there is no label.
func product(labels []Label) [][]string {
	all := [][]string{nil}
	for _, l := range labels {
		var longer [][]string
		for _, values := range all {
			for _, v := range l.Values {
				longer = append(longer, append(slices.Clone(values), v))
			}
		}
		all = longer
	}
	return all
}
