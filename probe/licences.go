package probe

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"icws_exporter/probe/icws"
)

const (
	// licenceInterval is how often the use of licences is read, and licenceStale how
	// long numbers are shown that were not read again.
	licenceInterval = 5 * time.Minute
	licenceStale    = 3 * licenceInterval
)

// MaxLicences is how many kinds of licences are shown.
const MaxLicences = 100

// LicenceReading is how the last reading of the licences went.
type LicenceReading uint8

// The values of LicenceReading.
const (
	LicencesNotRead   LicenceReading = iota // not yet
	LicencesRead                            // it went well
	LicencesNoFeature                       // the server has no such list
	LicencesNone                            // the user sees no licences
	LicencesRefused                         // the server does not let the user see them
	LicencesGone                            // the server has removed the list (410)
	LicencesFailed                          // no answer, or one that is of no use
)

var licenceReadingNames = [...]string{
	LicencesNotRead: "not_read", LicencesRead: "read", LicencesNoFeature: "no_feature", LicencesNone: "none",
	LicencesRefused: "refused", LicencesGone: "gone", LicencesFailed: "failed",
}

// NumLicenceReadings is how many values there are.
const NumLicenceReadings = len(licenceReadingNames)

// String returns the label value of r.
func (r LicenceReading) String() string { return licenceReadingNames[r] }

// Licence is one kind of concurrent licence.
type Licence struct {
	Name           string
	InUse, Allowed int
}

// LicenceState is what a probe knows of licences. It is immutable.
type LicenceState struct {
	// On says that they are to be read.
	On      bool
	Reading LicenceReading
	// Reason says why they could not be read, in the operator's words; empty when they
	// could.
	Reason string
	// ReadAt is as of when they are known; zero when they never were.
	ReadAt time.Time
	// Cut counts the kinds that are left out, since there are too many.
	Cut int

	// List has them sorted by name; ask At whether it may be shown.
	List []Licence
	// FreshUntil is when the list is too old to be shown.
	FreshUntil time.Time
	// freshUntilWall is the same on the wall clock.
	freshUntilWall time.Time
}

// At returns the licences, sorted by name, as they are known at now; nil when they are
// not, or not any more. Both clocks count, as in Snapshot.Fresh.
func (s *LicenceState) At(now time.Time) []Licence {
	if !s.On || !now.Before(s.FreshUntil) || !s.freshUntilWall.IsZero() && !now.Round(0).Before(s.freshUntilWall) {
		return nil
	}
	return s.List
}

// licenceReader reads the licences of a server, whichever session there is. It belongs
// to the loop's goroutine; its request is made beside it.
type licenceReader struct {
	state LicenceState
	due   time.Time
	jobs  jobs
}

// adjustLicences begins to read, or forgets what was read.
func (l *loop) adjustLicences() {
	if l.licences.state.On != l.cfg.Licences {
		l.licences.jobs.stop()
		l.licences.state, l.licences.due = LicenceState{On: l.cfg.Licences}, time.Time{}
	}
}

// tendLicences reads them when it is time to, without waiting for the answer, and
// returns when it is; zero when only something that happens can tell.
func (l *loop) tendLicences(ctx context.Context, now time.Time) time.Time {
	r := &l.licences
	if !r.state.On || r.jobs.busy() || !l.mayAsk(now) {
		return time.Time{}
	}
	if at := later(r.due, l.optional.at(1)); now.Before(at) {
		return at
	}
	r.due = now.Add(jittered(l.rand, licenceInterval))
	wire, asOf := l.session.wire, l.moment()
	if wire.Feature(icws.FeatureConfiguration) == 0 {
		r.note(l, nil, 0, asOf, errNoLicenceList)
		return r.due
	}
	l.optional.spend(now, 1)
	r.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		list, total, err := wire.Licences(ctx)
		if err == nil && len(list) == 0 {
			err = errNoLicences
		}
		return func(now time.Time) {
			r.note(l, list, total, asOf, err)
			if faultOf(err) == faultUnauthorized { // perhaps the session is gone
				f := l.feeds[StatusMessages]
				f.checkAt = earlier(f.checkAt, now)
			}
		}
	})
	return time.Time{}
}

// errNoLicences says that the list is empty or short: a filter, and no refusal
// (protocol-users.md, 4).
var errNoLicences = errors.New("the user sees no licences")

// errNoLicenceList says that the server has no lists of the configuration.
var errNoLicenceList = errors.New("the server has no list of licences (feature configuration 1)")

// note takes over what was read, or why nothing was. One line of the log says each
// change.
func (r *licenceReader) note(l *loop, list []icws.Licence, total int, asOf moment, err error) {
	before, state := r.state.Reading, r.state
	state.Reading, state.Reason = readingOf(err), ""
	if err != nil {
		state.Reason = l.screen.Show(err.Error())
	} else {
		until := asOf.add(licenceStale)
		state.ReadAt, state.FreshUntil, state.freshUntilWall = asOf.at, until.at, until.wall
		state.List = shownLicences(list)
		state.Cut = total - len(state.List)
	}
	r.state = state
	switch {
	case state.Reading == before:
	case err != nil:
		l.log.Warn("the licences cannot be read", "reason", state.Reason)
	case before != LicencesNotRead:
		l.log.Info("the licences can be read again")
	}
}

func readingOf(err error) LicenceReading {
	switch {
	case err == nil:
		return LicencesRead
	case errors.Is(err, errNoLicences):
		return LicencesNone
	case errors.Is(err, errNoLicenceList):
		return LicencesNoFeature
	}
	switch faultOf(err) {
	case faultGone:
		return LicencesGone
	case faultRefused, faultUnauthorized:
		return LicencesRefused
	default:
		return LicencesFailed
	}
}

// maxLicenceName bounds the name of a licence in bytes. Real ones have 30.
const maxLicenceName = 100

// shownLicences are the first of them by name. Their names differ, also as the values of
// a label.
func shownLicences(list []icws.Licence) (shown []Licence) {
	for _, l := range list {
		name := shortened(strings.ToValidUTF8(l.ID, "\ufffd"), maxLicenceName)
		shown = append(shown, Licence{Name: name, InUse: l.InUse, Allowed: l.Allowed})
	}
	slices.SortStableFunc(shown, func(a, b Licence) int { return cmp.Compare(a.Name, b.Name) })
	shown = slices.CompactFunc(shown, func(a, b Licence) bool { return a.Name == b.Name })
	return slices.Clone(shown[:min(len(shown), MaxLicences)])
}
