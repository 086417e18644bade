package icwssim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// The status groups of a plain configuration.
const (
	groupAvailable   = "Available"
	groupBreak       = "Break"
	groupFollowUp    = "Follow Up"
	groupTraining    = "Training"
	groupUnavailable = "Unavailable"
)

var groups = []string{groupAvailable, groupBreak, groupFollowUp, groupTraining, groupUnavailable}

var (
	subjects = []string{
		"Coaching", "Team Meeting", "Training", "Break", "Project", "Back Office", "Callback", "Quality Review",
		"Fire Drill", "Chat Only", "E-Mail Only", "Onboarding", "Escalation", "Fax", "Floor Walk", "Überstunden",
	}
	places = []string{
		"", "Sales", "Service", "Claims", "Billing", "Night Shift", "VIP", "2nd Level", "Zürich", "Chicago", "Home Office",
	}
)

// inventStatus makes up a plausible custom status.
func inventStatus(r *rand.Rand) Status {
	id := subjects[r.IntN(len(subjects))]
	if place := places[r.IntN(len(places))]; place != "" {
		id += ", " + place
	}
	st := Status{
		ID: id, Text: id, Group: groups[r.IntN(len(groups))],
		Icon:               fmt.Sprintf("/icws/resources/status/custom%d.png", r.IntN(8)),
		IsSelectableStatus: r.IntN(10) > 0,
	}
	st.IsAcdStatus = st.Group == groupAvailable && r.IntN(3) > 0
	st.IsAfterCallWorkStatus = st.Group == groupFollowUp
	st.IsAllowFollowUpStatus = st.IsAcdStatus
	st.IsDoNotDisturbStatus = st.Group == groupTraining
	st.CanHaveDate = r.IntN(3) == 0
	st.CanHaveTime = st.CanHaveDate || r.IntN(3) == 0
	st.IsPersistentStatus = r.IntN(2) == 0
	st.IsForwardStatus = r.IntN(12) == 0
	return st
}

// Catalogue returns n plausible statuses that follow from seed: the ones of
// DefaultCatalogue first, then invented ones.
func Catalogue(n int, seed uint64) []Status {
	r := rand.New(rand.NewPCG(seed, 0))
	list := DefaultCatalogue()
	list = list[:min(n, len(list))]
	taken := make(map[string]bool, n)
	for _, st := range list {
		taken[fold(st.ID)] = true
	}
	for len(list) < n {
		st := inventStatus(r)
		if taken[fold(st.ID)] {
			st.ID += " " + strconv.Itoa(len(list))
			st.Text = st.ID
		}
		taken[fold(st.ID)] = true
		st.SystemID = strconv.Itoa(1000 + len(list))
		list = append(list, st)
	}
	return list
}

// DefaultCatalogue returns the statuses of a small contact centre: the system
// ones of every PureConnect server (protocol.md, 3.3) and some custom ones.
func DefaultCatalogue() []Status {
	list := []Status{
		{ID: "Available", Group: groupAvailable, IsAcdStatus: true, IsAllowFollowUpStatus: true, SystemID: "7"},
		{ID: "Available, No ACD", Group: groupAvailable, SystemID: "8"},
		{ID: "Available, Follow-Me", Group: groupAvailable, IsForwardStatus: true, SystemID: "9"},
		{ID: "Available, Forward", Group: groupAvailable, IsForwardStatus: true, SystemID: "10"},
		{ID: "At Lunch", Group: groupBreak, CanHaveTime: true, SystemID: "6"},
		{ID: "At a training session", Group: groupTraining, CanHaveDate: true, CanHaveTime: true, SystemID: "5"},
		{ID: "Away from desk", Group: groupBreak, SystemID: "11"},
		{ID: "Do Not disturb", Group: groupUnavailable, IsDoNotDisturbStatus: true, SystemID: "12"},
		{ID: "Follow Up", Group: groupFollowUp, IsAfterCallWorkStatus: true, SystemID: "13"},
		{ID: "In a meeting", Group: groupUnavailable, CanHaveDate: true, CanHaveTime: true, SystemID: "14"},
		{ID: "Gone Home", Group: groupUnavailable, CanHaveDate: true, IsPersistentStatus: true, SystemID: "16"},
		{ID: "On Vacation", Group: groupUnavailable, CanHaveDate: true, IsPersistentStatus: true, SystemID: "17"},
		{ID: "Out of the office", Group: groupUnavailable, CanHaveDate: true, CanHaveTime: true, IsPersistentStatus: true, SystemID: "18"},
		{ID: "Out of Town", Group: groupUnavailable, CanHaveDate: true, IsPersistentStatus: true, SystemID: "19"},
		{ID: "Working at home", Group: groupAvailable, IsForwardStatus: true, IsPersistentStatus: true, SystemID: "20"},
		{ID: "Awaiting Callback", Group: groupAvailable, SystemID: "21"},
		{ID: "AcdAgentNotAnswering", Text: "ACD - Agent Not Answering", Group: groupUnavailable, SystemID: "22"},
		{ID: "On Break", Group: groupBreak, CanHaveTime: true, SystemID: "101"},
		{ID: "Coaching", Group: groupTraining, CanHaveTime: true, IsDoNotDisturbStatus: true, SystemID: "102"},
		{ID: "Team Meeting", Group: groupTraining, CanHaveDate: true, CanHaveTime: true, SystemID: "103"},
		{ID: `Project "Phoenix", back office`, Group: "Back Office", CanHaveDate: true, SystemID: "104"},
		{ID: "Rückrufe bündeln", Text: "Rückrufe bündeln – früh", Group: groupFollowUp, IsAfterCallWorkStatus: true, SystemID: "105"},
		{ID: "Coffee ☕", Text: "Coffee ☕🙂", Group: groupBreak, CanHaveTime: true, SystemID: "106"},
		{ID: `Path C:\desk`, Text: "Desk <away> & back", SystemID: "107"},
	}
	for i := range list {
		st := &list[i]
		st.Text = cmp.Or(st.Text, st.ID)
		st.Icon = "/icws/resources/status/" + st.SystemID + ".png"
		st.IsSelectableStatus = st.ID != "AcdAgentNotAnswering" && !st.IsAfterCallWorkStatus
	}
	return list
}
