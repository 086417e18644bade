package icwssim

const controlManual = `The simulator's control path. JSON in and out; a request that cannot be
understood is answered 400 with {"error": "..."} and changes nothing.

GET    /-/sim/state               what the server holds: counts, sessions, answers given, faults
GET    /-/sim/journal             the last ICWS exchanges, oldest first
GET    /-/sim/faults              the faults that still act
POST   /-/sim/faults              add a fault, answers {"id": n}. Selected by method, path (regular
                                  expression), operation, skip, count; it can have delay ("2s"), code, errorId,
                                  message, alternateHosts, body, contentType, retryAfter, headers, drop,
                                  cut (bytes), stall, swallow ("full", "deltas", "messages", "stream")
DELETE /-/sim/faults              remove all faults
DELETE /-/sim/faults/ID           remove one
POST   /-/sim/step?n=10           random edits, sent as deltas
POST   /-/sim/edit                {"edits": [{"add": STATUS}, {"change": STATUS}, {"remove": "id"}], "silently": false}
POST   /-/sim/full                send the whole catalogue to every subscription
POST   /-/sim/message             any JSON object, sent as a message to every session
POST   /-/sim/sessions/expire     end every session without a word
POST   /-/sim/sessions/end?reconnect=true   end every session with a connectionStateChangeMessage
POST   /-/sim/subscription-state  {"state": 0 none, 1 normal, 2 suspended, 3 faulted}
POST   /-/sim/password            {"password": "..."}
POST   /-/sim/accepting           {"accepting": false} refuses log-ons with 503
POST   /-/sim/switchover          what switchover-status answers
GET    /-/sim/quirks              how the server behaves where the protocol leaves it open
PUT    /-/sim/quirks              change it, as {"second-stream": "refused"}: the quirks that are not named
                                  get their defaults. Answers as GET does. Quirks, first value = default:

no-resend                    false|true: a PUT on an existing subscription sends no full message
stream-does-not-keep-alive   false|true: an open stream alone lets the session expire
replay                       false|true: events carry ids, Last-Event-ID has later ones sent again
second-stream                replaces|refused|shares: what a second stream of a session does to the first
queue-bound                  0|N: messages that a session holds unread, 0 for any number
queue-full                   drop-oldest|drop-newest|end-session: what happens at that bound
heartbeat-code               204|200-299: success code of the heartbeat
delete-missing-code          204|200-599: answer to DELETE without a subscription
full-in-changed              false|true: a full message has its statuses in statusMessagesChanged
empties                      absent|array|null: how an empty list of a message is written
is-delta-last                false|true: isDelta comes after the lists
type-last                    false|true: __type comes last
reverse-status               false|true: the properties of a status come in reverse order
feature-versions-as-strings  false|true: versions of features are quoted
session-in                   body-and-headers|body|headers: where a 201 carries session id and token
plain-cookie                 false|true: the cookie's value has no "|languageId=..."
licence-missing              false|true: log-ons are refused with 400 for want of a licence
reject-include               false|true: a log-on with an include parameter gets 400
announce-state               false|true: PUT and DELETE of the subscription send a subscriptionStateMessage
session-idle                 5m0s|DURATION: a session ends that long after its last call
ping-interval                15s|DURATION: between pings of a stream, 0s for none
max-sessions-per-user        0|N: a log-on beyond it displaces the user's oldest session, 0 for any number
`
