package probe

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

	NumStates = 9
)

var stateNames = [NumStates]string{
	"connecting", "subscribing", "live", "backoff", "breaker_open", "auth_hold", "unauthorized_hold", "displaced_hold", "gone_hold",
}

// String returns the label value of v.
func (v State) String() string { return stateNames[v] }

// Transport is how messages are fetched (icws_transport).
type Transport uint8

// The values of Transport.
const (
	TransportSSE Transport = iota
	TransportPoll

	NumTransports = 2
)

var transportNames = [NumTransports]string{
	"sse", "poll",
}

// String returns the label value of v.
func (v Transport) String() string { return transportNames[v] }

// BreakerState is the state of the circuit breaker (icws_breaker_state).
type BreakerState uint8

// The values of BreakerState.
const (
	BreakerClosed BreakerState = iota
	BreakerHalfOpen
	BreakerOpen

	NumBreakerStates = 3
)

var breakerStateNames = [NumBreakerStates]string{
	"closed", "half_open", "open",
}

// String returns the label value of v.
func (v BreakerState) String() string { return breakerStateNames[v] }

// SubscriptionState is what the server said of the subscription (icws_subscription_state;
// protocol.md, 1.8).
type SubscriptionState uint8

// The values of SubscriptionState.
const (
	SubscriptionNone SubscriptionState = iota
	SubscriptionNormal
	SubscriptionSuspended
	SubscriptionFaulted

	NumSubscriptionStates = 4
)

var subscriptionStateNames = [NumSubscriptionStates]string{
	"none", "normal", "suspended", "faulted",
}

// String returns the label value of v.
func (v SubscriptionState) String() string { return subscriptionStateNames[v] }

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

	NumOpenFailures = 6
)

var openFailureNames = [NumOpenFailures]string{
	"auth", "unavailable", "gone", "server_error", "network", "protocol",
}

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

	NumCloseReasons = 7
)

var closeReasonNames = [NumCloseReasons]string{
	"unauthorized", "server_closed", "network", "switchover", "replaced", "reload", "shutdown",
}

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
	LossSwitchover
	LossDisplaced
	LossSelfInflicted
	LossTooLarge

	NumLossReasons = 9
)

var lossReasonNames = [NumLossReasons]string{
	"unauthorized", "gone", "faulted", "not_delivering", "stream_lost", "switchover", "displaced", "self_inflicted", "too_large",
}

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

	NumCheckResults = 6
)

var checkResultNames = [NumCheckResults]string{
	"ok", "drift", "timeout", "failed", "skipped", "renewed",
}

// String returns the label value of v.
func (v CheckResult) String() string { return checkResultNames[v] }

// MessageKind is the kind of a message received (icws_messages_total).
type MessageKind uint8

// The values of MessageKind.
const (
	MessageFull MessageKind = iota
	MessageDelta
	MessageOther

	NumMessageKinds = 3
)

var messageKindNames = [NumMessageKinds]string{
	"full", "delta", "other",
}

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

	NumResyncReasons = 9
)

var resyncReasonNames = [NumResyncReasons]string{
	"initial", "check", "stream_reopened", "poll_lost", "decode_failure", "delta_before_full", "faulted", "not_delivering", "session",
}

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

	NumBackupStates = 4
)

var backupStateNames = [NumBackupStates]string{
	"active", "upgrade_lower", "upgrade_higher", "upgrade_higher_manual",
}

// String returns the label value of v.
func (v BackupState) String() string { return backupStateNames[v] }
