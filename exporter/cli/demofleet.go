package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

// fleetScenario is the name of the scenario with a server for every kind of trouble,
// as a screen of Grafana shows them side by side.
const fleetScenario = "fleet"

// trouble is what is wrong with a server of the fleet all the time.
type trouble struct {
	name, what string
	// url is what the server is looked for at, instead of the simulated one.
	url    string
	secure bool   // serves HTTPS with a certificate that nobody trusts
	more   string // keys of its configuration
	fault  *icwssim.Fault
	// again is called every so often.
	again func(*simulation)
	every time.Duration
}

var fleetTroubles = []trouble{
	{name: "closed-port", what: "nothing listens on the port", url: "http://127.0.0.1:9"},
	{name: "no-such-name", what: "the name of the host does not exist", url: "http://pureconnect.invalid"},
	{name: "untrusted", what: "nobody trusts its certificate", secure: true},
	{name: "wrong-password", what: "the password is refused", more: ", user: somebody"},
	{
		name: "sessions-refused", what: "every session is answered 401 at once",
		fault: &icwssim.Fault{Operation: icwssim.OpSubscribe, Code: http.StatusUnauthorized},
	},
	{
		name: "displaced", what: "an administrator ends the session and asks not to come back",
		again: func(s *simulation) { s.EndSessions(false) }, every: 5 * time.Second,
	},
	{
		name: "too-new", what: "its version has removed the subscription",
		fault: &icwssim.Fault{Operation: icwssim.OpSubscribe, Code: http.StatusGone},
	},
	{name: "failing", what: "everything is answered with 500", fault: &icwssim.Fault{Code: http.StatusInternalServerError}},
	{name: "silent", what: "it accepts the subscription and delivers nothing", fault: &icwssim.Fault{Swallow: icwssim.SwallowMessages}},
	{
		name: "slow", what: "its messages come after three seconds", more: ", delivery_timeout: 9s",
		fault: &icwssim.Fault{Late: icwssim.SwallowMessages, Delay: 3 * time.Second},
	},
	{
		name: "forgetful", what: "it forgets the session again and again",
		again: expireSettled, every: 10 * time.Second,
	},
	{name: "loses-changes", what: "it announces no change", fault: &icwssim.Fault{Swallow: icwssim.SwallowDeltas}},
	{
		name: "partly-gone", what: "its version has removed the switchover status",
		fault: &icwssim.Fault{Operation: icwssim.OpSwitchoverStatus, Code: http.StatusGone},
	},
}

// fleet are the simulated servers of fleetTroubles, in their order.
type fleet struct{ running []*simulation }

func startFleet() (*fleet, error) {
	password := rand.Text()
	if err := os.Setenv(demoPasswordVariable, password); err != nil {
		return nil, fmt.Errorf("set the password of the demo: %w", err)
	}
	f := &fleet{}
	for i, t := range fleetTroubles {
		sim := icwssim.New(icwssim.Options{
			Name: t.name, User: demoUser, Password: password, Statuses: icwssim.Catalogue(30+i, 1),
			Life: icwssim.Life{Interval: 2 * time.Second, Seed: uint64(i)},
		})
		s, err := t.serve(sim)
		if err != nil {
			f.close()
			return nil, err
		}
		f.running = append(f.running, s)
		if t.fault != nil {
			s.Inject(*t.fault)
		}
	}
	return f, nil
}

// serve serves the simulated server, which it owns from then on.
func (t trouble) serve(sim *icwssim.Server) (*simulation, error) {
	if !t.secure {
		return startSimulation("127.0.0.1:0", sim, nil)
	}
	untrusted, err := makeCertificate("", os.DevNull)
	if err != nil {
		sim.Close()
		return nil, err
	}
	return startSimulation("127.0.0.1:0", sim, untrusted)
}

func (f *fleet) configuration(bool) (config.Validated, error) {
	var text strings.Builder
	err := demoConfiguration.Execute(&text, map[string]any{
		"User": demoUser, "PasswordEnv": demoPasswordVariable, "Short": true,
		"Fleet": f.servers(),
	})
	if err != nil {
		return config.Validated{}, fmt.Errorf("the configuration of the fleet: %w", err)
	}
	return config.Parse("fleet", []byte(text.String()), "")
}

// servers are the entries of the configuration, in two sites.
func (f *fleet) servers() []string {
	var entries []string
	for i, t := range fleetTroubles {
		url := t.url
		if url == "" {
			url = f.running[i].url
		}
		entries = append(entries, fmt.Sprintf("{name: %s, site: %s, url: %q%s}", t.name, []string{"us", "eu"}[i%2], url, t.more))
	}
	return entries
}

func (f *fleet) guide(out io.Writer, page string) {
	fmt.Fprintf(out, "icws_exporter watches %d simulated IC servers, each in a trouble of its own:\n\n  Open      %s\n  Metrics   %smetrics\n\n",
		len(fleetTroubles), page, page)
	for _, t := range fleetTroubles {
		fmt.Fprintf(out, "  %-18s%s\n", t.name, t.what)
	}
	fmt.Fprint(out, "\nCtrl-C ends the demo.\n\n")
}

func (f *fleet) play(ctx context.Context, _ io.Writer, _ *nowPlaying) {
	var playing sync.WaitGroup
	defer playing.Wait()
	for i, t := range fleetTroubles {
		if t.again == nil {
			continue
		}
		playing.Go(func() {
			for pause(ctx, t.every) {
				t.again(f.running[i])
			}
		})
	}
}

func (f *fleet) sessions() int {
	n := 0
	for _, s := range f.running {
		n += len(s.Sessions())
	}
	return n
}

func (f *fleet) close() {
	for _, s := range f.running {
		s.close()
	}
}
