package roster

import "icws_exporter/probe/catalogue"

// Stage takes the entries of one message until that is committed. Nothing of it
// shows before.
type Stage struct {
	roster *Roster
	drafts []draft
	// statuses are the folded ids that the drafts name, one after the other: a message
	// that is never committed must leave nothing behind.
	statuses []byte
	scratch  []byte
	Anomalies
}

// Anomalies counts what a message should not have said.
type Anomalies struct {
	Strangers int // entries of users who are not watched
	MissingID int // entries without userId
}

// draft is a staged entry of a user who is watched.
type draft struct {
	user              int32
	from, to          int32 // of the status in Stage.statuses
	loggedIn, onPhone Said
	since             int64
}

// maxKept is how many drafts are kept from one message to the next.
const maxKept = 256

// Stage returns the roster's one staging area, which serves every message.
func (r *Roster) Stage() *Stage { return &r.stage }

// Begin forgets what was staged.
func (s *Stage) Begin() { s.reset() }

// Add stages what is said of one user. A later entry of the same user goes on where
// the one before it ends.
func (s *Stage) Add(e Entry) {
	if len(e.UserID) == 0 {
		s.MissingID++
		return
	}
	s.scratch = catalogue.AppendFold(s.scratch[:0], e.UserID)
	i, watched := s.roster.index[string(s.scratch)]
	if !watched {
		s.Strangers++
		return
	}
	from := len(s.statuses)
	s.statuses = catalogue.AppendFold(s.statuses, e.StatusID)
	s.drafts = append(s.drafts, draft{
		user: i, from: int32(from), to: int32(len(s.statuses)),
		loggedIn: e.LoggedIn, onPhone: e.OnPhone, since: e.StatusChanged,
	})
}

func (s *Stage) reset() {
	if cap(s.drafts) > maxKept {
		s.drafts, s.statuses = nil, nil
	}
	s.drafts, s.statuses = s.drafts[:0], s.statuses[:0]
	s.Anomalies = Anomalies{}
}
