package probe

import "time"

// maxClockJump is by how much the wall clock may move against the monotonic one
// between two turns of the loop, or a turn may be late, before everything is checked
// anew.
const maxClockJump = 5 * time.Second

// moment is one moment on both clocks. While the machine is suspended the monotonic
// clock stands still; when somebody sets the time, the wall clock lies. What is old
// on one of them is old.
type moment struct {
	at   time.Time // monotonic
	wall time.Time
}

func (l *loop) moment() moment { return moment{time.Now(), l.p.wallClock()} }

// add returns the moment d later.
func (m moment) add(d time.Duration) moment { return moment{m.at.Add(d), m.wall.Add(d)} }

// wallNow is the wall clock alone.
func wallNow() time.Time { return time.Now().Round(0) }

// missedTime reports whether time has passed since it was asked last in which we did
// not run: the clocks have moved apart, or the turn took longer than a turn can.
func (l *loop) missedTime() bool {
	last, until, now := l.turned, l.turnEnds, l.moment()
	l.turned, l.turnEnds = now, time.Time{}
	if last.at.IsZero() {
		return false
	}
	jump := now.wall.Sub(last.wall) - now.at.Sub(last.at)
	late := now.at.Sub(until)
	return jump.Abs() > maxClockJump || !until.IsZero() && late > maxClockJump
}
