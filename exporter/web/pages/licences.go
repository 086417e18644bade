package pages

import (
	"icws_exporter/exporter"
	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
)

// licencesView is what the page says of licences; nothing unless they are read.
type licencesView struct {
	On      bool
	Problem string // why the numbers are not there, or not new
	Reason  string // in the words of whoever could not read them
	Advice  advice.Advice
	ReadAt  moment
	Rows    []licenceRow
	Cut     int
}

type licenceRow struct {
	Name           string
	InUse, Allowed int
	Short          bool // nine of ten are in use
}

// scarce is the share of the licences in use from which on they are marked, as the
// alert has it.
const scarce = 0.9

func licencesOf(server exporter.Server, c clock) licencesView {
	l := server.Snapshot.Licences
	v := licencesView{On: l.On, Advice: server.LicencesAdvice(), ReadAt: c.moment(l.ReadAt)}
	known := l.At(c.now)
	switch {
	case !l.On:
		return licencesView{}
	case l.Reading == probe.LicencesNotRead:
		v.Problem = "They have not been read yet."
	case known == nil:
		v.Problem = "The numbers are withheld: they could not be read for too long, and a wrong number is worse than none."
	case l.Reading != probe.LicencesRead:
		v.Problem = "The last reading failed; these numbers are older."
	}
	v.Reason = l.Reason
	for _, k := range known {
		v.Rows = append(v.Rows, licenceRow{server.Show(k.Name), k.InUse, k.Allowed, float64(k.InUse) >= scarce*float64(k.Allowed) && k.InUse > 0})
	}
	if known != nil {
		v.Cut = l.Cut
	}
	return v
}
