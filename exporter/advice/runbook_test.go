package advice_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"icws_exporter/alerts"
	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
)

var update = flag.Bool("update", false, "write the advice into the runbooks anew")

// ofServers are the reasons that the pages and the API have, in the order of a runbook.
func ofServers() []advice.Reason {
	var reasons []advice.Reason
	for down := range probe.DownReason(probe.NumDownReasons) {
		reasons = append(reasons, advice.Reason(down.String()))
	}
	return append(reasons, advice.BreakerOpen, advice.Hung, advice.Drift, advice.Unusable, advice.PasswordExpiring, advice.CertificateExpiring, advice.StandbyDown)
}

const head = "| reason | what is wrong | what to do |\n"

// inRunbook is the table of a runbook that is made of the advice.
func inRunbook(name string) string {
	var b strings.Builder
	for _, r := range ofServers() {
		a := advice.For(r, advice.About{Host: "the host", Server: "$SERVER"})
		if a.Runbook == name {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r, a.Is, strings.Join(a.Steps(), " "))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return head + "|---|---|---|\n" + b.String()
}

// The runbook of an alert says what the advice of its reasons says, in the same words.
func TestRunbooksSayWhatTheAdviceSays(t *testing.T) {
	for _, r := range ofServers() {
		if a := advice.For(r, advice.About{}); a.Do == "" || a.Is == "" || !slices.Contains(alerts.Runbooks(), a.Runbook) {
			t.Errorf("%s has no advice, or no runbook: %+v", r, a)
		}
	}
	for _, name := range alerts.Runbooks() {
		file := "../../alerts/runbooks/" + name + ".md"
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, want := string(content), inRunbook(name)
		before, rest, found := strings.Cut(text, head)
		_, after, ended := strings.Cut(rest, "\n\n")
		after = "\n" + after
		switch {
		case found != (want != "") || found && !ended:
			t.Errorf("the runbook of %s wants the table\n%s and has it: %v", name, want, found)
		case found && *update:
			if err := os.WriteFile(file, []byte(before+want+after), 0o644); err != nil {
				t.Fatal(err)
			}
		case found && text != before+want+after:
			t.Errorf("the runbook of %s does not say what the advice says; write it anew with go test ./exporter/advice -run Runbooks -update. It wants\n%s", name, want)
		}
	}
}
