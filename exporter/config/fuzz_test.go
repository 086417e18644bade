package config

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe/icws"
)

// FuzzParse holds what the rest of the exporter relies on: nothing panics, every
// error has positions inside the file, and what is accepted is within its bounds.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yaml", "testdata/good/*.yaml"} {
		files, err := os.ReadDir(pattern[:strings.LastIndexByte(pattern, '/')])
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(pattern[:strings.LastIndexByte(pattern, '/')+1] + file.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		v, err := Parse("fuzz.yaml", src, "testdata/good")
		if err != nil {
			checkProblems(t, err, strings.Count(string(src), "\n")+strings.Count(string(src), "\r")+2)
			return
		}
		checkBounds(t, v)
		shown := regexp.MustCompile(`<\d+ ids>`).ReplaceAll(v.Redacted(), []byte("id"))
		if again, err := Parse("again.yaml", shown, ""); err != nil {
			t.Errorf("what is shown is no configuration: %v\n%s", err, v.Redacted())
		} else if bytes.Equal(shown, v.Redacted()) && again.Hash() != v.Hash() {
			t.Errorf("read back, this has another hash:\n%s", v.Redacted())
		}
	})
}

func checkProblems(t *testing.T, err error, lines int) {
	problems := (*Error)(nil)
	if !errors.As(err, &problems) || len(problems.Problems) == 0 {
		t.Fatalf("the error %v is no *Error with problems", err)
	}
	for _, p := range problems.Problems {
		if p.File != "fuzz.yaml" || p.Line < 0 || p.Line > lines || p.Column < 0 || p.Message == "" || strings.ContainsAny(p.String(), "\n\x00") {
			t.Errorf("not a problem to show: %q", p)
		}
	}
}

func checkBounds(t *testing.T, v Validated) {
	within := func(what string, d, low, high time.Duration) {
		if d < low || d > high {
			t.Errorf("%s is %v", what, d)
		}
	}
	limits := v.Limits()
	if limits.Groups < 1 || limits.Statuses < 0 || limits.ResponseBytes < 64*KiB || limits.ResponseBytes > GiB {
		t.Errorf("limits are %+v", limits)
	}
	names := map[string]bool{}
	for _, s := range v.Servers() {
		name := strings.ToLower(s.Name)
		if name == "" || len(s.Name) > 128 || names[name] || s.User == "" || len(s.Hosts) == 0 || len(s.Hosts) > 16 {
			t.Errorf("accepted: %+v", s)
		}
		names[name] = true
		for _, host := range s.Hosts {
			if _, err := icws.ExpandURL(s.URL, host); err != nil {
				t.Errorf("%q does not fit into %q: %v", host, s.URL, err)
			}
		}
		if _, err := s.Password(); err != nil {
			t.Errorf("accepted without a password: %v", err)
		}
		within("poll_interval", s.PollInterval, 200*time.Millisecond, time.Minute)
		within("check_interval", s.CheckInterval, 10*time.Second, time.Hour)
		within("delivery_timeout", s.DeliveryTimeout, time.Second, s.CheckInterval-1)
		within("request_timeout", s.RequestTimeout, time.Second, time.Minute)
		within("stale_after", s.StaleAfter, 2*s.CheckInterval, 24*time.Hour)
		if s.CountsUsers() {
			within("users.refresh_interval", s.Users.RefreshInterval, time.Minute, 24*time.Hour)
			within("users.stale_after", s.Users.StaleAfter, 2*s.CheckInterval, 24*time.Hour)
			if s.Users.Max < 1 || s.Users.Max > maxUsers || s.Users.MinCohort < 1 || s.Users.All && len(s.Users.IDs)+len(s.Users.Workgroups) > 0 {
				t.Errorf("accepted: %+v", s.Users)
			}
		}
		within("backoff.min", s.BackoffMin, 100*time.Millisecond, s.BackoffMax)
		within("backoff.max", s.BackoffMax, time.Second, time.Hour)
		within("auth_hold.min", s.AuthHoldMin, time.Minute, s.AuthHoldMax)
		within("breaker.open_for", s.BreakerOpenFor, time.Second, time.Hour)
		if s.ResubscribeInterval != 0 {
			within("resubscribe_interval", s.ResubscribeInterval, s.CheckInterval, 7*24*time.Hour)
		}
		if s.StreamTimeout != 0 {
			within("stream_timeout", s.StreamTimeout, 10*time.Second, time.Hour)
		}
	}
}
