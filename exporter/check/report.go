package check

import (
	"fmt"
	"slices"
	"time"
)

// Status is how a step went.
type Status string

// The statuses. A warning is something to know about a server that can be watched.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// The names of the steps, in their order.
const (
	StepConfiguration   = "configuration"
	StepPassword        = "password"
	StepDNS             = "dns"
	StepTCP             = "tcp"
	StepTLS             = "tls"
	StepVersion         = "version"
	StepLogOn           = "log_on"
	StepFeatures        = "features"
	StepTransport       = "transport"
	StepStream          = "stream"
	StepSubscribe       = "subscribe"
	StepFirstMessage    = "first_message"
	StepStatusList      = "status_list"
	StepSecondSubscribe = "second_subscribe"
	StepSwitchover      = "switchover"
	StepUsers           = "users"
	StepLicences        = "licences"
	StepObserve         = "observe"
	StepUnsubscribe     = "unsubscribe"
	StepDisconnect      = "disconnect"
)

// Step is one thing that was looked at.
type Step struct {
	// Name is one of the Step constants.
	Name string `json:"step"`
	// Host is set for what is about one host; "proxy HOST" is the configured proxy.
	Host    string  `json:"host,omitempty"`
	Status  Status  `json:"status"`
	Seconds float64 `json:"seconds"`
	// Detail says what was seen, Advice what to do about it.
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"`
}

// Report is what Run found out about one server.
type Report struct {
	Server string `json:"server"`
	// OK says that no step failed.
	OK    bool   `json:"ok"`
	Steps []Step `json:"steps"`
}

// delivered reports whether the status messages came.
func (r Report) delivered() bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool {
		return s.Name == StepFirstMessage && (s.Status == OK || s.Status == Warning)
	})
}

// Document is the whole result, as --json prints it.
type Document struct {
	OK      bool     `json:"ok"`
	Servers []Report `json:"servers"`
}

// NewDocument puts reports together.
func NewDocument(reports []Report) Document {
	d := Document{OK: true, Servers: reports}
	for _, r := range reports {
		d.OK = d.OK && r.OK
	}
	return d
}

// finding is a step without its place and time.
type finding struct {
	status         Status
	detail, advice string
}

func good(format string, args ...any) finding {
	return finding{status: OK, detail: fmt.Sprintf(format, args...)}
}

func skipped(reason string) finding { return finding{status: Skipped, detail: reason} }

func warned(detail, advice string) finding { return finding{Warning, detail, advice} }

func failed(detail, advice string) finding { return finding{Failed, detail, advice} }

// broken is the finding of an error, in the words of an operator.
func broken(err error) finding { return failed(explain(err)) }

// tolerated is the same for what watching can do without.
func tolerated(err error) finding { return warned(explain(err)) }

func (f finding) step(name, host string, took time.Duration) Step {
	return Step{Name: name, Host: host, Status: f.status, Seconds: max(took, 0).Round(time.Microsecond).Seconds(), Detail: f.detail, Advice: f.advice}
}
