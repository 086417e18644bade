package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"icws_exporter/probe"

	"icws_exporter/exporter/files"
)

func mustParse(t *testing.T, src string) Validated {
	t.Helper()
	v, err := Parse("test.yaml", []byte(src), "testdata")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const oneServer = "servers: [{name: a, hosts: [cic-a, cic-b], allowed_hosts: ['*.example.com'], user: svc-prom, password_file: password}]"

func TestAValidatedCannotBeMadeOrChangedElsewhere(t *testing.T) {
	typ := reflect.TypeFor[Validated]()
	for i := range typ.NumField() {
		if typ.Field(i).IsExported() {
			t.Errorf("the field %s can be set by anybody", typ.Field(i).Name)
		}
	}
	pointer := reflect.TypeFor[*Validated]()
	for i := range pointer.NumMethod() {
		if name := pointer.Method(i).Name; strings.HasPrefix(name, "Unmarshal") || strings.HasPrefix(name, "Set") {
			t.Errorf("%s makes a Validated without validation", name)
		}
	}
	v := mustParse(t, oneServer)
	before := string(v.Redacted())
	servers := v.Servers()
	servers[0].Name, servers[0].Hosts[0], servers[0].AllowedHosts[0] = "b", "evil", "*"
	if after := string(v.Redacted()); after != before {
		t.Errorf("changing what Servers returned changed the configuration:\n%s", after)
	}
	cfg := v.Servers()[0].Probe(v.Limits())
	cfg.Hosts[0], cfg.AllowedHosts[0] = "evil", "*"
	if after := string(v.Redacted()); after != before {
		t.Errorf("changing what Probe returned changed the configuration:\n%s", after)
	}
}

func TestTheZeroValidatedWatchesNothing(t *testing.T) {
	var zero Validated
	empty := mustParse(t, "servers: []")
	if len(zero.Servers()) != 0 || zero.Limits() != empty.Limits() || zero.ReadyWhen() != ReadyAttempted || zero.Hash() != empty.Hash() {
		t.Errorf("the zero Validated is\n%s\nwant\n%s", zero.Redacted(), empty.Redacted())
	}
}

func TestTheProbeGetsTheDefaultsOfTheDesign(t *testing.T) {
	v := mustParse(t, oneServer)
	got := v.Servers()[0].Probe(v.Limits())
	got.Password = nil
	want := probe.Config{
		Name: "a", URL: "https://{host}:8019", Hosts: []string{"cic-a", "cic-b"}, AllowedHosts: []string{"*.example.com"},
		User: "svc-prom", Language: "en-US", Transport: probe.ModeAuto,
		PollInterval: 2 * time.Second, CheckInterval: time.Minute, ResubscribeInterval: 15 * time.Minute,
		DeliveryTimeout: 10 * time.Second, RequestTimeout: 10 * time.Second, StreamTimeout: 0, StaleAfter: 3 * time.Minute,
		BackoffMin: time.Second, BackoffMax: time.Minute, AuthHoldMin: 15 * time.Minute, AuthHoldMax: time.Hour,
		BreakerFailures: 5, BreakerOpenFor: 30 * time.Second, MaxGroups: 64, MaxResponseBytes: 16 << 20,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// edited returns the first server of oneServer with a key more.
func edited(t *testing.T, key string) Server {
	t.Helper()
	return mustParse(t, strings.Replace(oneServer, "}]", ", "+key+"}]", 1)).Servers()[0]
}

func TestAServerIsEqualUntilItsConfigurationChanges(t *testing.T) {
	base := mustParse(t, oneServer).Servers()[0]
	if !base.Equal(mustParse(t, oneServer).Servers()[0]) {
		t.Error("the same server read twice is not equal")
	}
	if !base.Equal(edited(t, "check_interval: 60s")) {
		t.Error("a default that is spelled out is a change")
	}
	if !base.Equal(edited(t, "site: us")) {
		t.Error("another site, which is only a label, is a change")
	}
	for _, key := range []string{
		"language: de-DE", "transport: poll", "poll_interval: 3s", "stale_after: 5m", "backoff: {max: 2m}",
		"breaker: {failures: 6}", "http: {proxy_url: 'http://proxy'}", "http: {tls_config: {ca_file: ca.pem}}",
	} {
		if base.Equal(edited(t, key)) {
			t.Errorf("a server with %s is equal to one without", key)
		}
	}
	one, other := edited(t, "http: {proxy_url: 'http://u:1@proxy'}"), edited(t, "http: {proxy_url: 'http://u:2@proxy'}")
	if one.Equal(other) {
		t.Error("another password of the proxy is no change")
	}
}

func TestAChangedCAFileIsOtherContentOfTheSameServer(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	pem, err := os.ReadFile("testdata/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) Validated {
		if err := os.WriteFile(ca, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return mustParse(t, strings.Replace(oneServer, "}]", ", http: {tls_config: {ca_file: '"+ca+"'}}}]", 1))
	}
	first := write(pem)
	if first.Content() != write(pem).Content() {
		t.Error("the same CA written again is other content")
	}
	second := write(append(pem, pem...))
	if first.Content() == second.Content() {
		t.Error("a changed CA file is no other content")
	}
	if !first.Servers()[0].Equal(second.Servers()[0]) {
		t.Error("a changed CA file would restart the probe, which follows it anyway")
	}
	if first.Content() == mustParse(t, oneServer).Content() {
		t.Error("another file has the same content")
	}
}

func TestTheHashIsOfWhatIsShown(t *testing.T) {
	base := mustParse(t, oneServer)
	if base.Hash() == 0 || base.Hash() >= 1<<48 {
		t.Errorf("the hash %x is not one of 48 bits", base.Hash())
	}
	if base.Hash() != mustParse(t, "# comment\nready_when: attempted\n"+oneServer).Hash() {
		t.Error("a comment and a default change the hash")
	}
	if base.Hash() == mustParse(t, "ready_when: all\n"+oneServer).Hash() {
		t.Error("another ready_when has the same hash")
	}
	proxied := func(password string) uint64 {
		return mustParse(t, strings.Replace(oneServer, "}]", ", http: {proxy_url: 'http://u:"+password+"@proxy'}}]", 1)).Hash()
	}
	if proxied("1") != proxied("2") {
		t.Error("the hash depends on a secret")
	}
}

func TestLoadResolvesFilesNextToTheConfiguration(t *testing.T) {
	v, err := Load("testdata/good/design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lab := v.Servers()[1]
	if lab.PasswordFile != "testdata/password" || lab.HTTP.TLS.CAFile != "testdata/ca.pem" {
		t.Errorf("files are resolved to %s and %s", lab.PasswordFile, lab.HTTP.TLS.CAFile)
	}
	if password, err := lab.Password(); err != nil || password.Reveal() != testPassword {
		t.Errorf("the password file gives %v", err)
	}
	if !strings.HasPrefix(string(lab.Redacted()), "name: lab\n") {
		t.Errorf("a server shows itself as\n%s", lab.Redacted())
	}
}

func TestLoadSaysWhichFileCannotBeRead(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.yaml")
	if _, err := Load(absent); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), absent) {
		t.Errorf("got %v", err)
	}
	if _, err := Load(t.TempDir()); !errors.Is(err, files.ErrNotRegular) {
		t.Errorf("of a directory: got %v", err)
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, make([]byte, maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !errors.Is(err, files.ErrTooLarge) || !strings.Contains(err.Error(), large) {
		t.Errorf("got %v, want one that says the file is too large", err)
	}
	_, err := Load("testdata/bad/empty.yaml")
	if err == nil || !strings.HasPrefix(err.Error(), "testdata/bad/empty.yaml:1:1: ") {
		t.Errorf("got %v, want a problem with the file and position", err)
	}
}

func TestAPartNeedsOnlyItsOwnSecrets(t *testing.T) {
	const text = `
defaults: {user: svc-prom, hosts: [cic-a]}
servers:
  - {name: mine, password_file: pw}
  - {name: password elsewhere, password_file: absent}
  - {name: key elsewhere, password_file: pw, http: {tls_config: {cert_file: absent.pem, key_file: absent.pem}}}
`
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pw"), []byte(testPassword))
	file := filepath.Join(dir, "icws.yaml")
	write(t, file, []byte(text))
	if _, err := LoadPart(file, func(name string) bool { return name == "mine" }); err != nil {
		t.Errorf("the secrets of others are needed: %v", err)
	}
	_, err := Load(file)
	problems := (*Error)(nil)
	if !errors.As(err, &problems) || len(problems.Problems) != 3 {
		t.Errorf("the whole gives %v, want a problem for the password, the certificate and the key", err)
	}
	write(t, file, []byte(strings.Replace(text, "password elsewhere,", "password elsewhere, colour: blue,", 1)))
	if _, err := LoadPart(file, func(name string) bool { return name == "mine" }); err == nil {
		t.Error("a mistake in the server of another is not found")
	}
}
