package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"text/template"
	"time"

	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

// demoServers are what the demo watches: chicago with its standby, which can
// stream, and lab, which can only be polled.
type demoServers struct {
	chicago, standby, lab *simulation
}

func startDemoServers() (*demoServers, error) {
	password := rand.Text()
	if err := os.Setenv(demoPasswordVariable, password); err != nil {
		return nil, fmt.Errorf("set the password of the demo: %w", err)
	}
	d := &demoServers{}
	var errs [3]error
	chicago := icwssim.Options{
		Name: "cic-chicago-a", User: demoUser, Password: password,
		Life:       icwssim.Life{Interval: time.Second, Seed: 1},
		Switchover: icwssim.Switchover{BackupHost: "cic-chicago-b", BackupState: new(0)},
		Users:      icwssim.InventUsers(demoUsers, 1), Shifts: icwssim.Shifts{Interval: 2 * time.Second, Seed: 1},
		Licences: []icwssim.Licence{
			{ID: "I3_ACCESS_ACD_MEDIA_1", Allowed: 60, InUse: 46}, {ID: "I3_ACCESS_CLIENT", Allowed: 100, InUse: 61},
			{ID: "I3_ACCESS_RECORDER", Allowed: 25, InUse: 4}, {ID: "I3_ACCESS_SUPERVISOR", Allowed: 10, InUse: 3},
		},
	}
	d.chicago, errs[0] = startSimulation("127.0.0.1:0", icwssim.New(chicago), nil)
	chicago.Name, chicago.NotAccepting, chicago.Switchover = "cic-chicago-b", true, icwssim.Switchover{}
	d.standby, errs[1] = startSimulation("127.0.0.1:0", icwssim.New(chicago), nil)
	d.lab, errs[2] = startSimulation("127.0.0.1:0", icwssim.New(icwssim.Options{
		Name: "cic-lab", User: demoUser, Password: password,
		Statuses:         icwssim.Catalogue(40, 2),
		Life:             icwssim.Life{Interval: time.Second, Seed: 2},
		MessagingVersion: 1, // a server of before 2016 R3: it can only be polled
	}), nil)
	if err := errors.Join(errs[:]...); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// all are the simulated servers that run.
func (d *demoServers) all() []*simulation {
	var running []*simulation
	for _, s := range []*simulation{d.chicago, d.standby, d.lab} {
		if s != nil {
			running = append(running, s)
		}
	}
	return running
}

func (d *demoServers) close() {
	for _, s := range d.all() {
		s.close()
	}
}

func (d *demoServers) sessions() int {
	n := 0
	for _, s := range d.all() {
		n += len(s.Sessions())
	}
	return n
}

// demoUsers is how many users chicago has, so that its page shows people.
const demoUsers = 60

// demoPasswordVariable holds the password of the simulated servers: made up at
// every start, known to this process only.
const demoPasswordVariable = "ICWS_DEMO_PASSWORD"

// setNewPassword does what an operator does when the password has expired.
func (d *demoServers) setNewPassword() {
	password := rand.Text()
	for _, s := range d.all() {
		s.SetPassword(password)
	}
	_ = os.Setenv(demoPasswordVariable, password) // it was set before: the name is good
}

// demoConfiguration has the intervals of every configuration, or else the
// shortest sensible ones, so that a day of incidents passes in minutes.
var demoConfiguration = template.Must(template.New("demo").Parse(`
defaults:
  user: {{.User}}
  password_env: {{.PasswordEnv}}
{{- if .Short}}
  poll_interval: 1s
  check_interval: 10s
  resubscribe_interval: 1m
  delivery_timeout: 3s
  request_timeout: 3s
  backoff: {min: 1s, max: 5s}
  breaker: {failures: 5, open_for: 5s}
{{- end}}
servers:
{{- range .Fleet}}
  - {{.}}
{{- else}}
  - {name: chicago, site: us, url: "http://{host}", hosts: ["{{.Chicago}}", "{{.Standby}}"], users: {all: true}, licences: true}
  - {name: lab, url: "http://{{.Lab}}"}
{{- end}}
`))

func (d *demoServers) configuration(short bool) (config.Validated, error) {
	var text strings.Builder
	err := demoConfiguration.Execute(&text, map[string]any{
		"User": demoUser, "PasswordEnv": demoPasswordVariable, "Short": short,
		"Chicago": hostOf(d.chicago.url), "Standby": hostOf(d.standby.url), "Lab": hostOf(d.lab.url),
	})
	if err != nil {
		return config.Validated{}, fmt.Errorf("the configuration of the demo: %w", err)
	}
	return config.Parse("demo", []byte(text.String()), "")
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
