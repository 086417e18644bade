package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"icws_exporter/exporter/capture"
	"icws_exporter/exporter/config"
	"icws_exporter/probe/icwssim"
)

// maxSimulatedStatuses is ten times what the largest known servers have.
const maxSimulatedStatuses = 100_000

// maxSimulatedUsers is four times what the largest known servers have.
const maxSimulatedUsers = 20_000

type simulateCommand struct {
	ListenAddress   string        `help:"Address to serve on. Default ${default}." default:"127.0.0.1:8018" placeholder:"HOST:PORT"`
	Name            string        `help:"Name of the simulated IC server. Default ${default}." default:"cic-sim" placeholder:"NAME"`
	User            string        `help:"User who may log on. Default ${default}." default:"demo" placeholder:"USER"`
	PasswordFile    string        `help:"File with the user's password; without it, the environment variable ICWS_PASSWORD, else the password is demo." placeholder:"FILE"`
	Statuses        int           `help:"Status messages at the start. Default ${default}." default:"24" placeholder:"N"`
	Life            time.Duration `help:"Mean time between two random changes; 0 for none. Default ${default}." default:"1s" placeholder:"DURATION"`
	Seed            uint64        `help:"Seed of the catalogue and its random life. Default ${default}." default:"1" placeholder:"N"`
	Users           int           `help:"Users at the start, who log on, take calls and have breaks at the pace of --life. Default ${default}." default:"0" placeholder:"N"`
	PollOnly        bool          `help:"Be an old server that has no event stream." xor:"poll"`
	Fault           []string      `help:"Fault to begin with, as JSON like {\"operation\":\"poll\",\"code\":503,\"count\":3}; may be repeated. GET /-/sim/ on the simulator lists the fields." placeholder:"JSON" sep:"none" xor:"fault"`
	Quirk           []string      `help:"What the server does where the protocol leaves it open, as NAME or NAME=VALUE like second-stream=refused; may be repeated. GET /-/sim/ on the simulator lists them." placeholder:"NAME[=VALUE]" sep:"none" xor:"quirk"`
	Replay          string        `help:"Play the capture in this directory, which check --record wrote. Any user and password log on." placeholder:"DIR" xor:"fault,quirk,poll"`
	CertificateFile string        `help:"Serve HTTPS with a certificate made at start, and write it to this file, to be named as ca_file." placeholder:"FILE"`
}

// Run simulates one server, or plays a capture, until ctx ends.
func (c *simulateCommand) Run(ctx context.Context, s *streams) error {
	options, faults, err := c.options()
	if err != nil {
		return usageError{err}
	}
	about, user := fmt.Sprintf("Simulating the IC server %s with %d status messages.", c.Name, c.Statuses), c.User
	if c.Replay != "" {
		recorded, err := capture.OpenCapture(c.Replay)
		if err != nil {
			return usageError{fmt.Errorf("--replay: %w", err)}
		}
		options = recorded.Simulation()
		about, user = fmt.Sprintf("Replaying a capture with %d messages.", recorded.Messages()), "any, with any password"
	}
	tlsConfig, err := c.tls()
	if err != nil {
		return usageError{err}
	}
	sim := icwssim.New(options)
	for _, f := range faults {
		sim.Inject(f)
	}
	running, err := openSocket(c.ListenAddress, sim, tlsConfig)
	if err != nil {
		return err
	}
	defer running.close()
	fmt.Fprintf(s.out, "%s\n\n  URL      %[2]s\n  User     %[3]s\n  Control  %[2]s/-/sim/\n\nCtrl-C ends it.\n", about, running.url, user)
	select {
	case err := <-running.failed:
		return err
	case <-ctx.Done():
		fmt.Fprintf(s.out, "The simulation has ended. Sessions left on it: %d.\n", len(sim.Sessions()))
		return nil
	}
}

// tls is nil without --certificate-file.
func (c *simulateCommand) tls() (*tls.Config, error) {
	if c.CertificateFile == "" {
		return nil, nil
	}
	config, err := icwssim.Certificate(c.ListenAddress, c.CertificateFile)
	if err != nil {
		return nil, fmt.Errorf("--certificate-file: %w", err)
	}
	return config, nil
}

// options checks the flags.
func (c *simulateCommand) options() (icwssim.Options, []icwssim.Fault, error) {
	o := icwssim.Options{Name: c.Name, User: c.User, Life: icwssim.Life{Interval: c.Life, Seed: c.Seed}}
	if c.Statuses < 0 || c.Statuses > maxSimulatedStatuses {
		return o, nil, fmt.Errorf("--statuses: %d is not between 0 and %d", c.Statuses, maxSimulatedStatuses)
	}
	if c.Life < 0 {
		return o, nil, fmt.Errorf("--life: %s is negative; 0 means none", c.Life)
	}
	if c.Users < 0 || c.Users > maxSimulatedUsers {
		return o, nil, fmt.Errorf("--users: %d is not between 0 and %d", c.Users, maxSimulatedUsers)
	}
	if c.Users > 0 {
		o.Users = icwssim.InventUsers(c.Users, c.Seed)
		o.Shifts = icwssim.Shifts{Interval: c.Life, Seed: c.Seed}
	}
	o.Statuses = icwssim.Catalogue(c.Statuses, c.Seed)
	if c.PollOnly {
		o.MessagingVersion = 1
	}
	for _, quirk := range c.Quirk {
		if err := o.Quirks.Set(quirk); err != nil {
			return o, nil, fmt.Errorf("--quirk %w", err)
		}
	}
	var err error
	if o.Password, err = c.password(); err != nil {
		return o, nil, err
	}
	faults, err := parseFaults(c.Fault)
	return o, faults, err
}

func (c *simulateCommand) password() (string, error) {
	if c.PasswordFile == "" {
		return os.Getenv(passwordVariable), nil // empty: the simulator's own default
	}
	password, err := config.Server{PasswordFile: c.PasswordFile}.Password()
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	return password.Reveal(), nil
}

func parseFaults(texts []string) ([]icwssim.Fault, error) {
	faults := make([]icwssim.Fault, len(texts))
	for i, text := range texts {
		var err error
		if faults[i], err = icwssim.ReadFault(strings.NewReader(text)); err != nil {
			return nil, fmt.Errorf("--fault %s: %w", text, err)
		}
	}
	return faults, nil
}
