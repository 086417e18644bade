package dashboards

import (
	"bytes"
	"encoding/json"
	"testing"

	"go.yaml.in/yaml/v4"
)

// What kubectl apply notes of an object in an annotation of it has a limit, which
// is lower than that of a ConfigMap.
const maxAnnotation = 256 << 10

func TestConfigMapHoldsTheDashboardAsItIs(t *testing.T) {
	for _, d := range All() {
		manifest := d.ConfigMap(d.JSON)
		var m struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string
			Metadata   struct {
				Name                string
				Labels, Annotations map[string]string
			}
			Data map[string]string
		}
		decoder := yaml.NewDecoder(bytes.NewReader(manifest))
		decoder.KnownFields(true)
		if err := decoder.Decode(&m); err != nil {
			t.Fatal(err)
		}
		if m.Kind != "ConfigMap" || m.Metadata.Labels["grafana_dashboard"] != "1" || len(m.Data) != 1 {
			t.Errorf("%s: %s %v with %d files", d.Name, m.Kind, m.Metadata, len(m.Data))
		}
		if m.Data[d.Name+".json"] != string(d.JSON) {
			t.Errorf("%s: the ConfigMap holds something else than the dashboard", d.Name)
		}
		noted, err := json.Marshal(m)
		if err != nil || len(noted) > maxAnnotation {
			t.Errorf("%s: %d bytes are too many for kubectl apply (%v)", d.Name, len(noted), err)
		}
	}
}
