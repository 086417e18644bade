package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"

	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
)

// scrapeFile is as much of a Prometheus configuration as the examples use.
type scrapeFile struct {
	ScrapeConfigs []struct {
		JobName       string `yaml:"job_name"`
		StaticConfigs []struct {
			Targets []string `yaml:"targets"`
		} `yaml:"static_configs"`
		KubernetesSDConfigs []struct {
			Role string `yaml:"role"`
		} `yaml:"kubernetes_sd_configs"`
		RelabelConfigs []struct {
			SourceLabels []string `yaml:"source_labels"`
			TargetLabel  string   `yaml:"target_label"`
			Regex        string   `yaml:"regex"`
			Action       string   `yaml:"action"`
		} `yaml:"relabel_configs"`
	} `yaml:"scrape_configs"`
}

// podFile is as much of a StatefulSet as matters to the exporter.
type podFile struct {
	Spec struct {
		Replicas int `yaml:"replicas"`
		Template struct {
			Spec struct {
				Containers []struct {
					Args []string `yaml:"args"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

func operating(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheExamplesOfOperatingWork(t *testing.T) {
	kinds := map[string]int{}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(operating(t), -1) {
		switch example := []byte(block[1]); {
		case bytes.HasPrefix(example, []byte("scrape_configs:")):
			kinds["scrape"]++
			var f scrapeFile
			if err := yaml.Load(example, &f, yaml.WithV4Defaults(), yaml.WithKnownFields()); err != nil || len(f.ScrapeConfigs) != 1 {
				t.Errorf("%v in\n%s", err, example)
			}
		case bytes.Contains(example, []byte("kind: StatefulSet")):
			kinds["pods"]++
			checkStatefulSet(t, example)
		default:
			kinds["configuration"]++
			if _, err := config.Parse("OPERATING.md", withPassword(t, example), ""); err != nil {
				t.Errorf("%v in\n%s", err, example)
			}
		}
	}
	if kinds["scrape"] != 2 || kinds["pods"] != 1 || kinds["configuration"] != 1 {
		t.Errorf("there are %v examples", kinds)
	}
}

// withPassword puts a password file of this machine in place of the example's.
func withPassword(t *testing.T, example []byte) []byte {
	path := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`/run/secrets/[a-z/]+`).ReplaceAll(example, []byte(path))
}

func checkStatefulSet(t *testing.T, example []byte) {
	t.Helper()
	var f podFile
	if err := yaml.Load(example, &f); err != nil {
		t.Fatalf("%v in\n%s", err, example)
	}
	flags, parser := parserFor(t)
	if _, err := parser.Parse(f.Spec.Template.Spec.Containers[0].Args); err != nil {
		t.Fatalf("the arguments of the StatefulSet: %v", err)
	}
	t.Setenv("POD_NAME", "icws-exporter-2")
	shard, err := flags.Serve.shard()
	if err != nil || shard.Total != f.Spec.Replicas || shard.Ordinal != 2 {
		t.Errorf("the last of %d replicas is shard %v, %v", f.Spec.Replicas, shard, err)
	}
}

func parserFor(t *testing.T) (*grammar, *kong.Kong) {
	t.Helper()
	flags := &grammar{}
	parser, err := kong.New(flags, kong.Vars{"version": "", "scenarios": ""})
	if err != nil {
		t.Fatal(err)
	}
	return flags, parser
}

func TestOperatingNamesWhatExists(t *testing.T) {
	text := operating(t)
	known := map[string]bool{}
	_, parser := parserFor(t)
	for _, command := range parser.Model.Leaves(true) {
		for _, flag := range command.Flags {
			known["--"+flag.Name] = true
		}
	}
	for _, f := range collect.Families() {
		known[f.Name] = true
	}
	names := regexp.MustCompile(`--[a-z]+[a-z.-]*[a-z]|\bicws_[a-z_]+`).FindAllString(text, -1)
	for _, name := range names {
		if !known[name] && !slices.Contains([]string{"icws_exporter"}, name) {
			t.Errorf("there is no %s", name)
		}
	}
	if len(names) < 30 || !strings.Contains(readme(t), "(exporter/OPERATING.md)") {
		t.Errorf("only %d names were found, or the README does not link here", len(names))
	}
}
