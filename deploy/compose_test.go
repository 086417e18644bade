package deploy

import (
	"bytes"
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"icws_exporter/alerts"
	"icws_exporter/exporter/cli"
)

// composition has the keys of compose.yaml; no other is taken.
type composition struct {
	Name     string
	Services map[string]struct {
		Image, Build, Restart string
		Command               []string
		ReadOnly              bool     `yaml:"read_only"`
		CapDrop               []string `yaml:"cap_drop"`
		SecurityOpt           []string `yaml:"security_opt"`
		Ports, Volumes        []string
		Environment           map[string]string
	}
	Volumes map[string]any
}

// prometheusFile has the keys of prometheus/prometheus.yaml.
type prometheusFile struct {
	Global    map[string]string
	RuleFiles []string `yaml:"rule_files"`
	Alerting  struct {
		Alertmanagers []struct {
			StaticConfigs []targets `yaml:"static_configs"`
		}
	}
	ScrapeConfigs []struct {
		JobName       string    `yaml:"job_name"`
		StaticConfigs []targets `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

type targets struct{ Targets []string }

func decode(t *testing.T, file string, strict bool, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(strict)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func composed(t *testing.T) (c composition, p prometheusFile) {
	t.Helper()
	decode(t, "compose.yaml", true, &c)
	decode(t, "prometheus/prometheus.yaml", true, &p)
	return c, p
}

// mounts are the files and folders of the host by their path in the container.
func (c composition) mounts(t *testing.T, service string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, v := range c.Services[service].Volumes {
		parts := strings.Split(v, ":")
		if !strings.HasPrefix(parts[0], ".") {
			if _, known := c.Volumes[parts[0]]; !known {
				t.Errorf("%s: there is no volume %s", service, parts[0])
			}
			continue
		}
		if len(parts) != 3 || parts[2] != "ro" {
			t.Errorf("%s can write to %s", service, v)
		}
		if _, err := os.Stat(parts[0]); err != nil {
			t.Errorf("%s: %v", service, err)
		}
		found[parts[1]] = parts[0]
	}
	return found
}

func TestComposeIsPinnedAndStaysOnThisMachine(t *testing.T) {
	c, _ := composed(t)
	pinned := regexp.MustCompile(`^[a-z]+/[a-z]+:v?\d+\.\d+\.\d+$`)
	for name, s := range c.Services {
		if s.Build == "" && !pinned.MatchString(s.Image) {
			t.Errorf("%s is not pinned: %s", name, s.Image)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s is open to other machines: %s", name, p)
			}
		}
		c.mounts(t, name)
	}
	if _, err := os.Stat(filepath.Join(c.Services["exporter"].Build, "Dockerfile")); err != nil {
		t.Error(err)
	}
}

// Prometheus scrapes the exporter as a job that the rules look at, and has all rules.
func TestPrometheusOfComposeHasTheExporterAndTheRules(t *testing.T) {
	c, p := composed(t)
	mounts := c.mounts(t, "prometheus")
	for _, name := range []string{"prometheus", "alertmanager"} {
		file, _ := strings.CutPrefix(c.Services[name].Command[0], "--config.file=")
		if c.mounts(t, name)[file] == "" {
			t.Errorf("%s reads %s, which is not mounted", name, file)
		}
	}
	for _, file := range alerts.RuleFiles {
		where := "/etc/prometheus/rules/" + file
		if ok, err := path.Match("/etc/prometheus/"+p.RuleFiles[0], where); !ok || err != nil || mounts[where] != "../alerts/"+file {
			t.Errorf("%s is not loaded: %v", file, mounts)
		}
	}
	if mounts := c.mounts(t, "alertmanager"); mounts["/etc/alertmanager/alertmanager.yaml"] != "../alerts/"+alerts.Alertmanager {
		t.Errorf("Alertmanager has %v", mounts)
	}
	scrape := p.ScrapeConfigs[0]
	if len(p.ScrapeConfigs) != 1 || !regexp.MustCompile("^(icws.*)$").MatchString(scrape.JobName) {
		t.Errorf("the rules do not look at %v", p.ScrapeConfigs)
	}
	reachable := func(target string) {
		t.Helper()
		service, port, _ := strings.Cut(target, ":")
		ports := c.Services[service].Ports
		if len(ports) != 1 || !strings.HasSuffix(ports[0], ":"+port) {
			t.Errorf("no service is at %s", target)
		}
	}
	reachable(scrape.StaticConfigs[0].Targets[0])
	reachable(p.Alerting.Alertmanagers[0].StaticConfigs[0].Targets[0])
}

func TestGrafanaOfComposeIsProvisioned(t *testing.T) {
	c, p := composed(t)
	mounts := c.mounts(t, "grafana")
	provisioning := mounts["/etc/grafana/provisioning"]
	var sources struct {
		Datasources []struct {
			URL      string
			JSONData struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	decode(t, filepath.Join(provisioning, "datasources/prometheus.yaml"), false, &sources)
	if s := sources.Datasources[0]; s.URL != "http://prometheus:9090" || c.Services["prometheus"].Ports[0] != "127.0.0.1:9090:9090" ||
		s.JSONData.TimeInterval != p.Global["scrape_interval"] {
		t.Errorf("the data source is %+v", s)
	}
	var provided struct {
		Providers []struct{ Options struct{ Path string } }
	}
	decode(t, filepath.Join(provisioning, "dashboards/icws.yaml"), false, &provided)
	folder := mounts[provided.Providers[0].Options.Path]
	found, err := filepath.Glob(filepath.Join(folder, "icws-*.json"))
	if folder == "" || err != nil || len(found) < 4 {
		t.Errorf("Grafana finds %v in %q", found, folder)
	}
	home := c.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if _, err := os.Stat(filepath.Join(mounts[path.Dir(home)], path.Base(home))); err != nil {
		t.Errorf("the first page of Grafana: %v", err)
	}
}

// stopper ends what writes to it once it has written the text.
type stopper struct {
	bytes.Buffer
	text string
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Contains(s.String(), s.text) {
		s.stop()
	}
	return n, err
}

func TestExporterOfComposeRuns(t *testing.T) {
	c, _ := composed(t)
	exporter := c.Services["exporter"]
	// All addresses: the port of a container is published to none but its own.
	args := strings.Replace(strings.Join(exporter.Command, "\n"), "--web.listen-address=:10018", "--web.listen-address=127.0.0.1:0", 1)
	if !strings.Contains(args, "127.0.0.1:0") || exporter.Ports[0] != "127.0.0.1:10018:10018" {
		t.Fatalf("the exporter is not to be reached: %v %v", exporter.Command, exporter.Ports)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &stopper{text: "Ctrl-C ends the demo", stop: stop}
	var log bytes.Buffer
	if code := cli.Run(ctx, strings.Split(args, "\n"), out, &log); code != cli.ExitOK || !strings.Contains(out.String(), "Ctrl-C") {
		t.Errorf("%q exits with %d: %s%s", args, code, out.String(), log.String())
	}
}

// With compose.own.yaml the exporter watches a server of one's own: two lines of
// icws.yaml, the user and the hosts, and a password file are all that is edited.
func TestComposeWatchesAServerOfOnesOwn(t *testing.T) {
	var own composition
	decode(t, "compose.own.yaml", true, &own)
	exporter := own.Services["exporter"]
	text, err := os.ReadFile("icws/icws.yaml")
	if err != nil || len(own.Services) != 1 {
		t.Fatalf("%v, %v", err, own.Services)
	}
	edits := regexp.MustCompile(`(?m)^.*# your .*$`).FindAllString(string(text), -1)
	if len(edits) != 2 || !strings.Contains(edits[0], "user:") || !strings.Contains(edits[1], "hosts:") {
		t.Errorf("these lines are to be edited: %q", edits)
	}
	dir := t.TempDir()
	edited := strings.Replace(string(text), edits[1], "    hosts: [127.0.0.1]", 1)
	for name, content := range map[string]string{"icws.yaml": edited, "password": "s3cret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if mounts := own.mounts(t, "exporter"); mounts["/etc/icws_exporter"] != "./icws" {
		t.Fatalf("the exporter has %v", mounts)
	}
	args := strings.ReplaceAll(strings.Join(exporter.Command, "\n"), "/etc/icws_exporter", dir)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &stopper{text: "Listening on", stop: stop}
	var out bytes.Buffer
	code := cli.Run(ctx, append(strings.Split(args, "\n"), "--web.listen-address=127.0.0.1:0"), &out, log)
	if code != cli.ExitOK || !strings.Contains(log.String(), "servers=1") {
		t.Errorf("it exits with %d: %s", code, log.String())
	}
}
