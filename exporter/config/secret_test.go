package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

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
	secret := NewSecret(testPassword)
	type inside struct{ Public, private Secret }
	proxied := Server{Site: "a"}
	proxied.HTTP.ProxyURL, _ = parseProxyURL("http://svc:" + testPassword + "@proxy:3128")
	for name, v := range map[string]any{
		"secret": secret, "pointer": &secret, "field": inside{secret, secret}, "list": []Secret{secret},
		"map": map[string]Secret{"a": secret}, "server": proxied, "servers": []Server{proxied},
		"proxy": proxied.HTTP.ProxyURL, "validated": Validated{effective: &effective{servers: []Server{proxied}}},
	} {
		printed := printEverywhere(t, v)
		hexed := fmt.Sprintf("%x", testPassword)
		if strings.Contains(printed, testPassword) || strings.Contains(strings.ToLower(printed), hexed) || strings.Contains(printed, "svc") {
			t.Errorf("%s gives the secret away:\n%s", name, printed)
		}
	}
	if secret.Reveal() != testPassword {
		t.Errorf("Reveal gives %q", secret.Reveal())
	}
	if got := fmt.Sprintf("%v %s %q %#v", secret, secret, secret, secret); got != strings.TrimSpace(strings.Repeat("<secret> ", 4)) {
		t.Errorf("a secret prints as %s", got)
	}
	if empty := (Secret{}); empty.Reveal() != "" || empty.String() != "<secret>" {
		t.Error("the zero secret is not an empty secret")
	}
}
