package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"text/template"
	"time"

	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
	"icws_exporter/probe/icwssim"
)

const demoUser = "svc-prom"

type demoCommand struct {
	ListenAddress string `name:"web.listen-address" help:"Address to serve the pages on. Default ${default}." default:"127.0.0.1:10018" placeholder:"HOST:PORT"`
}

// Run runs two simulated servers and an exporter that watches them until ctx
// ends, and says whether a session was left behind.
func (c *demoCommand) Run(ctx context.Context, s *streams) error {
	password := rand.Text()
	chicago, err := startSimulation("127.0.0.1:0", icwssim.New(icwssim.Options{
		Name: "chicago", User: demoUser, Password: password,
		Life: icwssim.Life{Interval: time.Second, Seed: 1},
	}), nil)
	if err != nil {
		return err
	}
	defer chicago.close()
	lab, err := startSimulation("127.0.0.1:0", icwssim.New(icwssim.Options{
		Name: "lab", User: demoUser, Password: password,
		Statuses:         icwssim.Catalogue(40, 2),
		Life:             icwssim.Life{Interval: time.Second, Seed: 2},
		MessagingVersion: 1, // a server of before 2016 R3: it can only be polled
	}), nil)
	if err != nil {
		return err
	}
	defer lab.close()

	watched, err := demoConfiguration(chicago.url, lab.url, password)
	if err != nil {
		return err
	}
	err = serve(ctx, watched, s, servingOptions{
		Listen:          web.ListenOptions{Addresses: []string{c.ListenAddress}},
		ExporterMetrics: true,
		Ready: func(l *web.Listeners) {
			writeDemoGuide(s.out, pageURL(l.Addresses()[0]), chicago.url, lab.url)
		},
	})
	if err != nil {
		return err
	}
	if left := len(chicago.Sessions()) + len(lab.Sessions()); left > 0 {
		fmt.Fprintf(s.out, "The demo has ended. Sessions left on the simulated servers: %d. Did a fault refuse the leaving?\n", left)
		return nil
	}
	fmt.Fprintln(s.out, "The demo has ended. No session is left on the simulated servers.")
	return nil
}

// demoPasswordVariable holds the password of the simulated servers: made up at
// every start, known to this process only.
const demoPasswordVariable = "ICWS_DEMO_PASSWORD"

// demoConfiguration watches the two servers as --server would.
func demoConfiguration(chicago, lab, password string) (config.Validated, error) {
	if err := os.Setenv(demoPasswordVariable, password); err != nil {
		return config.Validated{}, fmt.Errorf("set the password of the demo: %w", err)
	}
	return config.FromFlags(config.Flags{
		Servers: []string{"chicago=" + chicago, "lab=" + lab}, User: demoUser, PasswordEnv: demoPasswordVariable,
	})
}

// pageURL is what to open in a browser on this machine.
func pageURL(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d/", tcp.Port)
	}
	return "http://" + a.String() + "/"
}

var demoGuide = template.Must(template.New("guide").Parse(`icws_exporter watches two simulated ICWS servers, chicago (event stream) and lab (polling).

  Open      {{.Page}}
  Metrics   {{.Page}}metrics

To try, in another terminal:

  See the statuses change       curl -s {{.Page}}metrics | grep icws_catalogue_changes_total
  End all sessions of chicago   curl -X POST {{.Chicago}}/-/sim/sessions/expire
  Have five polls of lab fail   curl -d '{"operation":"poll","code":500,"count":5}' {{.Lab}}/-/sim/faults
  What else can go wrong        curl {{.Chicago}}/-/sim/

Ctrl-C ends the demo.

`))

func writeDemoGuide(w io.Writer, page, chicago, lab string) {
	_ = demoGuide.Execute(w, struct{ Page, Chicago, Lab string }{page, chicago, lab})
}
