package probe

import (
	"context"
	"time"

	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
	"icws_exporter/probe/roster"
)

// userSample is what the server said of one user who was asked for alone.
type userSample struct {
	id                string
	status            string // folded
	loggedIn, onPhone icws.Said
	since             int64
	entries           int
	gone              bool // an empty status is how some servers say that they have no such user
}

func (s *userSample) Begin()     { s.entries, s.gone = 0, false }
func (s *userSample) Malformed() {}

func (s *userSample) Add(e *icws.UserStatus) {
	if catalogue.Fold(string(e.UserID)) != catalogue.Fold(s.id) {
		return // an answer to something else
	}
	if s.gone = len(e.StatusID) == 0; s.gone {
		return
	}
	s.entries++
	s.status = catalogue.Fold(string(e.StatusID))
	s.loggedIn, s.onPhone, s.since = e.LoggedIn, e.OnPhone, e.StatusChanged
}

// answered reports whether the server said what the user does.
func (s *userSample) answered(err error) bool { return err == nil && s.entries > 0 }

// unknown reports whether the server said that it has no such user.
func (s *userSample) unknown(err error) bool { return lastCode(err) == 404 || err == nil && s.gone }

func (s *userSample) entry() roster.Entry {
	return roster.Entry{
		UserID: []byte(s.id), StatusID: []byte(s.status), StatusChanged: s.since,
		LoggedIn: roster.Said(s.loggedIn), OnPhone: roster.Said(s.onPhone),
	}
}

// sampleEvery is how often one user is compared: often enough for counts that are
// never stale while all is well.
func (u *userFeed) sampleEvery() time.Duration { return min(sampleInterval, u.cfg.StaleAfter/3) }

// sample compares one user with the server, each in turn, and one who differed again
// once what was on its way has come.
func (u *userFeed) sample(ctx context.Context, now time.Time) {
	id := u.suspicion.id
	switch {
	case len(u.doubts) > 0:
		id = u.doubts[0]
	case id == "":
		id = u.nextSample()
	}
	wire, sent := u.s.wire, u.l.moment()
	u.sampleAt = now.Add(jittered(u.l.rand, u.sampleEvery()))
	u.jobs.run(ctx, func(ctx context.Context) func(time.Time) {
		found := &userSample{id: id}
		err := wire.UserStatus(ctx, id, icws.NewUserStatusReader(found))
		return func(now time.Time) { u.compare(*found, sent, err, now) }
	})
}

// nextSample returns who is compared next. Only those who are reported prove the counts, and
// only the others show whether the server knows them by now: where there are both, it is one
// of each in turn.
func (u *userFeed) nextSample() string {
	reported := u.roster.Reported()
	u.ofOthers = !u.ofOthers && reported < len(u.ids) || reported == 0
	at := &u.sampled
	if u.ofOthers {
		at = &u.sampledOther
	}
	for range u.ids {
		*at = (*at + 1) % len(u.ids)
		if u.roster.Reports(int32(*at)) != u.ofOthers {
			break
		}
	}
	return u.ids[*at]
}

func (u *userFeed) compare(found userSample, sent moment, err error, now time.Time) {
	if len(u.doubts) > 0 && u.doubts[0] == found.id {
		u.weighed(found, err, now)
		return
	}
	former := u.suspicion
	u.suspicion = userSample{}
	answered := found.answered(err)
	if answered && (u.refused[found.id] || u.nobodyLeft()) {
		u.known(found.id, now)
	}
	if u.ofOthers {
		u.forgive()
	}
	if !answered {
		u.sampleFailed(found, err, now)
		return
	}
	if !u.delivered || u.due != nil || u.awaiting != nil {
		return
	}
	same, reported := u.roster.Agrees(found.entry())
	switch {
	case !reported: // the subscription leaves the user out, for reasons of its own
	case same:
		u.l.observer.DeliveryChecked(UserStatuses, DeliveryCheck{Result: CheckOK, Took: now.Sub(sent.at)})
		u.verified(sent)
	case former == found:
		u.drifted(found, now)
	default:
		u.suspicion = found
		u.sampleAt = now.Add(max(resampleAfter, 2*u.l.cfg.PollInterval))
	}
}

// drifted corrects a user who differs although no message said so. Others may too.
func (u *userFeed) drifted(found userSample, now time.Time) {
	u.l.observer.DeliveryChecked(UserStatuses, DeliveryCheck{Result: CheckDrift, Drift: 1})
	u.l.log.Warn("drift: the server's answer about a user differs from what its messages said; asking for all of them")
	u.withhold()
	u.staged.Begin()
	u.roster.Stage().Add(found.entry())
	u.commit(false, now)
	u.need(ResyncCheck)
}

// sampleFailed takes note of a user about whom the server says nothing. That it does not
// know one who is counted is believed when all are asked for and it leaves them out too.
func (u *userFeed) sampleFailed(found userSample, err error, now time.Time) {
	if place, watched := u.roster.Place(found.id); found.unknown(err) && watched && u.roster.Reports(place) && u.due == nil {
		u.need(ResyncNotDelivering)
		u.listAt = now // others may have gone, or come
	}
	if err != nil && lastCode(err) == 0 || lastCode(err) >= 500 {
		u.checkFailed()
	}
}

// rosterSink translates what is read from the wire for the roster, so that neither
// knows the other.
type rosterSink struct {
	stage     *roster.Stage
	malformed int
}

func (s *rosterSink) Begin() {
	s.malformed = 0
	s.stage.Begin()
}

func (s *rosterSink) Malformed() { s.malformed++ }

func (s *rosterSink) Add(e *icws.UserStatus) {
	s.stage.Add(roster.Entry{
		UserID: e.UserID, StatusID: e.StatusID, StatusChanged: e.StatusChanged,
		LoggedIn: roster.Said(e.LoggedIn), OnPhone: roster.Said(e.OnPhone),
	})
}
