package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

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

// startFleet starts a simulated server for each of fleetTroubles, in two sites.
func startFleet() (demo, error) {
	password, err := newDemoPassword()
	if err != nil {
		return demo{}, err
	}
	untrusted, err := icwssim.Certificate("", "")
	if err != nil {
		return demo{}, err
	}
	d := demo{what: fmt.Sprintf("%d simulated IC servers, each in a trouble of its own", len(fleetTroubles)), short: true}
	var guide strings.Builder
	for i, t := range fleetTroubles {
		certificate := map[bool]*tls.Config{true: untrusted}[t.secure]
		s, err := d.start(icwssim.Options{
			Name: t.name, User: demoUser, Password: password, Statuses: icwssim.Catalogue(30+i, 1),
			Life: icwssim.Life{Interval: 2 * time.Second, Seed: uint64(i)},
		}, certificate)
		if err != nil {
			return d, err
		}
		if t.fault != nil {
			s.Inject(*t.fault)
		}
		d.config = append(d.config, fmt.Sprintf("{name: %s, site: %s, url: %q%s}", t.name, []string{"us", "eu"}[i%2], cmp.Or(t.url, s.url), t.more))
		fmt.Fprintf(&guide, "  %-18s%s\n", t.name, t.what)
	}
	d.guide, d.play = guide.String(), d.trouble
	return d, nil
}

// trouble has the troubles happen that do not last until ctx ends.
func (all simulations) trouble(ctx context.Context, _ io.Writer, _ *nowPlaying) {
	var playing sync.WaitGroup
	defer playing.Wait()
	for i, t := range fleetTroubles {
		if t.again == nil {
			continue
		}
		playing.Go(func() {
			for pause(ctx, t.every) {
				t.again(all[i])
			}
		})
	}
}
