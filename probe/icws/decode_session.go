package icws

import (
	"errors"
	"net/http"
	"strings"

	"icws_exporter/probe/secret"
)

var errNoSession = errors.New("the answer names no session id or no token")

// session reads the answer to a log-on (protocol.md, 1.2). Id and token are in
// the body and in the headers; the body counts.
func (d *document) session(h http.Header) *Session {
	s := &Session{cookie: secret.New(cookieOf(h.Values("Set-Cookie")))}
	if !d.empty() {
		d.connection(s)
	}
	if s.id == "" {
		s.id = h.Get("ININ-ICWS-Session-ID")
	}
	if s.token.IsZero() {
		s.token = secret.New(h.Get("ININ-ICWS-CSRF-Token"))
	}
	if !s.usable() {
		d.fail(errNoSession)
	}
	return s
}

// usable reports whether requests can be made in the session.
func (s *Session) usable() bool {
	return usableInPath(s.id) && !s.token.IsZero() && usableInHeader(s.token.Reveal()) && usableInHeader(s.cookie.Reveal())
}

func (d *document) connection(s *Session) {
	d.object(map[string]func(){
		"sessionId":         func() { s.id = d.text() },
		"csrfToken":         func() { s.token = secret.New(d.text()) },
		"icServer":          func() { s.icServer = d.text() },
		"alternateHostList": func() { s.alternateHosts = d.texts() },
		"daysUntilPasswordExpiration": func() {
			if !d.null() {
				days := d.integer()
				s.passwordDays = &days
			}
		},
		"features": func() { s.features = d.features() },
		"version": func() {
			if !d.null() {
				s.version = d.version()
			}
		},
	})
}

// usableInPath refuses what a URL would resolve instead of sending.
func usableInPath(id string) bool { return id != "" && id != "." && id != ".." }

// usableInHeader refuses what would end a header line.
func usableInHeader(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (d *document) features() map[string]int {
	features := make(map[string]int)
	for range d.elements {
		if d.null() {
			continue
		}
		var id string
		var version int
		d.object(map[string]func(){
			"featureId": func() { id = d.text() },
			"version":   func() { version = d.integer() },
		})
		features[id] = version
	}
	return features
}

// version reads a versionInfo (protocol.md, 6).
func (d *document) version() Version {
	var v Version
	d.object(map[string]func(){
		"majorVersion":                func() { v.MajorVersion = d.text() },
		"minorVersion":                func() { v.MinorVersion = d.text() },
		"su":                          func() { v.SU = d.text() },
		"build":                       func() { v.Build = d.text() },
		"productId":                   func() { v.ProductID = d.text() },
		"productReleaseDisplayString": func() { v.ProductRelease = d.text() },
		"productPatchDisplayString":   func() { v.ProductPatch = d.text() },
	})
	return v
}

var errNoSwitchover = errors.New("the answer does not say whether a switchover is active")

// switchoverStatus reads a switchover-status (protocol.md, 1.7).
func (d *document) switchoverStatus() SwitchoverStatus {
	s := SwitchoverStatus{BackupState: -1}
	said := false
	d.object(map[string]func(){
		"isSwitchoverActive": func() { s.Active, said = d.boolean(), true },
		"primaryHost":        func() { s.PrimaryHost = d.text() },
		"backupHost":         func() { s.BackupHost = d.text() },
		"backupState": func() {
			if !d.null() {
				s.BackupState = d.integer()
			}
		},
		"subsystemsDown": func() { s.SubsystemsDown = d.texts() },
	})
	if !said {
		d.fail(errNoSwitchover)
	}
	if s.BackupHost == "" {
		s.BackupState = -1 // servers without a backup say 0, which is active
	}
	return s
}

// Version is what the server says it is (protocol.md, 6). A Version that was not
// asked for or not answered is zero.
type Version struct {
	MajorVersion, MinorVersion, SU, Build string
	ProductID                             string
	// ProductRelease and ProductPatch are the display strings, such as "2018 R4".
	ProductRelease, ProductPatch string
}

// Release returns the release as people know it, such as "2018 R4 Patch 5", or
// the four numbers when the server has no display string, or "".
func (v Version) Release() string {
	if v.ProductRelease != "" {
		return strings.TrimSpace(v.ProductRelease + " " + v.ProductPatch)
	}
	var numbers []string
	for _, n := range []string{v.MajorVersion, v.MinorVersion, v.SU, v.Build} {
		if n != "" {
			numbers = append(numbers, n)
		}
	}
	return strings.Join(numbers, ".")
}

// SwitchoverStatus is the state of the switchover pair that the server belongs to
// (protocol.md, 1.7; feature connection 11).
type SwitchoverStatus struct {
	// Active says that a switchover is under way.
	Active                  bool
	PrimaryHost, BackupHost string
	// BackupState is 0 active, 1 upgradeLower, 2 upgradeHigher,
	// 3 upgradeHigherManual, or another number of a newer server; -1 when the
	// server did not say, or names no backup.
	BackupState    int
	SubsystemsDown []string
}
