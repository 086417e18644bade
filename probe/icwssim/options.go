package icwssim

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Options say what kind of IC server is simulated. The zero value is a
// healthy server with the default catalogue.
type Options struct {
	// Name is the icServer of the connect answer; default "cic-sim".
	Name string
	// User and Password are the accepted log-on; default "demo", "demo". The
	// user is compared without regard to case.
	User, Password string
	// Statuses is the catalogue at the start; nil means DefaultCatalogue().
	Statuses []Status
	// Life is the random life of the catalogue; the zero value is none.
	Life Life
	// Users are the users at the start, and Shifts what they do all day.
	Users  []User
	Shifts Shifts
	// Licences are those of license-allocations.
	Licences []Licence
	// Versions of the features; 0 means the default (messaging 2, connection
	// 11, status 1), negative means that the feature is not listed. Below
	// messaging 2 a stream request is answered as a poll.
	MessagingVersion, ConnectionVersion, StatusVersion int
	// Switchover is the answer of switchover-status; it needs connection 11.
	Switchover Switchover
	// AlternateHosts is the alternateHostList of connect answers, 201 and 503.
	AlternateHosts []string
	// NotAccepting refuses log-ons with 503 and AlternateHosts.
	NotAccepting bool
	// DaysUntilPasswordExpiration is announced on connect unless nil.
	DaysUntilPasswordExpiration *int
	// ClockOffset is how far the server's clock is ahead of ours.
	ClockOffset time.Duration
	// Prefix is the path in front of /icws when a rewriting proxy is simulated
	// (protocol.md, 5.4), such as "/app/api/cic-a": Location and the cookie's
	// path carry it. For a proxy that forgets to rewrite, use http.StripPrefix.
	Prefix string
	// Quirks settle the open points of the protocol.
	Quirks Quirks
	// Script has the server do what another one did; nil: what it is itself.
	Script *Script
}

// Switchover is what switchover-status answers (protocol.md, 1.7). What is not
// set is not sent, but for Active and PrimaryHost.
type Switchover struct {
	Active           bool   `json:"isSwitchoverActive"`
	PrimaryHost      string `json:"primaryHost"` // default: Options.Name
	BackupHost       string `json:"backupHost,omitempty"`
	BackupStopping   bool   `json:"isBackupICStopping,omitempty"`
	BackupStarting   bool   `json:"isBackupICStarting,omitempty"`
	ManualSwitchOnly bool   `json:"isManualSwitchOnly,omitempty"`
	// BackupState: 0 active, 1 upgradeLower, 2 upgradeHigher, 3 upgradeHigherManual;
	// nil: not sent.
	BackupState    *int     `json:"backupState,omitempty"`
	BackupVersion  string   `json:"backupVersion,omitempty"`
	SubsystemsDown []string `json:"subsystemsDown,omitempty"`
}

// withDefaults returns a copy that shares nothing with the caller.
func (o Options) withDefaults() Options {
	o.Name, o.User, o.Password = cmp.Or(o.Name, "cic-sim"), cmp.Or(o.User, "demo"), cmp.Or(o.Password, "demo")
	o.MessagingVersion = cmp.Or(o.MessagingVersion, 2)
	o.ConnectionVersion = cmp.Or(o.ConnectionVersion, 11)
	o.StatusVersion = cmp.Or(o.StatusVersion, 1)
	if o.Statuses == nil {
		o.Statuses = DefaultCatalogue()
	}
	if o.Prefix != "" {
		o.Prefix = "/" + strings.Trim(o.Prefix, "/")
	}
	o.AlternateHosts = slices.Clone(o.AlternateHosts)
	o.Quirks = o.Quirks.checked()
	return o
}

// features maps the ids of the listed features to their versions.
func (o *Options) features() (ids []string, versions map[string]int) {
	versions = map[string]int{
		"connection": o.ConnectionVersion, "messaging": o.MessagingVersion, "status": o.StatusVersion,
	}
	if o.Users != nil || o.Licences != nil {
		versions["configuration"], versions["activations"] = 1, 1
	}
	maps.DeleteFunc(versions, func(_ string, v int) bool { return v < 0 })
	return slices.Sorted(maps.Keys(versions)), versions
}
