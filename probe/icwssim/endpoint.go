package icwssim

import (
	"net/http"
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

	OpFeatures        = "features"
	OpHeartbeat       = "heartbeat"
	OpConnectionState = "connection_state"
	OpServerTime      = "server_time"
	OpServerInfo      = "server_info"
	OpOther           = "other"
)

// endpoints by resource and method. {sid} and {id} stand for one segment.
var endpoints = map[string]map[string]endpoint{
	"connection":               {http.MethodPost: {OpConnect, open, (*Server).connect}},
	"connection/features":      {http.MethodGet: {OpFeatures, open, (*Server).featureList}},
	"connection/features/{id}": {http.MethodGet: {OpFeatures, open, (*Server).featureByID}},
	"connection/version":       {http.MethodGet: {OpVersion, open, (*Server).version}},
	"connection/server-time":   {http.MethodGet: {OpServerTime, open, (*Server).serverTime}},
	"connection/server-info":   {http.MethodGet: {OpServerInfo, open, (*Server).serverInfo}},
	"{sid}/connection": {
		http.MethodGet:    {OpConnectionState, open, (*Server).connectionState},
		http.MethodDelete: {OpDisconnect, withToken, (*Server).disconnect},
	},
	"{sid}/connection/switchover-status": {http.MethodGet: {OpSwitchoverStatus, withToken, (*Server).switchoverStatus}},
	"{sid}/messaging/messages":           {http.MethodGet: {OpPoll, withCookie, (*Server).messages}},
	"{sid}/messaging/heartbeat":          {http.MethodPost: {OpHeartbeat, withToken, (*Server).heartbeat}},
	"{sid}/messaging/subscriptions/status/status-messages": {
		http.MethodPut:    {OpSubscribe, withToken, (*Server).subscribe},
		http.MethodDelete: {OpUnsubscribe, withToken, (*Server).unsubscribe},
	},
	"{sid}/status/status-messages": {http.MethodGet: {OpList, withToken, (*Server).list}},
}

// resolve finds the endpoint of a request and the variable segments of its path.
// Unknown resources and methods have endpoints too: they answer 404 and 405.
func resolve(r *http.Request, path string) (e endpoint, sid, id string) {
	notFound := endpoint{OpOther, open, (*Server).notFound}
	root, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !strings.EqualFold(root, "icws") { // WWW-Authenticate writes it in capitals
		return notFound, "", ""
	}
	resource := strings.TrimSuffix(rest, "/")
	if after, found := strings.CutPrefix(resource, "connection/features/"); found {
		resource, id = "connection/features/{id}", after
	} else if first, after, _ := strings.Cut(resource, "/"); first != "connection" {
		resource, sid = "{sid}/"+after, first
	}
	methods, found := endpoints[resource]
	if !found {
		return notFound, sid, id
	}
	if e, found = methods[r.Method]; !found {
		return endpoint{OpOther, open, (*Server).methodNotAllowed}, sid, id
	}
	if e.operation == OpPoll && wantsStream(r) {
		e.operation = OpStream
	}
	return e, sid, id
}

func wantsStream(r *http.Request) bool {
	return strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Accept"), ",")), "text/event-stream")
}

func (s *Server) notFound(*call) answer {
	return icwsError{id: idUnsupported, message: "The simulator has no such resource."}.answer(http.StatusNotFound)
}

func (s *Server) methodNotAllowed(*call) answer {
	return icwsError{
		id: "error.request.accessDenied.httpMethodNotAllowed", message: "The resource does not support this method.",
	}.answer(http.StatusMethodNotAllowed)
}

var operations = []string{
	OpConnect, OpDisconnect, OpVersion, OpSubscribe, OpUnsubscribe, OpPoll, OpStream, OpList, OpSwitchoverStatus,
	OpFeatures, OpHeartbeat, OpConnectionState, OpServerTime, OpServerInfo, OpOther,
}
