package api

import (
	"time"

	"icws_exporter/exporter"
	"icws_exporter/exporter/advice"
)

type licencesDetail struct {
	State  string        `json:"state"`
	Reason string        `json:"reason,omitempty"`
	Advice *adviceDetail `json:"advice,omitempty"`
	ReadAt time.Time     `json:"read_at,omitzero"`
	// Kinds is left out while the numbers are not known.
	Kinds []licenceDetail `json:"kinds,omitempty"`
	Cut   int             `json:"cut"`
}

type licenceDetail struct {
	Licence string `json:"licence"`
	InUse   int    `json:"in_use"`
	Allowed int    `json:"allowed"`
}

// newLicencesDetail returns nil for a server whose licences nobody wants to know.
func newLicencesDetail(server exporter.Server, now time.Time) *licencesDetail {
	l := server.Snapshot.Licences
	if !l.On {
		return nil
	}
	d := &licencesDetail{State: l.Reading.String(), Reason: l.Reason, Advice: newAdviceDetail(server.LicencesAdvice()), ReadAt: atUTC(l.ReadAt)}
	if known := l.At(now); known != nil {
		d.Cut = l.Cut
		for _, k := range known {
			d.Kinds = append(d.Kinds, licenceDetail{server.Show(k.Name), k.InUse, k.Allowed})
		}
	}
	return d
}

// newAdviceDetail returns nil when nothing has to be done.
func newAdviceDetail(a advice.Advice) *adviceDetail {
	if a.Reason == "" {
		return nil
	}
	return &adviceDetail{string(a.Reason), a.Is, a.Steps(), a.Runbook}
}
