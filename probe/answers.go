package probe

import "time"

// AnswerClass is how an HTTP answer is counted over the last hour: the codes that
// tell most about an IC server stand for themselves.
type AnswerClass uint8

// The values of AnswerClass.
const (
	Answer2xx AnswerClass = iota
	Answer401
	Answer410
	Answer500
	AnswerOther // every other code
	AnswerNone  // no headers came
)

var answerClassNames = [...]string{
	Answer2xx:   "2xx",
	Answer401:   "401",
	Answer410:   "410",
	Answer500:   "500",
	AnswerOther: "other",
	AnswerNone:  "none",
}

// NumAnswerClasses is how many values there are.
const NumAnswerClasses = len(answerClassNames)

// String returns the class as the API names it.
func (c AnswerClass) String() string { return answerClassNames[c] }

func answerClassOf(code int) AnswerClass {
	switch {
	case code == 0:
		return AnswerNone
	case code >= 200 && code < 300:
		return Answer2xx
	case code == 401:
		return Answer401
	case code == 410:
		return Answer410
	case code == 500:
		return Answer500
	default:
		return AnswerOther
	}
}

// Answers counts requests by what was answered.
type Answers [NumAnswerClasses]uint32

// minute is what was answered within one minute.
type minute struct {
	number  int64 // minutes since 1970
	answers Answers
}

// countAnswer counts one answer. The caller holds the lock.
func (h *History) countAnswer(at time.Time, code int) {
	if h.minutes == nil {
		h.minutes = new([60]minute)
	}
	number := at.Unix() / 60
	m := &h.minutes[number%60]
	if m.number != number {
		*m = minute{number: number}
	}
	m.answers[answerClassOf(code)]++
}

// LastHour counts the answers of the hour before now, to the minute.
func (h *History) LastHour(now time.Time) Answers {
	var sum Answers
	if h == nil {
		return sum
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.minutes == nil {
		return sum
	}
	newest := now.Unix() / 60
	for _, m := range h.minutes {
		if m.number > newest-60 && m.number <= newest {
			for class, n := range m.answers {
				sum[class] += n
			}
		}
	}
	return sum
}
