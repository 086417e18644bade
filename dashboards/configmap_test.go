package dashboards

import (
	"encoding/json"
	"testing"
)

// What kubectl apply notes of an object in an annotation of it has a limit, which
// is lower than that of a ConfigMap.
const maxAnnotation = 256 << 10

func TestDashboardsFitIntoConfigMaps(t *testing.T) {
	for _, d := range All() {
		noted, err := json.Marshal(string(d.JSON))
		if err != nil || len(noted) > maxAnnotation-1<<10 {
			t.Errorf("%s: %d bytes are too many for kubectl apply (%v)", d.Name, len(noted), err)
		}
	}
}
