package pages

import (
	"math"
	"strconv"

	"icws_exporter/probe"
)

var answerWords = [probe.NumAnswerClasses]string{
	probe.Answer2xx: "2xx", probe.Answer401: "401", probe.Answer410: "410", probe.Answer500: "500",
	probe.AnswerOther: "Other", probe.AnswerNone: "No reply",
}

// answersOf are the counts of the last hour. What is well is rounded, so that it
// reads the same from one second to the next.
func answersOf(counts probe.Answers) [probe.NumAnswerClasses]answerCount {
	var all [probe.NumAnswerClasses]answerCount
	for i, n := range counts {
		class := probe.AnswerClass(i)
		all[i] = answerCount{Class: class.String(), Words: answerWords[i], Text: strconv.Itoa(int(n)), Zero: n == 0}
		switch {
		case class != probe.Answer2xx:
			all[i].Bad = n > 0
		case n >= 100:
			all[i].Text = rounded(n)
		}
	}
	return all
}

// rounded keeps two digits: 1234 is 1200, and 12345 is 12k.
func rounded(n uint32) string {
	unit := math.Pow(10, math.Floor(math.Log10(float64(n)))-1)
	whole := int(math.Floor(float64(n)/unit) * unit)
	if whole >= 10_000 {
		return strconv.Itoa(whole/1000) + "k"
	}
	return strconv.Itoa(whole)
}
