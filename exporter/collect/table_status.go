package collect

import "icws_exporter/probe/catalogue"

const statusSeriesFlag = "--metrics.status-series"

var labelStatusID = Label{Name: "status_id", Grows: PerStatus}

// One series per status message, for those who ask for it.
var (
	MetricStatusInfo = define(Family{
		Name:      "icws_status_info",
		Help:      "Always 1; the labels name a status message, its group and its text. At most limits.statuses per server; no series while the catalogue is stale.",
		Labels:    []Label{labelStatusID, {Name: "group"}, {Name: "text"}},
		Stability: Experimental,
		OptIn:     statusSeriesFlag,
		server: whenFresh(func(r *reading, out *samples) {
			for _, e := range r.chosen {
				out.add(0, 1, e.ID, e.Group, e.Text)
			}
		}),
	})
	MetricStatusFlag = define(Family{
		Name:      "icws_status_flag",
		Help:      "1 when the status message has the flag set, else 0. At most limits.statuses per server; no series while the catalogue is stale.",
		Labels:    []Label{labelFlag, labelStatusID},
		Stability: Experimental,
		OptIn:     statusSeriesFlag,
		server: whenFresh(func(r *reading, out *samples) {
			for _, e := range r.chosen {
				for flag := range catalogue.Flag(catalogue.NumFlags) {
					out.add(int(flag), number(e.Flags.Has(flag)), e.ID)
				}
			}
		}),
	})
)
