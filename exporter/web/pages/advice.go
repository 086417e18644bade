package pages

import (
	"fmt"
	"time"

	"icws_exporter/exporter"
	"icws_exporter/probe"
	"icws_exporter/probe/icws"
)

func operationName(op int) string { return icws.Operation(op).String() }

// adviceFor says what to do about the condition of a server, in the order in which
// to do it; nothing when nothing has to be done.
func adviceFor(server exporter.Server, c condition, now time.Time) advice {
	s := server.Snapshot
	switch {
	case c.severity == hung:
		return advice{[]string{
			"Restart the exporter: this probe has stopped moving, and nothing else helps.",
			"Keep the log from before the restart. A probe must never hang; please report it.",
		}, "ProbeStuck"}
	case s.State == probe.StateLive:
		return liveAdvice(server, now)
	case s.State == probe.StateAuthHold:
		return heldAdvice(server)
	case s.State == probe.StateUnauthorizedHold:
		return advice{[]string{
			"Look at what is between the exporter and the server: the log-on works, and then its own session is answered 401. A proxy or load balancer that drops the cookie, or sends each request to another server, does that.",
			checkStep(server),
			"The exporter tries again by itself at the time above. Each try costs a log-on, so the waits grow.",
		}, "ServerDown"}
	case s.State == probe.StateDisplacedHold:
		return advice{[]string{
			fmt.Sprintf("Find out who else logs on as %s: a second exporter, a person, another program. Each needs a user of its own.", user(server)),
			"If an administrator ended the session, ask why before it comes back.",
			"The exporter tries again by itself at the time above. To try at once, restart it, or change and reload the configuration of this server.",
		}, "Displaced"}
	case s.State == probe.StateGoneHold:
		return advice{[]string{
			"Ask whether the server was upgraded, or ICWS was switched off on it: it answers 410, so what we need is not there any more.",
			"Check that the URL leads to an ICWS of version 2015 R3 or newer.",
			"The exporter looks again by itself at the time above.",
		}, "GoneResponses"}
	case s.State == probe.StateBreakerOpen:
		return advice{[]string{
			"Look at the IC server: is the machine overloaded, and is its Session Manager running? The requests below have its error ids.",
			"Nothing has to be done here. The server failed so often that it is spared until the time above, then one request tries it.",
			checkStep(server),
		}, "BreakerOpen"}
	case deliversNothing(server):
		return notDelivering
	case s.State == probe.StateBackoff, server.Outage().Reason != "":
		return advice{[]string{
			"Start from the reason above; the failed requests below have what each host answered. For a network, DNS or TLS failure, look at the way to the server; for a 5xx, at the server itself.",
			"Nothing has to be done here once the server is back: the exporter tries again by itself.",
			checkStep(server),
		}, "ServerDown"}
	case now.Sub(s.StateSince) > time.Minute:
		return advice{[]string{
			"This takes longer than it should. Look at the requests below: is the server slow, or is there no answer at all?",
			checkStep(server),
		}, "ServerDown"}
	}
	return advice{}
}

var notDelivering = advice{[]string{
	"The server accepted the subscription and delivers nothing. The exporter replaces the session by itself.",
	"If it comes back again and again: does a proxy between the two buffer the event stream? Set transport: poll for this server and reload.",
	"If it is polled already, restart the Session Manager of the IC server: other clients of this server miss their messages as well.",
}, "NotDelivering"}

// deliversNothing reports whether the outage began because nothing was delivered.
func deliversNothing(server exporter.Server) bool {
	if s := server.Snapshot.State; s != probe.StateBackoff && s != probe.StateConnecting && s != probe.StateSubscribing {
		return false
	}
	for _, e := range server.History.Recent().Events {
		if e.Subject == "subscription" {
			return e.Became == "lost" && e.Reason == probe.LossNotDelivering.String()
		}
	}
	return false
}

func user(server exporter.Server) string {
	if server.Config.User == "" {
		return "this user"
	}
	return server.Config.User
}

// checkStep names the command that goes through everything once.
func checkStep(server exporter.Server) string {
	return fmt.Sprintf("To see which step fails, run icws_exporter check --server %s with the same --config.file. It logs on once.", server.Name)
}

// heldAdvice must not have anybody try the password again and again.
func heldAdvice(server exporter.Server) advice {
	steps := []string{
		fmt.Sprintf("Look at the user %s in Interaction Administrator: is it locked, or has its password expired?", user(server)),
	}
	switch c := server.Config; {
	case c.PasswordFile != "":
		steps = append(steps, fmt.Sprintf("Put the right password into %s. The exporter looks every 10 seconds and tries a changed one at once.", c.PasswordFile))
	case c.PasswordEnv != "":
		steps = append(steps, fmt.Sprintf("Set the right password in the environment variable %s and restart the exporter.", c.PasswordEnv))
	default:
		steps = append(steps, "Put the right password where the configuration says it is.")
	}
	steps = append(steps, "Do not try it out in the meantime: every refused log-on counts towards locking the account. That is why the exporter waits.")
	return advice{steps, "AuthenticationHeld"}
}

// liveAdvice is about servers that look well and are not, and about notices.
func liveAdvice(server exporter.Server, now time.Time) advice {
	s := server.Snapshot
	switch {
	case !s.Feeds[probe.StatusMessages].Up:
		return notDelivering
	case !s.Fresh(now):
		return advice{[]string{
			"The numbers were not compared with the server for too long and are withheld. Look at the delivery checks below.",
			"Do not rely on older numbers: changes may be missing from them.",
		}, "CatalogueStale"}
	case driftOf(server, now) > 0:
		return advice{[]string{
			"Messages of the server were lost or never sent; the delivery checks below found and corrected it.",
			"Once can be chance. If it comes back within the hour, look for a proxy that drops parts of the stream, and for restarts of the IC server.",
		}, "CatalogueDrift"}
	case !s.PasswordExpiry.IsZero() && s.PasswordExpiry.Sub(now) < expiresSoon:
		return advice{[]string{
			fmt.Sprintf("Set a new password for %s in Interaction Administrator, and give it to the exporter in the same minute.", user(server)),
		}, "PasswordExpiring"}
	case !s.CertificateNotAfter().IsZero() && s.CertificateNotAfter().Sub(now) < expiresSoon:
		return advice{[]string{"Renew the certificate of the server. When it has expired, nothing can connect any more."}, "CertificateExpiring"}
	}
	for _, h := range s.Hosts {
		if h.Checked && !h.Up && !h.Active {
			return advice{[]string{fmt.Sprintf("Mend %s now: until then there is nothing to switch over to.", h.Name)}, "StandbyDown"}
		}
	}
	return advice{}
}
