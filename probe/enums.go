package probe

import "icws_exporter/probe/icws"

// State is what the probe is doing (icws_probe_state). A waiting state stays shown
// during the attempt that may end it.
type State uint8

// The values of State.
const (
	StateConnecting State = iota
	StateSubscribing
	StateLive
	StateBackoff
	StateBreakerOpen
	StateAuthHold
	StateUnauthorizedHold
	StateDisplacedHold
	StateGoneHold
)

var stateNames = [...]string{
	StateConnecting:       "connecting",
	StateSubscribing:      "subscribing",
	StateLive:             "live",
	StateBackoff:          "backoff",
	StateBreakerOpen:      "breaker_open",
	StateAuthHold:         "auth_hold",
	StateUnauthorizedHold: "unauthorized_hold",
	StateDisplacedHold:    "displaced_hold",
	StateGoneHold:         "gone_hold",
}

// NumStates is how many values there are.
const NumStates = len(stateNames)

// String returns the label value of v.
func (v State) String() string { return stateNames[v] }

// Transport is how messages are fetched (icws_transport).
type Transport uint8

// The values of Transport.
const (
	TransportSSE Transport = iota
	TransportPoll
)

var transportNames = [...]string{
	TransportSSE:  "sse",
	TransportPoll: "poll",
}

// NumTransports is how many values there are.
const NumTransports = len(transportNames)

// String returns the label value of v.
func (v Transport) String() string { return transportNames[v] }

// BreakerState is the state of the circuit breaker (icws_breaker_state).
type BreakerState uint8

// The values of BreakerState.
const (
	BreakerClosed BreakerState = iota
	BreakerHalfOpen
	BreakerOpen
)

var breakerStateNames = [...]string{
	BreakerClosed:   "closed",
	BreakerHalfOpen: "half_open",
	BreakerOpen:     "open",
}

// NumBreakerStates is how many values there are.
const NumBreakerStates = len(breakerStateNames)

// String returns the label value of v.
func (v BreakerState) String() string { return breakerStateNames[v] }

// SubscriptionState is what the server said of the subscription (icws_subscription_state).
type SubscriptionState = icws.SubscriptionState

// The values of SubscriptionState.
const (
	SubscriptionNone      = icws.SubscriptionNone
	SubscriptionNormal    = icws.SubscriptionNormal
	SubscriptionSuspended = icws.SubscriptionSuspended
	SubscriptionFaulted   = icws.SubscriptionFaulted
	NumSubscriptionStates = icws.NumSubscriptionStates
)

// OpenFailure is why no session was made (icws_session_open_failures_total).
type OpenFailure uint8

// The values of OpenFailure.
const (
	OpenFailureAuth OpenFailure = iota
	OpenFailureUnavailable
	OpenFailureGone
	OpenFailureServerError
	OpenFailureNetwork
	OpenFailureProtocol
)

var openFailureNames = [...]string{
	OpenFailureAuth:        "auth",
	OpenFailureUnavailable: "unavailable",
	OpenFailureGone:        "gone",
	OpenFailureServerError: "server_error",
	OpenFailureNetwork:     "network",
	OpenFailureProtocol:    "protocol",
}

// NumOpenFailures is how many values there are.
const NumOpenFailures = len(openFailureNames)

// String returns the label value of v.
func (v OpenFailure) String() string { return openFailureNames[v] }

// CloseReason is why a session ended (icws_session_closes_total).
type CloseReason uint8

// The values of CloseReason.
const (
	CloseUnauthorized CloseReason = iota
	CloseServerClosed
	CloseNetwork
	CloseSwitchover
	CloseReplaced
	CloseReload
	CloseShutdown
)

var closeReasonNames = [...]string{
	CloseUnauthorized: "unauthorized",
	CloseServerClosed: "server_closed",
	CloseNetwork:      "network",
	CloseSwitchover:   "switchover",
	CloseReplaced:     "replaced",
	CloseReload:       "reload",
	CloseShutdown:     "shutdown",
}

// NumCloseReasons is how many values there are.
const NumCloseReasons = len(closeReasonNames)

// String returns the label value of v.
func (v CloseReason) String() string { return closeReasonNames[v] }

// LossReason is why a subscription stopped delivering (icws_subscription_losses_total).
type LossReason uint8

// The values of LossReason.
const (
	LossUnauthorized LossReason = iota
	LossGone
	LossFaulted
	LossNotDelivering
	LossStreamLost
	LossServerClosed
	LossSwitchover
	LossDisplaced
	LossSelfInflicted
	LossTooLarge
)

var lossReasonNames = [...]string{
	LossUnauthorized:  "unauthorized",
	LossGone:          "gone",
	LossFaulted:       "faulted",
	LossNotDelivering: "not_delivering",
	LossStreamLost:    "stream_lost",
	LossServerClosed:  "server_closed",
	LossSwitchover:    "switchover",
	LossDisplaced:     "displaced",
	LossSelfInflicted: "self_inflicted",
	LossTooLarge:      "too_large",
}

// NumLossReasons is how many values there are.
const NumLossReasons = len(lossReasonNames)

// String returns the label value of v.
func (v LossReason) String() string { return lossReasonNames[v] }

// CheckResult is the outcome of a delivery check (icws_delivery_checks_total).
type CheckResult uint8

// The values of CheckResult.
const (
	CheckOK CheckResult = iota
	CheckDrift
	CheckTimeout
	CheckFailed
	CheckSkipped
	CheckRenewed // by DELETE and PUT
)

var checkResultNames = [...]string{
	CheckOK:      "ok",
	CheckDrift:   "drift",
	CheckTimeout: "timeout",
	CheckFailed:  "failed",
	CheckSkipped: "skipped",
	CheckRenewed: "renewed",
}

// NumCheckResults is how many values there are.
const NumCheckResults = len(checkResultNames)

// String returns the label value of v.
func (v CheckResult) String() string { return checkResultNames[v] }

// MessageKind is the kind of a message received (icws_messages_total).
type MessageKind uint8

// The values of MessageKind.
const (
	MessageFull MessageKind = iota
	MessageDelta
	MessageOther
)

var messageKindNames = [...]string{
	MessageFull:  "full",
	MessageDelta: "delta",
	MessageOther: "other",
}

// NumMessageKinds is how many values there are.
const NumMessageKinds = len(messageKindNames)

// String returns the label value of v.
func (v MessageKind) String() string { return messageKindNames[v] }

// ResyncReason is why the whole catalogue was asked for (icws_catalogue_resyncs_total).
type ResyncReason uint8

// The values of ResyncReason.
const (
	ResyncInitial ResyncReason = iota
	ResyncCheck
	ResyncStreamReopened
	ResyncPollLost
	ResyncDecodeFailure
	ResyncDeltaBeforeFull
	ResyncFaulted
	ResyncNotDelivering
	ResyncSession
)

var resyncReasonNames = [...]string{
	ResyncInitial:         "initial",
	ResyncCheck:           "check",
	ResyncStreamReopened:  "stream_reopened",
	ResyncPollLost:        "poll_lost",
	ResyncDecodeFailure:   "decode_failure",
	ResyncDeltaBeforeFull: "delta_before_full",
	ResyncFaulted:         "faulted",
	ResyncNotDelivering:   "not_delivering",
	ResyncSession:         "session",
}

// NumResyncReasons is how many values there are.
const NumResyncReasons = len(resyncReasonNames)

// String returns the label value of v.
func (v ResyncReason) String() string { return resyncReasonNames[v] }

// BackupState is the state of the backup server of a switchover pair
// (icws_switchover_backup_state; protocol.md, 1.7). Its numbers are the wire's.
type BackupState uint8

// The values of BackupState.
const (
	BackupActive BackupState = iota
	BackupUpgradeLower
	BackupUpgradeHigher
	BackupUpgradeHigherManual
)

var backupStateNames = [...]string{
	BackupActive:              "active",
	BackupUpgradeLower:        "upgrade_lower",
	BackupUpgradeHigher:       "upgrade_higher",
	BackupUpgradeHigherManual: "upgrade_higher_manual",
}

// NumBackupStates is how many values there are.
const NumBackupStates = len(backupStateNames)

// String returns the label value of v.
func (v BackupState) String() string { return backupStateNames[v] }
