package kubernetes

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const folder = "../../../deploy/kubernetes"

// kinds are what a manifest may be, and the type that the API server knows it as.
var kinds = map[string]func() meta.Object{
	"v1/Namespace":                            func() meta.Object { return &core.Namespace{} },
	"v1/ServiceAccount":                       func() meta.Object { return &core.ServiceAccount{} },
	"v1/ConfigMap":                            func() meta.Object { return &core.ConfigMap{} },
	"v1/Secret":                               func() meta.Object { return &core.Secret{} },
	"v1/Service":                              func() meta.Object { return &core.Service{} },
	"apps/v1/StatefulSet":                     func() meta.Object { return &apps.StatefulSet{} },
	"networking.k8s.io/v1/NetworkPolicy":      func() meta.Object { return &networking.NetworkPolicy{} },
	"policy/v1/PodDisruptionBudget":           func() meta.Object { return &policy.PodDisruptionBudget{} },
	"monitoring.coreos.com/v1/ServiceMonitor": func() meta.Object { return &monitoring.ServiceMonitor{} },
	"monitoring.coreos.com/v1/PrometheusRule": func() meta.Object { return &monitoring.PrometheusRule{} },
}

// decode wants every document to be one of the kinds and to have no field that its
// type does not know, nor one twice.
func decode(t *testing.T, name string, text []byte) (objects []meta.Object) {
	t.Helper()
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var about meta.TypeMeta
		if err := yaml.Unmarshal(document, &about); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		make, known := kinds[about.APIVersion+"/"+about.Kind]
		if !known {
			t.Fatalf("%s: no kind %s of %s", name, about.Kind, about.APIVersion)
		}
		object := make()
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		objects = append(objects, object)
	}
	return objects
}

// files are the manifests by their path; a kustomization is no object of the API.
func files(t *testing.T) map[string]meta.Object {
	t.Helper()
	found := map[string]meta.Object{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" || entry.Name() == "kustomization.yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		objects := decode(t, path, text)
		if len(objects) != 1 {
			t.Errorf("%s has %d objects", path, len(objects))
		}
		name, err := filepath.Rel(folder, path)
		found[filepath.ToSlash(name)] = objects[0]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// one returns the object of a type among those.
func one[T meta.Object](t *testing.T, objects []meta.Object) T {
	t.Helper()
	var found []T
	for _, o := range objects {
		if typed, ok := o.(T); ok {
			found = append(found, typed)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects are %s", len(found), reflect.TypeFor[T]())
	}
	return found[0]
}

// built is what kubectl apply -k sends.
func built(t *testing.T) []meta.Object {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	text, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, "the built kustomization", text)
}

func TestKustomizationHasEveryManifestButTheExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(folder, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var k kustomize.Kustomization
	if err := yaml.UnmarshalStrict(text, &k); err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, r := range k.Resources {
		listed[r] = true
	}
	for name := range files(t) {
		if example := strings.Contains(name, "example"); listed[name] == example {
			t.Errorf("%s in the kustomization: %t", name, listed[name])
		}
	}
	for _, o := range built(t) {
		if _, is := o.(*core.Namespace); !is && o.GetNamespace() != k.Namespace {
			t.Errorf("%s is in the namespace %q", o.GetName(), o.GetNamespace())
		}
	}
	if image := one[*apps.StatefulSet](t, built(t)).Spec.Template.Spec.Containers[0].Image; image != k.Images[0].NewName+":"+k.Images[0].NewTag || k.Images[0].NewTag == "" {
		t.Errorf("the image is %s", image)
	}
	secret := files(t)["secret.example.yaml"]
	if secret.GetNamespace() != k.Namespace {
		t.Errorf("the example is a secret of the namespace %q", secret.GetNamespace())
	}
}

// Each dashboard is in one ConfigMap, as it stands in dashboards, which Grafana's
// sidecar finds by its label.
func TestEveryDashboardIsAConfigMap(t *testing.T) {
	files, err := filepath.Glob("../../../dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	found := map[string]string{}
	for _, o := range built(t) {
		if m, is := o.(*core.ConfigMap); is && m.Labels["grafana_dashboard"] == "1" {
			for name, text := range m.Data {
				found[name] = text
			}
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found[filepath.Base(file)] != string(text) {
			t.Errorf("%s is in no ConfigMap as it is", file)
		}
	}
	if len(found) != len(files) {
		t.Errorf("%d dashboards in ConfigMaps, %d files", len(found), len(files))
	}
}
