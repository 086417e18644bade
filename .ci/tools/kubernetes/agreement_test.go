package kubernetes

import (
	"path"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	kubepolicy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// The namespace demands what Kubernetes calls restricted, and the pods are that.
func TestPodIsRestricted(t *testing.T) {
	objects := built(t)
	if level := one[*core.Namespace](t, objects).Labels[api.EnforceLevelLabel]; level != string(api.LevelRestricted) {
		t.Errorf("the namespace enforces %q", level)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	refusals := func(pod *core.PodTemplateSpec) (reasons []string) {
		for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				reasons = append(reasons, result.ForbiddenReason+": "+result.ForbiddenDetail)
			}
		}
		return reasons
	}
	pod := one[*apps.StatefulSet](t, objects).Spec.Template
	if reasons := refusals(&pod); len(reasons) > 0 {
		t.Errorf("not restricted: %s", strings.Join(reasons, "; "))
	}
	container := pod.Spec.Containers[0].SecurityContext
	if !*container.ReadOnlyRootFilesystem || *pod.Spec.AutomountServiceAccountToken {
		t.Error("the pod can write its files, or has a token")
	}
	*container.AllowPrivilegeEscalation = true
	if len(refusals(&pod)) != 1 {
		t.Error("the check of what is restricted finds nothing")
	}
}

// Everything that selects the pods does so, by labels and names of ports that are
// there.
func TestSelectorsFindThePods(t *testing.T) {
	objects := built(t)
	set, service := one[*apps.StatefulSet](t, objects), one[*core.Service](t, objects)
	monitor, network := one[*monitoring.ServiceMonitor](t, objects), one[*networking.NetworkPolicy](t, objects)
	pod := labels.Set(set.Spec.Template.Labels)
	selects := func(what string, selector *meta.LabelSelector, found labels.Set) {
		t.Helper()
		s, err := meta.LabelSelectorAsSelector(selector)
		if err != nil || s.Empty() || !s.Matches(found) {
			t.Errorf("%s does not select %v: %v %v", what, found, selector, err)
		}
	}
	selects("the StatefulSet", set.Spec.Selector, pod)
	selects("the spread", set.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector, pod)
	selects("the Service", &meta.LabelSelector{MatchLabels: service.Spec.Selector}, pod)
	selects("the NetworkPolicy", &network.Spec.PodSelector, pod)
	selects("the PodDisruptionBudget", one[*kubepolicy.PodDisruptionBudget](t, objects).Spec.Selector, pod)
	selects("the ServiceMonitor", &monitor.Spec.Selector, service.Labels)
	if set.Spec.ServiceName != service.Name || service.Spec.ClusterIP != core.ClusterIPNone || !service.Spec.PublishNotReadyAddresses {
		t.Errorf("the Service %s is not the headless one of the StatefulSet", service.Name)
	}
	if set.Spec.Template.Spec.ServiceAccountName != one[*core.ServiceAccount](t, objects).Name {
		t.Error("there is no such service account")
	}
	if job := service.Labels[monitor.Spec.JobLabel]; !strings.HasPrefix(job, "icws") {
		t.Errorf("the job is %q, which the rules do not look at", job)
	}
	ports := namedPorts(set.Spec.Template.Spec.Containers[0])
	named := []string{service.Spec.Ports[0].TargetPort.StrVal}
	for _, rule := range network.Spec.Ingress {
		for _, p := range rule.Ports {
			named = append(named, p.Port.StrVal)
		}
	}
	for _, p := range named {
		if ports[p] == 0 {
			t.Errorf("no container has a port %q", p)
		}
	}
	if monitor.Spec.Endpoints[0].Port != service.Spec.Ports[0].Name {
		t.Errorf("the ServiceMonitor scrapes the port %q", monitor.Spec.Endpoints[0].Port)
	}
}

func namedPorts(c core.Container) map[string]int32 {
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	return ports
}

// The volumes are there, and the configuration finds its password in one of them.
func TestFilesAreMounted(t *testing.T) {
	objects := built(t)
	set, configuration := one[*apps.StatefulSet](t, objects), exporterConfiguration(t, objects)
	secret := files(t)["secret.example.yaml"].(*core.Secret)
	container := set.Spec.Template.Spec.Containers[0]
	mounted := map[string]string{} // the path of each file, with the object that it comes from
	for _, v := range set.Spec.Template.Spec.Volumes {
		for _, m := range container.VolumeMounts {
			switch {
			case m.Name != v.Name:
			case v.Projected != nil:
				for _, source := range v.Projected.Sources {
					switch optional := source.ConfigMap.Optional; {
					case source.ConfigMap.Name == configuration.Name:
						for file := range configuration.Data {
							mounted[path.Join(m.MountPath, file)] = configuration.Name
						}
					case optional == nil || !*optional:
						t.Errorf("the pod waits for %s", source.ConfigMap.Name)
					default:
						mounted[path.Join(m.MountPath, "ca.pem")] = source.ConfigMap.Name
					}
				}
			case v.Secret != nil && v.Secret.SecretName == secret.Name:
				if *v.Secret.DefaultMode != 0o440 || *set.Spec.Template.Spec.SecurityContext.FSGroup != *set.Spec.Template.Spec.SecurityContext.RunAsGroup {
					t.Errorf("the password has the mode %o", *v.Secret.DefaultMode)
				}
				for file := range secret.StringData {
					mounted[path.Join(m.MountPath, file)] = secret.Name
				}
			}
		}
	}
	var content struct {
		Defaults struct {
			PasswordFile string `json:"password_file"`
		}
	}
	if err := yaml.Unmarshal([]byte(configuration.Data["icws.yaml"]), &content); err != nil {
		t.Fatal(err)
	}
	if authority := mounted[path.Join(path.Dir(configurationFile(t, container)), "ca.pem")]; authority == "" ||
		!strings.Contains(configuration.Data["icws.yaml"], "# If a private authority issued its certificate, make the ConfigMap "+authority) {
		t.Errorf("a private authority is in no volume: %v", mounted)
	}
	if mounted[content.Defaults.PasswordFile] == "" {
		t.Errorf("%s is in no volume: %v", content.Defaults.PasswordFile, mounted)
	}
	if mounted[configurationFile(t, container)] == "" {
		t.Errorf("the configuration of %v is in no volume: %v", container.Args, mounted)
	}
}

func configurationFile(t *testing.T, container core.Container) string {
	t.Helper()
	for _, a := range container.Args {
		if file, is := strings.CutPrefix(a, "--config.file="); is {
			return file
		}
	}
	t.Fatalf("no configuration is among %v", container.Args)
	return ""
}

func exporterConfiguration(t *testing.T, objects []meta.Object) *core.ConfigMap {
	t.Helper()
	for _, o := range objects {
		if m, is := o.(*core.ConfigMap); is && m.Data["icws.yaml"] != "" {
			return m
		}
	}
	t.Fatal("no ConfigMap has icws.yaml")
	return nil
}

// The probes ask the listener that wants no password, at its port.
func TestProbesAskTheHealthListener(t *testing.T) {
	container := one[*apps.StatefulSet](t, built(t)).Spec.Template.Spec.Containers[0]
	for want, probe := range map[string]*core.Probe{"/-/healthy": container.LivenessProbe, "/-/ready": container.ReadinessProbe} {
		if probe.HTTPGet.Path != want || probe.HTTPGet.Port != intstr.FromString("health") {
			t.Errorf("%s: %v", want, probe.HTTPGet)
		}
	}
	if port := namedPorts(container)["health"]; port != 10019 || !slices.Contains(container.Args, "--web.health-listen-address=:10019") {
		t.Errorf("the port health is %d, the arguments are %v", port, container.Args)
	}
	if port := namedPorts(container)["metrics"]; port != 10018 {
		t.Errorf("the port metrics is %d and not the default of serve", port)
	}
}
