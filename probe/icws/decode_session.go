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
	for name := range d.members {
		switch string(name) {
		case "sessionId":
			s.id = d.text()
		case "csrfToken":
			s.token = secret.New(d.text())
		case "icServer":
			s.icServer = d.text()
		case "alternateHostList":
			s.alternateHosts = d.texts()
		case "daysUntilPasswordExpiration":
			if !d.null() {
				days := d.integer()
				s.passwordDays = &days
			}
		case "features":
			s.features = d.features()
		case "version":
			if !d.null() {
				s.version = d.version()
			}
		default:
			d.skip()
		}
	}
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
		for name := range d.members {
			switch string(name) {
			case "featureId":
				id = d.text()
			case "version":
				version = d.integer()
			default:
				d.skip()
			}
		}
		features[id] = version
	}
	return features
}

// version reads a versionInfo (protocol.md, 6).
func (d *document) version() Version {
	var v Version
	for name := range d.members {
		switch string(name) {
		case "majorVersion":
			v.MajorVersion = d.text()
		case "minorVersion":
			v.MinorVersion = d.text()
		case "su":
			v.SU = d.text()
		case "build":
			v.Build = d.text()
		case "productId":
			v.ProductID = d.text()
		case "productReleaseDisplayString":
			v.ProductRelease = d.text()
		case "productPatchDisplayString":
			v.ProductPatch = d.text()
		default:
			d.skip()
		}
	}
	return v
}

var errNoSwitchover = errors.New("the answer does not say whether a switchover is active")

// switchoverStatus reads a switchover-status (protocol.md, 1.7).
func (d *document) switchoverStatus() SwitchoverStatus {
	s := SwitchoverStatus{BackupState: -1}
	said := false
	for name := range d.members {
		switch string(name) {
		case "isSwitchoverActive":
			s.Active, said = d.boolean(), true
		case "primaryHost":
			s.PrimaryHost = d.text()
		case "backupHost":
			s.BackupHost = d.text()
		case "backupState":
			if !d.null() {
				s.BackupState = d.integer()
			}
		case "subsystemsDown":
			s.SubsystemsDown = d.texts()
		default:
			d.skip()
		}
	}
	if !said {
		d.fail(errNoSwitchover)
	}
	if s.BackupHost == "" {
		s.BackupState = -1 // servers without a backup say 0, which is active
	}
	return s
}
