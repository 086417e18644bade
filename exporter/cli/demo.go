package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"text/template"

	"icws_exporter/exporter/web"
)

const demoUser = "svc-prom"

type demoCommand struct {
	ListenAddress string `name:"web.listen-address" help:"Address to serve the pages on. Default ${default}." default:"127.0.0.1:10018" placeholder:"HOST:PORT"`
	Scenario      string `help:"Have things go wrong, over and over, with short intervals: tour for everything in turn, or one of ${scenarios}." placeholder:"NAME"`

	events scenario // instead of the named one, for tests
}

// Run runs the simulated servers and an exporter that watches them until ctx
// ends, and says whether a session was left behind.
func (c *demoCommand) Run(ctx context.Context, s *streams) error {
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
	defer servers.close()
	watched, err := servers.configuration(events.incidents != nil)
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
			writeDemoGuide(s.out, pageURL(l.Addresses()[0]), servers.chicago.url, servers.lab.url)
			if events.incidents != nil {
				playing.Go(func() { events.play(ctx, servers, s.out, &now) })
			}
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
