package collect

import (
	"icws_exporter/probe"
)

// licencesKey is the key of the configuration without which there are no series of
// licences.
const licencesKey = "licences: true"

var labelLicence = Label{Name: "licence", Grows: PerLicence}

// whenRead withholds numbers of licences that are not known, or not any more.
func whenRead(get func(probe.Licence) int) emit {
	return func(r *reading, out *samples) {
		for _, l := range r.snapshot.Licences.At(r.now) {
			out.add(0, float64(get(l)), l.Name)
		}
	}
}

// The concurrent licences, for those who ask for them.
var (
	MetricLicenceInUse = define(Family{
		Name:   "icws_licence_in_use",
		Help:   "Concurrent licences in use, by kind; at most 100 kinds. No series when they were not read for 15 minutes.",
		Labels: []Label{labelLicence},
		OptIn:  licencesKey,
		server: whenRead(func(l probe.Licence) int { return l.InUse }),
	})
	MetricLicenceAllowed = define(Family{
		Name:   "icws_licence_allowed",
		Help:   "Concurrent licences that may be in use, by kind; as icws_licence_in_use.",
		Labels: []Label{labelLicence},
		OptIn:  licencesKey,
		server: whenRead(func(l probe.Licence) int { return l.Allowed }),
	})
	MetricLicencesState = define(Family{
		Name:   "icws_licences_state",
		Type:   StateSet,
		Help:   "How the last reading of the licences went: 1 for the present state. It says nothing about icws_up.",
		Labels: []Label{{Name: "state", Values: valuesOf[probe.LicenceReading](probe.NumLicenceReadings)}},
		OptIn:  licencesKey,
		server: func(r *reading, out *samples) {
			if r.snapshot.Licences.On {
				emitState(out, int(r.snapshot.Licences.Reading))
			}
		},
	})
	MetricLicencesLastRead = define(Family{
		Name:  "icws_licences_last_read_timestamp_seconds",
		Help:  "Unix time in seconds of the last reading of the licences that went well; no series before the first one.",
		OptIn: licencesKey,
		server: func(r *reading, out *samples) {
			if l := &r.snapshot.Licences; l.On && !l.ReadAt.IsZero() {
				out.add(0, seconds(l.ReadAt))
			}
		},
	})
	MetricLicencesCut = define(Family{
		Name:  "icws_licences_cut",
		Help:  "Kinds of licences without series of their own, because there are more than 100.",
		OptIn: licencesKey,
		server: func(r *reading, out *samples) {
			if l := &r.snapshot.Licences; l.At(r.now) != nil {
				out.add(0, float64(l.Cut))
			}
		},
	})
)
