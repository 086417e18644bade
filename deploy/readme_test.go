package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The document names the files, build arguments and defaults that there are.
func TestReadmeIsTrue(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text, dockerfile := read("README.md"), read("../Dockerfile")
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(link[1]); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
	for _, file := range regexp.MustCompile(`(?m)\b(?:-m \d+ |-f |-k )((?:deploy|\.ci)/\S+)|--config (\.ci/[\w.]+)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", file[1]+file[2])); err != nil {
			t.Errorf("a command names a file that is not there: %v", err)
		}
	}
	documented := map[string]bool{"TARGETOS": true, "TARGETARCH": true} // the builder sets them
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_`, ]+`) \\|.*\\| (.*) \\|$").FindAllStringSubmatch(text, -1) {
		names, defaults := strings.Split(strings.ReplaceAll(row[1], "`", ""), ", "), strings.Split(strings.ReplaceAll(row[2], "`", ""), ", ")
		for i, name := range names {
			documented[name] = true
			if strings.HasPrefix(row[2], "`") && !strings.Contains(dockerfile, "ARG "+name+"="+defaults[i]+"\n") {
				t.Errorf("%s has not the default %s", name, defaults[i])
			}
		}
	}
	arguments := regexp.MustCompile(`(?m)^ARG (\w+)`).FindAllStringSubmatch(dockerfile, -1)
	for _, a := range arguments {
		if !documented[a[1]] {
			t.Errorf("the build argument %s is not documented", a[1])
		}
	}
	if len(documented) < 7 || len(arguments) == 0 {
		t.Errorf("the table of the build arguments was not read: %v", documented)
	}
	for _, setting := range []string{"user 65532", "/etc/icws_exporter/icws.yaml"} {
		if !strings.Contains(dockerfile, strings.TrimPrefix(setting, "user ")) || !strings.Contains(text, setting) {
			t.Errorf("the image and the document do not agree on %s", setting)
		}
	}
}

// The commands name what the manifests, the image and the unit have.
func TestCommandsNameWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Namespace, Kind string
		Metadata        struct{ Name, Namespace string }
		StringData      map[string]string `yaml:"stringData"`
	}
	var kustomization, set, secret object
	decode(t, "kubernetes/kustomization.yaml", false, &kustomization)
	decode(t, "kubernetes/statefulset.yaml", false, &set)
	decode(t, "kubernetes/secret.example.yaml", false, &secret)
	unit, err := os.ReadFile("systemd/icws_exporter.service")
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	namespaces := regexp.MustCompile(`kubectl (?:create namespace|--namespace) (\S+)`).FindAllStringSubmatch(string(text), -1)
	for _, n := range namespaces {
		if n[1] != kustomization.Namespace {
			t.Errorf("%s: the namespace is %s", n[0], kustomization.Namespace)
		}
	}
	if len(namespaces) < 4 {
		t.Errorf("only %d commands name the namespace", len(namespaces))
	}
	for key := range secret.StringData {
		want := "create secret generic " + secret.Metadata.Name + " --from-file=" + key + "=pw\n"
		if !strings.Contains(string(text), want) {
			t.Errorf("no command makes the secret: %s", want)
		}
	}
	for _, want := range []string{"rollout status statefulset/" + set.Metadata.Name + "\n", "port-forward pod/" + set.Metadata.Name + "-0 10018\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no command is %q", want)
		}
	}
	for installed, setting := range map[string]string{
		"icws_exporter /usr/local/bin/\n":                 "ExecStart=/usr/local/bin/icws_exporter serve --config.file=/etc/icws_exporter/icws.yaml\n",
		"deploy/systemd/icws.yaml /etc/icws_exporter/\n":  "--config.file=/etc/icws_exporter/icws.yaml\n",
		"install -m 600 pw /etc/icws_exporter/password\n": "LoadCredential=password:/etc/icws_exporter/password\n",
	} {
		if !strings.Contains(string(text), installed) || !strings.Contains(string(unit), setting) {
			t.Errorf("the unit does not find what %q installs", installed)
		}
	}
	if owner := regexp.MustCompile(`install -m 600 -o 65532 -g 65532 pw deploy/icws/password\n`).FindString(string(text)); owner == "" ||
		!strings.Contains(string(image), "USER 65532:65532\n") {
		t.Error("the user of the image cannot read the password")
	}
	mount := regexp.MustCompile(`docker run .* -p 127\.0\.0\.1:10018:10018 -v \S+:(\S+):ro icws_exporter\n`).FindSubmatch(text)
	if mount == nil || !strings.Contains(string(image), `"--config.file=`+string(mount[1])+"/icws.yaml\"]") || !strings.Contains(string(image), "EXPOSE 10018\n") {
		t.Errorf("the image does not read what docker run mounts: %q", mount)
	}
}
