package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"icws_exporter/exporter/cli"
)

// statefulSet is what these tests look at; a module of CI checks the rest.
type statefulSet struct {
	Metadata struct{ Name string }
	Spec     struct {
		Replicas            int
		PodManagementPolicy string `yaml:"podManagementPolicy"`
		Template            struct {
			Spec struct {
				Containers []struct{ Args []string }
			}
		}
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestThereAreAsManyShardsAsReplicas(t *testing.T) {
	var set statefulSet
	read(t, "statefulset.yaml", &set)
	args := set.Spec.Template.Spec.Containers[0].Args
	if want := fmt.Sprintf("--shard.total=%d", set.Spec.Replicas); !slices.Contains(args, want) || set.Spec.Replicas < 2 {
		t.Errorf("%d replicas want %s and not %v", set.Spec.Replicas, want, args)
	}
	if !slices.Contains(args, "--shard.ordinal=auto") || set.Spec.PodManagementPolicy != "Parallel" {
		t.Errorf("the pods do not shard by themselves, or wait for each other: %v", args)
	}
}

// log is what a pod logs, with somebody who reads it.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The arguments, the configuration and the secret of the manifests run: each pod
// watches its shard, and the probes get their answers.
func TestPodsRun(t *testing.T) {
	var set statefulSet
	read(t, "statefulset.yaml", &set)
	args := podArgs(t, set.Spec.Template.Spec.Containers[0].Args)
	for ordinal := range set.Spec.Replicas {
		t.Setenv("POD_NAME", fmt.Sprintf("%s-%d", set.Metadata.Name, ordinal))
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		var log log
		code := make(chan int)
		go func() { code <- cli.Run(ctx, args, &log, &log) }()
		health := address(t, &log, "Health checks")
		for path, want := range map[string]int{"/-/healthy": http.StatusOK, "/metrics": http.StatusNotFound} {
			response, err := http.Get("http://" + health + path)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s answers %s", path, response.Status)
			}
		}
		stop()
		if code := <-code; code != cli.ExitOK {
			t.Errorf("exit code %d", code)
		}
		if want := fmt.Sprintf(`"shards":%d,"shard_ordinal":%d`, set.Spec.Replicas, ordinal); !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, log.String())
		}
	}
}

// podArgs are the arguments with the paths in the pod replaced by files of the same
// content, the addresses by free ones, and the servers by none.
func podArgs(t *testing.T, args []string) []string {
	t.Helper()
	var configuration struct{ Data map[string]string }
	read(t, "configmap.yaml", &configuration)
	var secret struct {
		Data map[string]string `yaml:"stringData"`
	}
	read(t, "secret.example.yaml", &secret)
	dir := t.TempDir()
	text := strings.ReplaceAll(configuration.Data["icws.yaml"], "/run/secrets/icws", dir)
	text = strings.ReplaceAll(text, "# http:", "http:") // with a private authority, too
	text = regexp.MustCompile(`[\w-]+\.example\.com`).ReplaceAllStringFunc(text, func(host string) string {
		return fmt.Sprintf("127.0.0.%d", 2+strings.Index(text, host)%200)
	})
	authority, err := os.ReadFile("../../exporter/config/testdata/ca.pem")
	if err != nil || !strings.Contains(text, "ca_file: ca.pem") {
		t.Fatalf("no private authority: %v", err)
	}
	for name, content := range map[string]string{"icws.yaml": text, "password": secret.Data["password"], "ca.pem": string(authority)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replaced := strings.Join(args, "\n")
	replaced = strings.ReplaceAll(replaced, "/etc/icws_exporter", dir)
	replaced = strings.ReplaceAll(replaced, ":10019", "127.0.0.1:0")
	return append(strings.Split(replaced, "\n"), "--web.listen-address=127.0.0.1:0")
}

func address(t *testing.T, log *log, before string) string {
	t.Helper()
	pattern := regexp.MustCompile(before + `[^\n]*?(127\.0\.0\.1:\d+)`)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if match := pattern.FindStringSubmatch(log.String()); match != nil {
			return match[1]
		}
	}
	t.Fatalf("it does not serve:\n%s", log.String())
	return ""
}
