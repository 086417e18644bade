package catalogue_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"icws_exporter/probe/catalogue"
)

// These names are label values that dashboards and alerts rely on.
func TestNames(t *testing.T) {
	for _, tc := range []struct {
		what      string
		got, want []string
	}{
		{"flags", names[catalogue.Flag](catalogue.NumFlags), []string{
			"canHaveDate", "canHaveTime", "isDoNotDisturbStatus", "isSelectableStatus", "isPersistentStatus",
			"isForwardStatus", "isAfterCallWorkStatus", "isAcdStatus", "isAllowFollowUpStatus",
		}},
		{"anomalies", names[catalogue.Anomaly](catalogue.NumAnomalies), []string{
			"changed_unknown", "removed_unknown", "added_existing", "duplicate", "missing_id",
		}},
		{"changes", names[catalogue.Change](catalogue.NumChanges), []string{"added", "changed", "removed"}},
	} {
		if d := gocmp.Diff(tc.want, tc.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.what, d)
		}
	}
}

func names[T interface {
	~uint8
	fmt.Stringer
}](n int) []string {
	var list []string
	for v := range n {
		list = append(list, T(v).String())
	}
	return list
}

func TestFlagsWith(t *testing.T) {
	both := flags(catalogue.CanHaveDate, catalogue.IsAllowFollowUpStatus)
	date := both.With(catalogue.IsAllowFollowUpStatus, false)
	if !date.Has(catalogue.CanHaveDate) || date.Has(catalogue.IsAllowFollowUpStatus) {
		t.Errorf("flags %09b after clearing the last of %09b", date, both)
	}
}
