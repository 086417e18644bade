package catalogue_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"icws_exporter/probe/catalogue"
)

func TestFullReplaces(t *testing.T) {
	c := catalogue.New(catalogue.Limits{})
	full(c, ofGroup("stays", "g"), ofGroup("changes", "g"), ofGroup("goes", "g"), ofGroup("Goes too", "g"))

	message{
		added:   []status{ofGroup("new", "h"), ofGroup("stays", "g")},
		changed: []status{ofGroup("Changes", "h")},
	}.stage(c.Stage())
	got := c.CommitFull(one)

	want := result(1, 1, 2)
	want.ChangedIDs = []string{"new", "Changes", "goes", "Goes too"}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	left := model{}
	left.applyFull(message{added: []status{ofGroup("new", "h"), ofGroup("stays", "g"), ofGroup("Changes", "h")}})
	checkModel(t, c, left)
	wantCounts(t, c, "g=1 h=2")
}

func TestEmptyFullClears(t *testing.T) {
	c := catalogue.New(catalogue.Limits{})
	full(c, ofGroup("a", "g"))
	checkResult(t, full(c), result(0, 0, 1))
	if c.Len() != 0 || c.Hash() != 0 || c.DistinctGroups() != 0 {
		t.Errorf("len %d, hash %#x, distinct groups %d after an empty full message", c.Len(), c.Hash(), c.DistinctGroups())
	}
	wantCounts(t, c, "g=0")
}

func TestFullKnowsFewAnomalies(t *testing.T) {
	a, b := ofGroup("a", "g"), ofGroup("b", "g")
	for _, tc := range []struct {
		name string
		msg  message
		want catalogue.Result
	}{
		{"there already, or only in the changed list", message{added: []status{a}, changed: []status{b}}, result(1, 0, 0)},
		{"removed ids are ignored", message{added: []status{a}, removed: []string{"a", "A", "x", "x", ""}}, result(0, 0, 0)},
		{"twice", message{added: []status{a, b, a}}, result(1, 0, 0, catalogue.Duplicate)},
		{"in both lists", message{added: []status{a}, changed: []status{a}}, result(0, 0, 0, catalogue.Duplicate)},
		{"without id", message{added: []status{a, {text: "x"}}}, result(0, 0, 0, catalogue.MissingID)},
		{"only a removed id", message{removed: []string{"a"}}, result(0, 0, 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogue.New(catalogue.Limits{})
			full(c, a)
			tc.msg.stage(c.Stage())
			checkResult(t, c.CommitFull(one), tc.want)
		})
	}
}

// What a full list corrects goes to the log, so the names must be the same each
// time and not too many.
func TestFullNamesTheFirstIDs(t *testing.T) {
	var list []status
	var first []string
	for i := range 30 {
		id := fmt.Sprintf("status %02d", i)
		list = append(list, ofGroup(id, "g"))
		if i < catalogue.MaxChangedIDs {
			first = append(first, id)
		}
	}
	c := catalogue.New(catalogue.Limits{})
	for _, tc := range []struct {
		name string
		list []status
		want []string
	}{{"added", list, first}, {"unchanged", list, nil}, {"removed", nil, first}} {
		if d := gocmp.Diff(tc.want, full(c, tc.list...).ChangedIDs); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestBeginDropsALargeHalfMessage(t *testing.T) {
	c := catalogue.New(catalogue.Limits{Groups: 2})
	kept := ofGroup("kept", "g")
	full(c, kept)
	before := look(c)
	for i := range 5000 {
		lend(c.Stage().Add, ofGroup(fmt.Sprint(i), fmt.Sprint(i)))
	}
	kept.text = "half"
	lend(c.Stage().Change, kept)
	c.Stage().Begin()
	checkResult(t, c.CommitDelta(one), result(0, 0, 0))
	if d := gocmp.Diff(before, look(c)); d != "" {
		t.Errorf("a dropped message shows (-before +after):\n%s", d)
	}
}

// As after a new session in another language.
func TestFullMayChangeEverything(t *testing.T) {
	c, m := catalogue.New(catalogue.Limits{}), model{}
	for _, text := range []string{"Available", "Disponible", "Verfügbar"} {
		var list []status
		for i := range 3000 {
			list = append(list, status{id: fmt.Sprint(i), text: text, group: "g"})
		}
		checkResult(t, full(c, list...), m.applyFull(message{added: list}))
		checkModel(t, c, m)
	}
}

func TestACommittedMessageIsNotAppliedAgain(t *testing.T) {
	c := catalogue.New(catalogue.Limits{})
	delta(c, message{added: []status{ofGroup("a", "g")}})
	checkResult(t, c.CommitDelta(one), result(0, 0, 0))
	if c.Len() != 1 {
		t.Errorf("%d entries, want 1", c.Len())
	}
}
