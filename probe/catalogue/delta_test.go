package catalogue_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"icws_exporter/probe/catalogue"
)

func result(added, changed, removed int, anomalies ...catalogue.Anomaly) catalogue.Result {
	r := catalogue.Result{Changes: [catalogue.NumChanges]int{added, changed, removed}}
	for _, a := range anomalies {
		r.Anomalies[a]++
	}
	return r
}

func TestDelta(t *testing.T) {
	lunch := status{id: "At Lunch", text: "At Lunch", icon: "i", group: "Break", system: "6"}
	long := lunch
	long.text = "At a long lunch"
	home := ofGroup("Gone Home", "Unavailable")

	for _, tc := range []struct {
		name string
		held []status
		msg  message
		want catalogue.Result
		left []status
	}{
		{"nothing", []status{lunch}, message{}, result(0, 0, 0), []status{lunch}},
		{"added", []status{lunch}, message{added: []status{home}}, result(1, 0, 0), []status{lunch, home}},
		{"changed", []status{lunch}, message{changed: []status{long}}, result(0, 1, 0), []status{long}},
		{"removed, in other case", []status{lunch, home}, message{removed: []string{"AT LUNCH"}}, result(0, 0, 1), []status{home}},
		{
			"all three", []status{lunch, ofGroup("x", "x")},
			message{added: []status{home}, changed: []status{long}, removed: []string{"X"}},
			result(1, 1, 1), []status{long, home},
		},
		{"changed to what it is", []status{lunch}, message{changed: []status{lunch}}, result(0, 0, 0), []status{lunch}},
		{
			"added though there", []status{lunch}, message{added: []status{long}},
			result(0, 1, 0, catalogue.AddedExisting), []status{long},
		},
		{
			"added though there and equal", []status{lunch}, message{added: []status{lunch}},
			result(0, 0, 0, catalogue.AddedExisting), []status{lunch},
		},
		{
			"changed though unknown", nil, message{changed: []status{lunch}},
			result(1, 0, 0, catalogue.ChangedUnknown), []status{lunch},
		},
		{
			"removed though unknown", []status{lunch}, message{removed: []string{"x"}},
			result(0, 0, 0, catalogue.RemovedUnknown), []status{lunch},
		},
		{
			"removed twice", []status{lunch}, message{removed: []string{"At Lunch", "at lunch"}},
			result(0, 0, 1, catalogue.Duplicate), nil,
		},
		{
			"removed twice though unknown", nil, message{removed: []string{"x", "X"}},
			result(0, 0, 0, catalogue.RemovedUnknown, catalogue.Duplicate), nil,
		},
		{
			"added twice: the last", nil, message{added: []status{lunch, long}},
			result(1, 0, 0, catalogue.Duplicate), []status{long},
		},
		{
			"changed twice: the last", []status{lunch}, message{changed: []status{long, lunch}},
			result(0, 0, 0, catalogue.Duplicate), []status{lunch},
		},
		{
			"changed three times: the last", []status{home}, message{changed: []status{
				{id: "Gone Home", text: "1"}, {id: "Gone Home", text: "2"}, {id: "Gone Home", text: "3"},
			}},
			result(0, 1, 0, catalogue.Duplicate, catalogue.Duplicate), []status{{id: "Gone Home", text: "3"}},
		},
		{
			"added and changed: the changed", nil, message{added: []status{lunch}, changed: []status{long}},
			result(1, 0, 0, catalogue.Duplicate), []status{long},
		},
		{
			"removed and added, different", []status{lunch}, message{removed: []string{"At Lunch"}, added: []status{long}},
			result(0, 1, 0), []status{long},
		},
		{
			"removed and added, equal", []status{lunch}, message{removed: []string{"At Lunch"}, added: []status{lunch}},
			result(0, 0, 0), []status{lunch},
		},
		{
			"removed and changed", []status{lunch}, message{removed: []string{"At Lunch"}, changed: []status{long}},
			result(0, 1, 0, catalogue.ChangedUnknown), []status{long},
		},
		{
			"removed and added, unknown", nil, message{removed: []string{"at lunch"}, added: []status{lunch}},
			result(1, 0, 0, catalogue.RemovedUnknown), []status{lunch},
		},
		{
			"without id", []status{lunch}, message{added: []status{{text: "x"}}, removed: []string{""}},
			result(0, 0, 0, catalogue.MissingID, catalogue.MissingID), []status{lunch},
		},
	} {
		for order, stage := range map[string]func(message, *catalogue.Stage){
			"in order": message.stage, "backwards": message.stageBackwards,
		} {
			t.Run(tc.name+"/"+order, func(t *testing.T) {
				c := catalogue.New(catalogue.Limits{})
				full(c, tc.held...)
				stage(tc.msg, c.Stage())
				checkResult(t, c.CommitDelta(one), tc.want)
				left := model{}
				left.applyFull(message{added: tc.left})
				checkModel(t, c, left)
				checkInvariants(t, c, 64)
			})
		}
	}
}

// Whatever the server says of a status message can change, and is then counted.
func TestWhatCountsAsAChange(t *testing.T) {
	base := status{id: "Gone Home", text: "t", icon: "i", group: "g", system: "16"}
	for name, edit := range map[string]func(*status){
		"spelling of the id":          func(s *status) { s.id = "gone home" },
		"text":                        func(s *status) { s.text = "u" },
		"icon":                        func(s *status) { s.icon = "j" },
		"group":                       func(s *status) { s.group = "h" },
		"system id":                   func(s *status) { s.system = "17" },
		"flag":                        func(s *status) { s.flags = flags(catalogue.IsForwardStatus) },
		"icon and system id swapped":  func(s *status) { s.icon, s.system = s.system, s.icon },
		"system id moved to the icon": func(s *status) { s.icon, s.system = s.icon+s.system, "" },
	} {
		t.Run(name, func(t *testing.T) {
			c := catalogue.New(catalogue.Limits{})
			full(c, base)
			edited := base
			edit(&edited)
			checkResult(t, delta(c, message{changed: []status{edited}}), result(0, 1, 0))
			if got := c.Entries()[0]; got.ID != edited.id || got.Text != edited.text || got.ChangedAt != one {
				t.Errorf("entry %+v, want that of %+v at %v", got, edited, one)
			}
			checkResult(t, delta(c, message{changed: []status{edited}}), result(0, 0, 0))
		})
	}
}

func TestChangedAtMovesOnlyWithAChange(t *testing.T) {
	a, b := ofGroup("a", "g"), ofGroup("b", "g")
	c := catalogue.New(catalogue.Limits{})
	full(c, a, b)
	b.flags = flags(catalogue.IsAcdStatus)
	delta(c, message{changed: []status{a, b}})
	want := []catalogue.Entry{
		{ID: "a", Text: "a", Group: "g", ChangedAt: noon},
		{ID: "b", Text: "b", Group: "g", Flags: b.flags, ChangedAt: one},
	}
	if d := gocmp.Diff(want, c.Entries()); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
}

func TestADeltaNamesNoIDs(t *testing.T) {
	c := catalogue.New(catalogue.Limits{})
	if r := delta(c, message{added: []status{ofGroup("a", "g")}}); r.ChangedIDs != nil {
		t.Errorf("ChangedIDs = %q", r.ChangedIDs)
	}
}
