package probe

import (
	"net/http"
	"strings"

	"icws_exporter/probe/icws"
)

// ownPhrases are the words of ours that the reason of a state consists of. Some have
// one of them as their password: such a reason is shown nevertheless.
var ownPhrases = func() []string {
	all := []string{
		"log-on failed: ", moreTries, notSentAgain, nextWaits, breakerPrefix,
		"renewing the subscription: ", "subscribing to the status messages: ", "reading the status list: ", "polling for messages: ",
		"opening the event stream: ", "asking for the switchover status: ", "the event stream ended: ",
		"a new session was refused as well; does a proxy strip the cookie? ", "this server version no longer has what we need: ",
		"; it does that again and again and does not say why: probably another log-on of the same user",
		"; it asks us not to reconnect: another log-on of the same user, or an administrator",
		"; redirects are not followed", " other hosts to connect to", ", to the host ",
		"the session before could not be ended, and no second one is made: ", "the log-on of ", " is not answered yet; it is awaited, and no second one is sent",
		errTooLarge.Error(), errSessionEnded.Error(), errFaulted.Error(), errNotDelivering.Error(), errOverdue.Error(),
		silentFor, stalledAfter,
		"no complete answer in time", "the answer is larger than the limit", "the answer names no session id or no token", "no valid JSON after byte ",
		// Those of the network, as Go has them.
		"connect: connection refused", "connection reset by peer", "context deadline exceeded", "no such host", "no route to host", "network is unreachable", "i/o timeout",
		"tls: failed to verify certificate: x509: ", "certificate signed by unknown authority", "server misbehaving", "dial tcp ", "read tcp ", "lookup ",
	}
	for op := range icws.NumOperations {
		name := icws.Operation(op).String()
		all = append(all, name+": the server answered ")
		for reason := range icws.NumFailureReasons {
			all = append(all, name+" failed ("+icws.FailureReason(reason).String()+"): ")
		}
	}
	for code := range 600 {
		if text := http.StatusText(code); text != "" {
			all = append(all, " ("+text+")")
		}
	}
	for state := range NumStates {
		if name := State(state).String(); strings.Contains(name, "_") {
			all = append(all, name)
		}
	}
	return all
}()
