package api

import (
	"strings"
	"time"

	"icws_exporter/probe"
)

// recentDetail is what happened lately, newest first, as docs/api.md describes it.
type recentDetail struct {
	Events    []eventDetail   `json:"events,omitempty"`
	Failures  []requestDetail `json:"failures,omitempty"`
	Successes []requestDetail `json:"successes,omitempty"`
	Checks    []checkDetail   `json:"checks,omitempty"`
	Log       []lineDetail    `json:"log,omitempty"`
}

type eventDetail struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
	Became  string    `json:"became"`
	Reason  string    `json:"reason,omitempty"`
}

type requestDetail struct {
	At              time.Time `json:"at"`
	Operation       string    `json:"operation"`
	Host            string    `json:"host,omitempty"`
	Code            int       `json:"code,omitempty"`
	ErrorID         string    `json:"error_id,omitempty"`
	Failure         string    `json:"failure,omitempty"`
	DurationSeconds float64   `json:"duration_seconds"`
	Times           int       `json:"times"`
}

type checkDetail struct {
	At              time.Time `json:"at"`
	Result          string    `json:"result"`
	DeliverySeconds float64   `json:"delivery_seconds,omitempty"`
	Drift           int       `json:"drift,omitempty"`
	DriftIDs        string    `json:"drift_ids,omitempty"`
}

type lineDetail struct {
	At         time.Time `json:"at"`
	Level      string    `json:"level"`
	Message    string    `json:"message"`
	Attributes string    `json:"attributes,omitempty"`
}

// answersDetail counts the answers of the last hour.
type answersDetail struct {
	OK           uint32 `json:"2xx"`
	Unauthorized uint32 `json:"401"`
	Gone         uint32 `json:"410"`
	ServerError  uint32 `json:"500"`
	Other        uint32 `json:"other"`
	None         uint32 `json:"none"`
}

func newAnswersDetail(a probe.Answers) answersDetail {
	return answersDetail{
		OK: a[probe.Answer2xx], Unauthorized: a[probe.Answer401], Gone: a[probe.Answer410],
		ServerError: a[probe.Answer500], Other: a[probe.AnswerOther], None: a[probe.AnswerNone],
	}
}

func newRecentDetail(recent probe.Recent) recentDetail {
	var d recentDetail
	for _, e := range recent.Events {
		d.Events = append(d.Events, eventDetail{atUTC(e.At), e.Subject, e.Became, e.Reason})
	}
	d.Failures, d.Successes = newRequestDetails(recent.Failures), newRequestDetails(recent.Successes)
	for _, c := range recent.Checks {
		d.Checks = append(d.Checks, checkDetail{atUTC(c.At), c.Result.String(), c.Took.Seconds(), c.Drift, c.DriftIDs})
	}
	for _, l := range recent.Log {
		d.Log = append(d.Log, lineDetail{atUTC(l.At), strings.ToLower(l.Level.String()), l.Message, l.Attributes})
	}
	return d
}

func newRequestDetails(requests []probe.Request) []requestDetail {
	var details []requestDetail
	for _, r := range requests {
		details = append(details, requestDetail{
			atUTC(r.At), r.Operation.String(), r.Host, r.Code, r.ErrorID, r.Failure, r.Duration.Seconds(), r.Times,
		})
	}
	return details
}
