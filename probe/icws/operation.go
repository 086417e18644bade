package icws

import "net/http"

// Operation is one kind of request (label operation= of the metrics).
type Operation uint8

// The operations.
const (
	OpConnect Operation = iota
	OpDisconnect
	OpVersion
	OpSubscribe
	OpUnsubscribe
	OpPoll
	OpStream
	OpList
	OpSwitchoverStatus
	// OpSubscribeOptional and OpUnsubscribeOptional are about what a server could do without,
	// such as UserStatuses. What it answers to them says nothing of the status messages.
	OpSubscribeOptional
	OpUnsubscribeOptional
	// OpUserStatus reads the status of one user.
	OpUserStatus
	// OpConfiguration reads a list of the configuration: users, workgroups, licences.
	OpConfiguration
)

var operationNames = [...]string{
	OpConnect:             "connect",
	OpDisconnect:          "disconnect",
	OpVersion:             "version",
	OpSubscribe:           "subscribe",
	OpUnsubscribe:         "unsubscribe",
	OpPoll:                "poll",
	OpStream:              "stream",
	OpList:                "list",
	OpSwitchoverStatus:    "switchover_status",
	OpSubscribeOptional:   "subscribe_optional",
	OpUnsubscribeOptional: "unsubscribe_optional",
	OpUserStatus:          "user_status",
	OpConfiguration:       "configuration",
}

// NumOperations is how many operations there are.
const NumOperations = len(operationNames)

// String returns the label value of the operation.
func (op Operation) String() string { return operationNames[op] }

// subscriptionsPath is where the resource of every subscription begins.
const subscriptionsPath = "messaging/subscriptions/"

// resources says how each operation is asked for. The path is below /icws for
// OpConnect and OpVersion, below /icws/{sessionId} for all others; that of an
// operation on a subscription is the Subscription's.
var resources = [NumOperations]struct{ method, path string }{
	OpConnect:             {http.MethodPost, "connection"},
	OpDisconnect:          {http.MethodDelete, "connection"},
	OpVersion:             {http.MethodGet, "connection/version"},
	OpSubscribe:           {http.MethodPut, ""},
	OpUnsubscribe:         {http.MethodDelete, ""},
	OpPoll:                {http.MethodGet, "messaging/messages"},
	OpStream:              {http.MethodGet, "messaging/messages"},
	OpList:                {http.MethodGet, ""},
	OpSwitchoverStatus:    {http.MethodGet, "connection/switchover-status"},
	OpSubscribeOptional:   {http.MethodPut, ""},
	OpUnsubscribeOptional: {http.MethodDelete, ""},
	OpUserStatus:          {http.MethodGet, "status/user-statuses"},
	OpConfiguration:       {http.MethodGet, "configuration"},
}
