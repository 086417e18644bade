package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"icws_exporter/probe/icwssim"
)

// demoServers are what the demo watches: chicago with its standby, which can
// stream, and lab, which can only be polled.
type demoServers struct {
	simulations
	chicago, standby, lab *simulation
}

// demoUsers is how many users chicago has, so that its page shows people.
const demoUsers = 60

// startDemoServers starts the two servers, to which the events will happen.
func startDemoServers(events scenario) (demo, error) {
	password, err := newDemoPassword()
	if err != nil {
		return demo{}, err
	}
	d := &demoServers{}
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
	standby := chicago
	standby.Name, standby.NotAccepting, standby.Switchover = "cic-chicago-b", true, icwssim.Switchover{}
	lab := icwssim.Options{
		Name: "cic-lab", User: demoUser, Password: password,
		Statuses:         icwssim.Catalogue(40, 2),
		Life:             icwssim.Life{Interval: time.Second, Seed: 2},
		MessagingVersion: 1, // a server of before 2016 R3: it can only be polled
	}
	for _, server := range []struct {
		options icwssim.Options
		as      **simulation
	}{{chicago, &d.chicago}, {standby, &d.standby}, {lab, &d.lab}} {
		if *server.as, err = d.start(server.options, nil); err != nil {
			return demo{simulations: d.simulations}, err
		}
	}
	return demo{
		simulations: d.simulations, short: events.incidents != nil,
		what: "two simulated IC servers: chicago by event stream, lab by polling",
		config: []string{
			fmt.Sprintf(`{name: chicago, site: us, url: "http://{host}", hosts: [%q, %q], users: {all: true}, licences: true}`, d.chicago.host, d.standby.host),
			fmt.Sprintf(`{name: lab, url: "http://%s"}`, d.lab.host),
		},
		guide: d.guide(events),
		play:  func(ctx context.Context, out io.Writer, now *nowPlaying) { events.play(ctx, d, out, now) },
	}, nil
}

// guide says what there is to see and to try.
func (d *demoServers) guide(events scenario) string {
	if events.incidents != nil {
		return fmt.Sprintf("What goes wrong is named below and on the page. The round of %d incidents takes %s, over and over.\n",
			len(events.incidents), events.takes().Round(10*time.Second))
	}
	return fmt.Sprintf(`Break something in another terminal, and look at the page:

  End the sessions of chicago   curl -X POST %[1]s/-/sim/sessions/expire
  Fail five polls of lab        curl -d '{"operation":"poll","code":500,"count":5}' %[2]s/-/sim/faults
  What else can go wrong        curl %[1]s/-/sim/

Or add --scenario tour: a bad day in seven minutes.
`, d.chicago.url, d.lab.url)
}

// setNewPassword does what an operator does when the password has expired.
func (d *demoServers) setNewPassword() {
	password, _ := newDemoPassword() // it was set before: the name is good
	for _, s := range d.simulations {
		s.SetPassword(password)
	}
}
