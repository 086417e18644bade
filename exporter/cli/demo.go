package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"icws_exporter/exporter/collect"
	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
)

type demoCommand struct {
	ListenAddress string `name:"web.listen-address" help:"Address to serve the pages on. Default ${default}." default:"127.0.0.1:10018" placeholder:"HOST:PORT"`
	Scenario      string `help:"Have things go wrong, over and over, with short intervals: tour for everything in turn, fleet for 13 servers in 13 kinds of trouble, or one of ${scenarios}." placeholder:"NAME"`

	events scenario // instead of the named one, for tests
}

// demo is what the exporter watches, and what happens to it.
type demo struct {
	simulations
	what   string   // is watched
	short  bool     // intervals
	config []string // the entries of the servers
	guide  string   // what there is to see and to try
	// play has things happen until ctx ends.
	play func(ctx context.Context, out io.Writer, now *nowPlaying)
}

const demoUser = "svc-prom"

// demoPasswordVariable holds the password of the simulated servers: made up at
// every start, known to this process only.
const demoPasswordVariable = "ICWS_DEMO_PASSWORD"

func newDemoPassword() (string, error) {
	password := rand.Text()
	if err := os.Setenv(demoPasswordVariable, password); err != nil {
		return "", fmt.Errorf("set the password of the demo: %w", err)
	}
	return password, nil
}

// start starts what is watched. The demo is to be closed, also after an error.
func (c *demoCommand) start() (demo, error) {
	if c.Scenario == fleetScenario {
		return startFleet()
	}
	if c.Scenario == "" {
		return startDemoServers(c.events)
	}
	events, err := scenarioNamed(c.Scenario)
	if err != nil {
		return demo{}, usageError{err}
	}
	return startDemoServers(events)
}

// Run runs the simulated servers and an exporter that watches them until ctx
// ends, and says whether a session was left behind.
func (c *demoCommand) Run(ctx context.Context, s *streams) error {
	d, err := c.start()
	defer d.close()
	if err != nil {
		return err
	}
	watched, err := d.configuration()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var playing sync.WaitGroup
	var now nowPlaying
	err = serve(ctx, watched, s, servingOptions{
		Listen:  web.ListenOptions{Addresses: []string{c.ListenAddress}},
		Metrics: collect.Options{ExporterMetrics: true},
		Pages:   web.Options{Incident: now.tell},
		Ready: func(l *web.Listeners) {
			fmt.Fprintf(s.out, "icws_exporter watches %s.\n\n  Open      %[2]s\n  Metrics   %[2]smetrics\n\n%[3]s\nCtrl-C ends the demo.\n\n",
				d.what, pageURL(l.Addresses()[0]), d.guide)
			playing.Go(func() { d.play(ctx, s.out, &now) })
		},
	})
	stop()
	playing.Wait()
	if err != nil {
		return err
	}
	if left := d.sessions(); left > 0 {
		fmt.Fprintf(s.out, "The demo has ended. Sessions left on the simulated servers: %d. Did a fault refuse the leaving?\n", left)
		return nil
	}
	fmt.Fprintln(s.out, "The demo has ended. No session is left on the simulated servers.")
	return nil
}

// pageURL is what to open in a browser on this machine.
func pageURL(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d/", tcp.Port)
	}
	return "http://" + a.String() + "/"
}

// shortIntervals are the shortest sensible ones, so that a day of incidents passes in
// minutes.
const shortIntervals = `
  poll_interval: 1s
  check_interval: 10s
  resubscribe_interval: 1m
  delivery_timeout: 3s
  request_timeout: 3s
  backoff: {min: 1s, max: 5s}
  breaker: {failures: 5, open_for: 5s}`

func (d demo) configuration() (config.Validated, error) {
	text := "defaults:\n  user: " + demoUser + "\n  password_env: " + demoPasswordVariable
	if d.short {
		text += shortIntervals
	}
	text += "\nservers:\n  - " + strings.Join(d.config, "\n  - ") + "\n"
	return config.Parse("demo", []byte(text), "")
}
