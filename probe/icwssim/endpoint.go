package icwssim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// access is what a request must prove (protocol.md, 1.3).
type access uint8

const (
	open       access = iota // nothing
	withCookie               // the session's cookie
	withToken                // cookie and CSRF token
)

// endpoint is one method of one resource. serve runs with Server.mu held and
// must not do I/O.
type endpoint struct {
	method, resource string // below /icws/; {sid} and {id} stand for one segment
	operation        string
	access           access
	serve            func(*Server, *call) answer
}

// Names of the operations, as the metrics name them; the last six are for
// other clients than the exporter.
const (
	OpConnect          = "connect"
	OpDisconnect       = "disconnect"
	OpVersion          = "version"
	OpSubscribe        = "subscribe"
	OpUnsubscribe      = "unsubscribe"
	OpPoll             = "poll"
	OpStream           = "stream"
	OpList             = "list"
	OpSwitchoverStatus = "switchover_status"

	OpUserStatus  = "user_status"
	OpUsers       = "users"
	OpWorkgroups  = "workgroups"
	OpActivations = "activations"
	OpLicences    = "licences"

	OpFeatures        = "features"
	OpHeartbeat       = "heartbeat"
	OpConnectionState = "connection_state"
	OpServerTime      = "server_time"
	OpServerInfo      = "server_info"
	OpOther           = "other"
)

// endpoints are all that is served.
var endpoints = []endpoint{
	{"POST", "connection", OpConnect, open, (*Server).connect},
	{"GET", "connection/features", OpFeatures, open, (*Server).featureList},
	{"GET", "connection/features/{id}", OpFeatures, open, (*Server).featureByID},
	{"GET", "connection/version", OpVersion, open, (*Server).version},
	{"GET", "connection/server-time", OpServerTime, open, (*Server).serverTime},
	{"GET", "connection/server-info", OpServerInfo, open, (*Server).serverInfo},
	{"GET", "{sid}/connection", OpConnectionState, open, (*Server).connectionState},
	{"DELETE", "{sid}/connection", OpDisconnect, withToken, (*Server).disconnect},
	{"GET", "{sid}/connection/switchover-status", OpSwitchoverStatus, withToken, (*Server).switchoverStatus},
	{"GET", "{sid}/messaging/messages", OpPoll, withCookie, (*Server).messages},
	{"POST", "{sid}/messaging/heartbeat", OpHeartbeat, withToken, (*Server).heartbeat},
	{"PUT", subscriptionsBelow + statusMessages, OpSubscribe, withToken, (*Server).subscribe},
	{"DELETE", subscriptionsBelow + statusMessages, OpUnsubscribe, withToken, (*Server).unsubscribe},
	{"GET", "{sid}/status/status-messages", OpList, withToken, (*Server).list},
	{"PUT", subscriptionsBelow + userStatuses, OpSubscribe, withToken, (*Server).subscribeUsers},
	{"DELETE", subscriptionsBelow + userStatuses, OpUnsubscribe, withToken, (*Server).unsubscribe},
	{"PUT", subscriptionsBelow + configurationUsers + "{id}", OpSubscribe, withToken, (*Server).subscribeConfiguration},
	{"DELETE", subscriptionsBelow + configurationUsers + "{id}", OpUnsubscribe, withToken, (*Server).unsubscribe},
	{"PUT", subscriptionsBelow + "directories", OpSubscribe, withToken, (*Server).directories},
	{"GET", "{sid}/status/user-statuses/{id}", OpUserStatus, withToken, (*Server).userStatus},
	{"GET", "{sid}/configuration/users", OpUsers, withToken, (*Server).userList},
	{"GET", "{sid}/configuration/workgroups", OpWorkgroups, withToken, (*Server).workgroupList},
	{"GET", "{sid}/configuration/workgroups/{id}", OpWorkgroups, withToken, (*Server).workgroup},
	{"GET", "{sid}/activations/workgroups", OpActivations, withToken, (*Server).activations},
	{"GET", "{sid}/activations/workgroups/{id}", OpActivations, withToken, (*Server).activations},
	{"GET", "{sid}/configuration/license-allocations", OpLicences, withToken, (*Server).licences},
}

// subscriptionsBelow is what stands before the path of a subscription.
const subscriptionsBelow = "{sid}/messaging/subscriptions/"

// resources are those of endpoints, split once.
var resources = func() (all [][]string) {
	for _, e := range endpoints {
		all = append(all, strings.Split(e.resource, "/"))
	}
	return all
}()

// resolve makes the call of a request: its endpoint and the variable segments of
// its path. Unknown resources and methods have endpoints too: they answer 404 and 405.
func resolve(r *http.Request, path string) *call {
	c := &call{request: r, path: path, endpoint: endpoint{"", "", OpOther, open, (*Server).notFound}}
	segments := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
	if !strings.EqualFold(segments[0], "icws") { // WWW-Authenticate writes it in capitals
		return c
	}
	var methods []string
	for i, e := range endpoints {
		if !c.matches(resources[i], segments[1:]) {
			continue
		}
		methods = append(methods, e.method)
		if e.method == r.Method {
			c.endpoint = e
		}
	}
	switch {
	case methods != nil && c.endpoint.method == "":
		c.endpoint.serve = notAllowed(methods)
	case c.endpoint.operation == OpPoll && wantsStream(r):
		c.endpoint.operation = OpStream
	}
	below := strings.Join(segments[1:], "/")
	if rest, found := strings.CutPrefix(below, c.sid+strings.TrimPrefix(subscriptionsBelow, "{sid}")); found {
		c.subscription = rest
	}
	return c
}

// matches holds the segments of a path against those of a resource, and notes the
// variable ones.
func (c *call) matches(resource, segments []string) bool {
	if len(segments) > 0 && segments[0] != "connection" {
		c.sid = segments[0] // also of what is not found
	}
	if len(resource) != len(segments) || (resource[0] == "{sid}") != (c.sid != "") {
		return false
	}
	for i, segment := range resource {
		switch {
		case segment == "{id}":
			c.id = segments[i]
		case segment != "{sid}" && segment != segments[i]:
			return false
		}
	}
	return true
}

func wantsStream(r *http.Request) bool {
	return strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Accept"), ",")), "text/event-stream")
}

func (s *Server) notFound(*call) answer {
	return icwsError{id: idUnsupported, message: "The simulator has no such resource."}.answer(http.StatusNotFound)
}

func notAllowed(methods []string) func(*Server, *call) answer {
	return func(*Server, *call) answer {
		a := icwsError{
			id: "error.request.accessDenied.httpMethodNotAllowed", message: "The resource does not support this method.",
		}.answer(http.StatusMethodNotAllowed)
		a.header.Set("Allow", strings.Join(methods, ", "))
		return a
	}
}

// operations are the names of all operations.
var operations = func() []string {
	names := map[string]bool{OpStream: true, OpOther: true}
	for _, e := range endpoints {
		names[e.operation] = true
	}
	return slices.Sorted(maps.Keys(names))
}()
