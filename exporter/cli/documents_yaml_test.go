package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v4"

	"icws_exporter/alerts"
	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

// scrapeFile is as much of a Prometheus configuration as the examples use.
type scrapeFile struct {
	ScrapeConfigs []struct {
		JobName       string `yaml:"job_name"`
		Scheme        string `yaml:"scheme"`
		scrapeLogOn   `yaml:",inline"`
		MetricsPath   string `yaml:"metrics_path"`
		StaticConfigs []struct {
			Targets []string `yaml:"targets"`
		} `yaml:"static_configs"`
		HTTPSDConfigs []struct {
			URL         string `yaml:"url"`
			scrapeLogOn `yaml:",inline"`
		} `yaml:"http_sd_configs"`
		KubernetesSDConfigs []struct {
			Role string `yaml:"role"`
		} `yaml:"kubernetes_sd_configs"`
		RelabelConfigs []struct {
			SourceLabels []string `yaml:"source_labels"`
			TargetLabel  string   `yaml:"target_label"`
			Regex        string   `yaml:"regex"`
			Replacement  string   `yaml:"replacement"`
			Action       string   `yaml:"action"`
		} `yaml:"relabel_configs"`
	} `yaml:"scrape_configs"`
}

// scrapeLogOn is how Prometheus identifies itself, and whom it trusts.
type scrapeLogOn struct {
	TLSConfig struct {
		CAFile string `yaml:"ca_file"`
	} `yaml:"tls_config"`
	BasicAuth struct {
		Username     string `yaml:"username"`
		PasswordFile string `yaml:"password_file"`
	} `yaml:"basic_auth"`
}

// isScrape wants a configuration of Prometheus whose jobs the alerts know; promtool
// looks at the rest of it under the build tag e2e.
func isScrape(t *testing.T, b block) {
	var f scrapeFile
	if err := yaml.Load([]byte(b.text), &f, yaml.WithV4Defaults(), yaml.WithKnownFields()); err != nil || len(f.ScrapeConfigs) == 0 {
		t.Fatalf("%v in\n%s", err, b.text)
	}
	for _, job := range f.ScrapeConfigs {
		if !regexp.MustCompile(`^icws`).MatchString(job.JobName) {
			t.Errorf("the alerts do not know the job %q", job.JobName)
		}
	}
}

// fileKeys are keys of a configuration whose files have to be there.
var fileKeys = regexp.MustCompile(`(password_file|ca_file|password_env): *([\w./-]+)`)

// isConfiguration wants a configuration of the exporter, with the files and
// variables that it names.
func isConfiguration(t *testing.T, b block) {
	dir := t.TempDir()
	text := regexp.MustCompile(`/run/secrets/`).ReplaceAllString(b.text, "")
	for _, m := range fileKeys.FindAllStringSubmatch(text, -1) {
		path := filepath.Join(dir, m[2])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		switch m[1] {
		case "password_env":
			t.Setenv(m[2], testPassword)
		case "password_file":
			err = os.WriteFile(path, []byte(testPassword), 0o600)
		default:
			_, err = icwssim.Certificate("", path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	v, err := config.Parse(b.document, []byte(text), dir)
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.text)
	}
	if len(v.Servers()) == 0 {
		t.Error("it watches nothing")
	}
}

// isWebConfiguration wants a file that the exporter toolkit accepts.
func isWebConfiguration(t *testing.T, b block) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"web.yaml":     []byte(b.text),
		"exporter.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		"exporter.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := toolkit.Validate(filepath.Join(dir, "web.yaml")); err != nil {
		t.Errorf("%v in\n%s", err, b.text)
	}
}

// isRuleFiles wants the pattern to name the rule files that rules write makes.
func isRuleFiles(t *testing.T, b block) {
	var f struct {
		RuleFiles []string `yaml:"rule_files"`
	}
	if err := yaml.Load([]byte(b.text), &f, yaml.WithKnownFields()); err != nil || len(f.RuleFiles) != 1 {
		t.Fatalf("%v in\n%s", err, b.text)
	}
	for _, name := range alerts.RuleFiles {
		if match, err := filepath.Match(f.RuleFiles[0], "rules/"+name); err != nil || !match {
			t.Errorf("%s does not name %s (%v)", f.RuleFiles[0], name, err)
		}
	}
}
