package check

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"icws_exporter/probe/icwssim"
)

func TestTheStepsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, real []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllSubmatch(text, -1) {
		documented = append(documented, string(m[1]))
	}
	_, url := simulated(t, icwssim.Options{Users: icwssim.InventUsers(3, 1), Licences: []icwssim.Licence{{ID: "I3_A"}}})
	for _, s := range run(t, t.Context(), url, Options{}, "licences: true", "users: {all: true}").Steps {
		real = append(real, s.Name)
	}
	if diff := cmp.Diff(documented, real); diff != "" {
		t.Errorf("docs/check.md has other steps than a check (-documented +real):\n%s", diff)
	}
	// The example is a document, with no field too many.
	_, example, _ := strings.Cut(string(text), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	var d Document
	decoder := json.NewDecoder(strings.NewReader(example))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	encoder := json.NewEncoder(&again)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example, again.String()); diff != "" {
		t.Errorf("the example is not as it would be printed:\n%s", diff)
	}
}

// A dead standby is a failure, but no reason not to watch the active server.
func TestTheVerdictTellsWhetherTheMessagesCome(t *testing.T) {
	for verdict, r := range map[string]Report{
		"a can be watched: ":                           {Server: "a", OK: true},
		"a cannot be watched as it is: ":               {Server: "a", Steps: []Step{{Name: StepFirstMessage, Status: Failed}}},
		"a can be watched, but something has failed: ": {Server: "a", Steps: []Step{{Name: StepTCP, Status: Failed}, {Name: StepFirstMessage, Status: OK}}},
	} {
		var b strings.Builder
		NewTextWriter(&b, false).End(r)
		if !strings.Contains(b.String(), verdict) {
			t.Errorf("the verdict is %q, want %q", b.String(), verdict)
		}
	}
}

func TestText(t *testing.T) {
	r := Report{Server: "chicago", Steps: []Step{
		{Name: StepDNS, Host: "cic-a", Status: OK, Seconds: 0.0123, Detail: "cic-a is 192.0.2.7"},
		{Name: StepTLS, Host: "cic-a", Status: Warning, Seconds: 1.5, Detail: "expires", Advice: "renew"},
		{Name: StepLogOn, Status: Failed, Seconds: 100, Detail: "refused", Advice: "mend"},
		{Name: StepFeatures, Status: Skipped, Detail: "there is no session"},
		{Name: StepSubscribe, Status: Skipped, Detail: "there is no session"},
		{Name: StepDisconnect, Status: Skipped, Detail: "there is no session"},
	}}
	for colours, want := range map[bool]string{
		false: `chicago
  ok       dns                 0.012 s  cic-a: cic-a is 192.0.2.7
  warning  tls                 1.500 s  cic-a: expires
                                        -> renew
  failed   log_on            100.000 s  refused
                                        -> mend
  skipped  features to disconnect       there is no session
  chicago cannot be watched as it is: 1 ok, 1 warning, 1 failed, 3 skipped

`,
		true: "chicago\n" +
			"  \x1b[32mok      \x1b[0m dns                 0.012 s  cic-a: cic-a is 192.0.2.7\n" +
			"  \x1b[33mwarning \x1b[0m tls                 1.500 s  cic-a: expires\n" +
			strings.Repeat(" ", 40) + "-> renew\n" +
			"  \x1b[31mfailed  \x1b[0m log_on            100.000 s  refused\n" +
			strings.Repeat(" ", 40) + "-> mend\n" +
			"  \x1b[90mskipped \x1b[0m features to disconnect       there is no session\n" +
			"  chicago cannot be watched as it is: 1 ok, 1 warning, 1 failed, 3 skipped\n\n",
	} {
		var b strings.Builder
		text := NewTextWriter(&b, colours)
		text.Server(r.Server)
		for _, s := range r.Steps {
			text.Step(s)
		}
		text.End(r)
		if diff := cmp.Diff(want, b.String()); diff != "" || text.Err() != nil {
			t.Errorf("colours %t (-want +got):\n%s", colours, diff)
		}
	}
}
