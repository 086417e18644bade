package check

import (
	"context"
	"errors"
	"fmt"

	"icws_exporter/exporter/advice"
	"icws_exporter/probe/icws"
)

// noLists reports whether the server has no lists of the configuration.
func (v *sessionCheck) noLists() bool { return v.session.Feature(icws.FeatureConfiguration) < 1 }

// licences reads the concurrent licences once. The server can be watched without them.
func (v *sessionCheck) licences(ctx context.Context) finding {
	if v.noLists() {
		return warned("the server does not list the feature configuration", advise(advice.LicencesNoFeature, ""))
	}
	list, err := v.session.Licences(ctx)
	var refused *icws.ResponseError
	switch {
	case errors.As(err, &refused) && refused.Code >= 400 && refused.Code < 500:
		detail, _ := explain(err)
		return warned(detail, advise(advice.LicencesRefused, ""))
	case err != nil:
		return tolerated(err)
	case len(list) == 0:
		return warned("the list is empty", advise(advice.LicencesNone, ""))
	}
	most := list[0]
	for _, l := range list {
		if float64(l.InUse)*float64(most.Allowed) > float64(most.InUse)*float64(l.Allowed) {
			most = l
		}
	}
	return good("%d kinds; the scarcest is %s", len(list), fmt.Sprintf("%s, %d of %d in use", most.ID, most.InUse, most.Allowed))
}
