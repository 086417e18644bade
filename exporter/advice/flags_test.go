package advice_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"icws_exporter/exporter/advice"
)

// Who gave flags has no file: advice names the flag, or says that a file is needed.
func TestAdviceForFlagsNamesThem(t *testing.T) {
	keys := regexp.MustCompile(`http\.[a-z_.]+|\bhosts, or|\bto hosts|allowed_hosts|transport: poll|transport to auto|limits\.[a-z_]+`)
	named := 0
	for _, r := range advice.Reasons() {
		a := advice.For(r, advice.About{Flags: true, Host: "cic-a"})
		for _, text := range append([]string{a.Is, a.Do}, a.More...) {
			if strings.Contains(text, "the url") || strings.Contains(text, "--config.file") || strings.Contains(text, "ca_file") {
				t.Errorf("%s names a key: %q", r, text)
			}
			if key := keys.FindString(text); key != "" && !strings.Contains(text, "in a configuration file") {
				t.Errorf("%s names %s as if there were a file: %q", r, key, text)
			}
			if strings.Contains(text, "--server") || strings.Contains(text, "--ca-file") {
				named++
			}
		}
	}
	if named < 10 {
		t.Errorf("only %d texts name a flag", named)
	}
}

func TestTheLogNamesFlagsToWhoGaveThem(t *testing.T) {
	var out bytes.Buffer
	slog.New(advice.Log(slog.NewTextHandler(&out, nil), true)).With("server", "a").Warn("backoff", "down", "tls")
	if !strings.Contains(out.String(), "of --server, and --ca-file") {
		t.Error(out.String())
	}
}
