package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"text/template"

	"icws_exporter/exporter/config"
	"icws_exporter/exporter/web"
)

const demoUser = "svc-prom"

type demoCommand struct {
	ListenAddress string `name:"web.listen-address" help:"Address to serve the pages on. Default ${default}." default:"127.0.0.1:10018" placeholder:"HOST:PORT"`
	Scenario      string `help:"Have things go wrong, over and over, with short intervals: tour for everything in turn, fleet for 13 servers in 13 kinds of trouble, or one of ${scenarios}." placeholder:"NAME"`

	events scenario // instead of the named one, for tests
}

// Run runs the simulated servers and an exporter that watches them until ctx
// ends, and says whether a session was left behind.
func (c *demoCommand) Run(ctx context.Context, s *streams) error {
	if c.Scenario == fleetScenario {
		f, err := startFleet()
		if err != nil {
			return err
		}
		return c.watch(ctx, s, f, true)
	}
	events := c.events
	if c.Scenario != "" {
		var err error
		if events, err = scenarioNamed(c.Scenario); err != nil {
			return usageError{err}
		}
	}
	servers, err := startDemoServers()
	if err != nil {
		return err
	}
	return c.watch(ctx, s, demo{servers, events}, events.incidents != nil)
}

// simulatedServers are what the demo watches, and what happens to them.
type simulatedServers interface {
	// configuration has short intervals, or those of every configuration.
	configuration(short bool) (config.Validated, error)
	// guide says what there is to see, at the URL of the pages.
	guide(out io.Writer, page string)
	// play has things happen until ctx ends.
	play(ctx context.Context, out io.Writer, now *nowPlaying)
	sessions() int
	close()
}

// demo is two servers and what goes wrong with them, if anything.
type demo struct {
	*demoServers
	events scenario
}

func (d demo) guide(out io.Writer, page string) {
	writeDemoGuide(out, page, d.chicago.url, d.lab.url)
}

func (d demo) play(ctx context.Context, out io.Writer, now *nowPlaying) {
	if d.events.incidents != nil {
		d.events.play(ctx, d.demoServers, out, now)
	}
}

// watch has an exporter watch the servers, which it owns, until ctx ends.
func (c *demoCommand) watch(ctx context.Context, s *streams, servers simulatedServers, short bool) error {
	defer servers.close()
	watched, err := servers.configuration(short)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var playing sync.WaitGroup
	var now nowPlaying
	err = serve(ctx, watched, s, servingOptions{
		Listen:          web.ListenOptions{Addresses: []string{c.ListenAddress}},
		ExporterMetrics: true,
		Incident:        now.tell,
		Ready: func(l *web.Listeners) {
			servers.guide(s.out, pageURL(l.Addresses()[0]))
			playing.Go(func() { servers.play(ctx, s.out, &now) })
		},
	})
	stop()
	playing.Wait()
	if err != nil {
		return err
	}
	if left := servers.sessions(); left > 0 {
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

var demoGuide = template.Must(template.New("guide").Parse(`icws_exporter watches two simulated IC servers, chicago (event stream) and lab (polling).

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
