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
	operation string
	access    access
	serve     func(*Server, *call) answer
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

// endpoints are the methods of the resources. {sid} and {id} stand for one segment.
var endpoints = map[string]map[string]endpoint{
	"connection":                         {"POST": {OpConnect, open, (*Server).connect}},
	"connection/features":                {"GET": {OpFeatures, open, (*Server).featureList}},
	"connection/features/{id}":           {"GET": {OpFeatures, open, (*Server).featureByID}},
	"connection/version":                 {"GET": {OpVersion, open, (*Server).version}},
	"connection/server-time":             {"GET": {OpServerTime, open, (*Server).serverTime}},
	"connection/server-info":             {"GET": {OpServerInfo, open, (*Server).serverInfo}},
	"{sid}/connection":                   {"GET": {OpConnectionState, open, (*Server).connectionState}, "DELETE": {OpDisconnect, withToken, (*Server).disconnect}},
	"{sid}/connection/switchover-status": {"GET": {OpSwitchoverStatus, withToken, (*Server).switchoverStatus}},
	"{sid}/messaging/messages":           {"GET": {OpPoll, withCookie, (*Server).messages}},
	"{sid}/messaging/heartbeat":          {"POST": {OpHeartbeat, withToken, (*Server).heartbeat}},
	subscriptionsBelow + statusMessages:  {"PUT": {OpSubscribe, withToken, (*Server).subscribe}, "DELETE": {OpUnsubscribe, withToken, (*Server).unsubscribe}},
	"{sid}/status/status-messages":       {"GET": {OpList, withToken, (*Server).list}},

	subscriptionsBelow + userStatuses:                {"PUT": {OpSubscribe, withToken, (*Server).subscribeUsers}, "DELETE": {OpUnsubscribe, withToken, (*Server).unsubscribe}},
	subscriptionsBelow + configurationUsers + "{id}": {"PUT": {OpSubscribe, withToken, (*Server).subscribeConfiguration}, "DELETE": {OpUnsubscribe, withToken, (*Server).unsubscribe}},
	subscriptionsBelow + "directories":               {"PUT": {OpSubscribe, withToken, (*Server).directories}},
	"{sid}/status/user-statuses/{id}":                {"GET": {OpUserStatus, withToken, (*Server).userStatus}},
	"{sid}/configuration/users":                      {"GET": {OpUsers, withToken, (*Server).userList}},
	"{sid}/configuration/workgroups":                 {"GET": {OpWorkgroups, withToken, (*Server).workgroupList}},
	"{sid}/configuration/workgroups/{id}":            {"GET": {OpWorkgroups, withToken, (*Server).workgroup}},
	"{sid}/activations/workgroups":                   {"GET": {OpActivations, withToken, (*Server).activations}},
	"{sid}/activations/workgroups/{id}":              {"GET": {OpActivations, withToken, (*Server).activations}},
	"{sid}/configuration/license-allocations":        {"GET": {OpLicences, withToken, (*Server).licences}},
}

// subscriptionsBelow is what stands before the path of a subscription.
const subscriptionsBelow = "{sid}/messaging/subscriptions/"

// route is a resource, split once.
type route struct {
	segments []string
	methods  map[string]endpoint
}

var routes = func() []route {
	var all []route
	for resource, methods := range endpoints {
		all = append(all, route{strings.Split(resource, "/"), methods})
	}
	return all
}()

// resolve makes the call of a request: its endpoint and the variable segments of
// its path. Unknown resources and methods have endpoints too: they answer 404 and 405.
func resolve(r *http.Request, path string) *call {
	c := &call{request: r, path: path, endpoint: endpoint{OpOther, open, (*Server).notFound}}
	segments := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
	if !strings.EqualFold(segments[0], "icws") { // WWW-Authenticate writes it in capitals
		return c
	}
	for _, route := range routes {
		methods := route.methods
		if !c.matches(route.segments, segments[1:]) {
			continue
		}
		var found bool
		if c.endpoint, found = methods[r.Method]; !found {
			c.endpoint = endpoint{OpOther, open, notAllowed(methods)}
		}
		if c.endpoint.operation == OpPoll && wantsStream(r) {
			c.endpoint.operation = OpStream
		}
		below := strings.Join(segments[1:], "/")
		if rest, found := strings.CutPrefix(below, c.sid+strings.TrimPrefix(subscriptionsBelow, "{sid}")); found {
			c.subscription = rest
		}
		break
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

func notAllowed(methods map[string]endpoint) func(*Server, *call) answer {
	return func(*Server, *call) answer {
		a := icwsError{
			id: "error.request.accessDenied.httpMethodNotAllowed", message: "The resource does not support this method.",
		}.answer(http.StatusMethodNotAllowed)
		a.header.Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		return a
	}
}

var operations = []string{
	OpConnect, OpDisconnect, OpVersion, OpSubscribe, OpUnsubscribe, OpPoll, OpStream, OpList, OpSwitchoverStatus,
	OpUserStatus, OpUsers, OpWorkgroups, OpActivations, OpLicences,
	OpFeatures, OpHeartbeat, OpConnectionState, OpServerTime, OpServerInfo, OpOther,
}
