package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"icws_exporter/probe/secret"

	"go.yaml.in/yaml/v4"
)

// print shows v in every way that a log, a page or an error might.
func printEverywhere(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%10.3s"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	fmt.Fprintln(&out, v)
	fmt.Fprintln(&out, fmt.Errorf("wrapped: %v", v))
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
	inJSON, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Dump(v)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(inJSON)
	out.Write(inYAML)
	return out.String()
}

func TestASecretIsPrintedNowhere(t *testing.T) {
	hidden := secret.New(testPassword)
	type inside struct{ Public, private secret.Text }
	proxied := Server{Site: "a"}
	proxied.HTTP.ProxyURL, _ = parseProxyURL("http://svc:" + testPassword + "@proxy:3128")
	for name, v := range map[string]any{
		"secret": hidden, "pointer": &hidden, "field": inside{hidden, hidden}, "list": []secret.Text{hidden},
		"map": map[string]secret.Text{"a": hidden}, "server": proxied, "servers": []Server{proxied},
		"proxy": proxied.HTTP.ProxyURL, "validated": Validated{effective: &effective{servers: []Server{proxied}}},
	} {
		printed := printEverywhere(t, v)
		hexed := fmt.Sprintf("%x", testPassword)
		if strings.Contains(printed, testPassword) || strings.Contains(strings.ToLower(printed), hexed) || strings.Contains(printed, "svc") {
			t.Errorf("%s gives the secret away:\n%s", name, printed)
		}
	}
	if hidden.Reveal() != testPassword {
		t.Errorf("Reveal gives %q", hidden.Reveal())
	}
	if got := fmt.Sprintf("%v %s %q %#v", hidden, hidden, hidden, hidden); got != strings.TrimSpace(strings.Repeat("<secret> ", 4)) {
		t.Errorf("a secret prints as %s", got)
	}
	if empty := (secret.Text{}); empty.Reveal() != "" || empty.String() != "<secret>" {
		t.Error("the zero secret is not an empty secret")
	}
}
