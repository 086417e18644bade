package probe

import (
	"math"
	"time"
)

// StatesOfLastHour are the states of the last 60 minutes, the oldest first: of each
// minute the one that is worst for those who rely on the server. Minutes from before
// the probe ran are not Known.
type StatesOfLastHour [60]MinuteState

// MinuteState is the state of a minute.
type MinuteState struct {
	Known bool
	State State
}

// stateMinutes remembers the states of the last hour, by the minute of the clock.
type stateMinutes struct {
	minutes [60]minuteByte // at the number of the minute modulo 60
	now     minuteByte
	upTo    int64 // the newest minute that is filled
}

// minuteByte is a MinuteState in a byte: 0 is not known, else it is the state and 1.
type minuteByte uint8

func (m minuteByte) state() State { return State(m - 1) }

// change notes a state that begins at a time.
func (s *stateMinutes) change(to State, at time.Time) {
	s.fill(at)
	s.now = minuteByte(to) + 1
	if minute := &s.minutes[s.upTo%60]; *minute == 0 || rank(to) > rank(minute.state()) {
		*minute = s.now
	}
}

// fill gives the minutes up to a time the state that has lasted since.
func (s *stateMinutes) fill(at time.Time) {
	minute := at.Unix() / 60
	if s.upTo == 0 || minute-s.upTo > 60 {
		s.upTo = max(0, minute-60)
	}
	for s.upTo < minute {
		s.upTo++
		s.minutes[s.upTo%60] = s.now
	}
}

// rank orders the states: live, on the way up, down.
func rank(s State) int {
	switch s {
	case StateLive:
		return 0
	case StateConnecting, StateSubscribing:
		return 1
	default:
		return 2
	}
}

// StatesOfLastHour returns the states of the 60 minutes up to now.
func (h *History) StatesOfLastHour(now time.Time) (states StatesOfLastHour) {
	if h == nil {
		return states
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states.fill(now)
	for i := range states {
		if m := h.states.minutes[(h.states.upTo+1+int64(i))%60]; m != 0 {
			states[i] = MinuteState{Known: true, State: m.state()}
		}
	}
	return states
}

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

// minute is what was answered within one minute. After an hour every server has 60 of them.
type minute struct {
	number  uint32 // minutes since 1970
	answers [NumAnswerClasses]uint16
}

// countAnswer counts one answer. The caller holds the lock.
func (h *History) countAnswer(at time.Time, code int) {
	if h.minutes == nil {
		h.minutes = new([60]minute)
	}
	number := uint32(at.Unix() / 60)
	m := &h.minutes[number%60]
	if m.number != number {
		*m = minute{number: number}
	}
	if n := &m.answers[answerClassOf(code)]; *n < math.MaxUint16 {
		*n++
	}
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
	newest := uint32(now.Unix() / 60)
	for _, m := range h.minutes {
		if m.number > newest-60 && m.number <= newest {
			for class, n := range m.answers {
				sum[class] += uint32(n)
			}
		}
	}
	return sum
}
