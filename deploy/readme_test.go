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
