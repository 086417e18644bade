package probe

import (
	"testing"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// The wire and the live copy number the flags on their own.
func TestFlagsHaveOneOrder(t *testing.T) {
	if len(icws.StatusFlagNames) != catalogue.NumFlags {
		t.Fatalf("%d flags on the wire, %d in the catalogue", len(icws.StatusFlagNames), catalogue.NumFlags)
	}
	for n, name := range icws.StatusFlagNames {
		if got := catalogue.Flag(n).String(); got != name {
			t.Errorf("flag %d is %s on the wire and %s in the catalogue", n, name, got)
		}
	}
}
