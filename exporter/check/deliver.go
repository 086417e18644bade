package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// message is what a message said. It shares nothing with who decoded it.
type message struct {
	icws.Message
	entries int    // in the live copy, after the message
	hash    uint64 // of the live copy
	groups  []catalogue.GroupCount
}

// source is where messages come from. Its methods belong to one goroutine.
type source interface {
	// next waits for the next message.
	next(ctx context.Context) (message, error)
	// close ends it and everything it began.
	close()
}

// live is the copy that messages are applied to, as the probe does.
type live struct {
	*catalogue.Catalogue
	reader *icws.Reader
}

func newLive(groups int) live {
	c := catalogue.New(catalogue.Limits{Groups: groups})
	return live{c, probe.NewStatusReader(c)}
}

func (l live) take(m icws.Message) message {
	now := time.Now()
	switch {
	case m.Kind != icws.KindContent:
	case m.IsDelta:
		l.CommitDelta(now)
	default:
		l.CommitFull(now)
	}
	return message{Message: m, entries: l.Len(), hash: l.Hash(), groups: l.Groups()}
}

// streaming reads the event stream on a goroutine of its own.
type streaming struct {
	stream   *icws.Stream
	live     live
	messages chan message
	stop     chan struct{}
	reading  sync.WaitGroup
	err      error // why it ended; read it when messages is closed
}

func startStreaming(s *icws.Stream, l live) *streaming {
	r := &streaming{stream: s, live: l, messages: make(chan message), stop: make(chan struct{})}
	r.reading.Go(r.read)
	return r
}

func (r *streaming) read() {
	defer close(r.messages)
	for {
		err := r.stream.Next()
		if errors.Is(err, io.EOF) {
			err = errors.New("the server ended the event stream")
		}
		var m icws.Message
		if err == nil {
			m, err = r.stream.Decode(r.live.reader)
		}
		if err != nil {
			r.err = err
			return
		}
		select {
		case r.messages <- r.live.take(m):
		case <-r.stop:
			return
		}
	}
}

func (r *streaming) next(ctx context.Context) (message, error) {
	select {
	case m, open := <-r.messages:
		if !open {
			return message{}, r.err
		}
		return m, nil
	case <-ctx.Done():
		return message{}, ctx.Err()
	}
}

func (r *streaming) close() {
	_ = r.stream.Close() // nothing can be done about it
	close(r.stop)
	r.reading.Wait()
}

// firstPoll is the pause before the second poll; the pauses double from there.
const firstPoll = 100 * time.Millisecond

// polling asks again and again, at first faster than configured.
type polling struct {
	session *icws.Session
	live    live
	every   time.Duration // at most
	pause   time.Duration // before the next poll
	waiting []message
}

func (p *polling) next(ctx context.Context) (message, error) {
	for len(p.waiting) == 0 {
		if err := p.poll(ctx); err != nil {
			return message{}, err
		}
	}
	m := p.waiting[0]
	p.waiting = p.waiting[1:]
	return m, nil
}

func (p *polling) poll(ctx context.Context) error {
	timer := time.NewTimer(p.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.pause = min(max(2*p.pause, firstPoll), p.every)
	return p.session.Poll(ctx, []*icws.Reader{p.live.reader}, func(m icws.Message) {
		p.waiting = append(p.waiting, p.live.take(m))
	})
}

func (p *polling) close() {}

// stream opens what the messages come from.
func (v *visitor) stream(ctx context.Context) finding {
	l := newLive(v.opts.Limits.Groups)
	polled := &polling{session: v.session, live: l, every: time.Duration(v.server.PollInterval)}
	if !v.streams {
		v.source = polled
		return skipped("polling needs none")
	}
	s, err := v.session.Stream(ctx)
	if err == nil {
		v.source = startStreaming(s, l)
		return good("open")
	}
	detail, advice := explain(err)
	if v.server.Transport == "sse" || ctx.Err() != nil {
		return failed(detail, advice)
	}
	v.source = polled
	return warned(detail, advice+"; a proxy may not let event streams through: the exporter polls then, and so do the next steps")
}

func (v *visitor) subscribe(ctx context.Context) finding {
	if v.source == nil {
		return skipped("there is no event stream")
	}
	if err := v.session.Subscribe(ctx, icws.StatusMessages, nil); err != nil {
		var response *icws.ResponseError
		v.asked = !errors.As(err, &response)
		return broken(err)
	}
	v.asked, v.subscribed = true, true
	return good("accepted")
}

var errNotDelivered = errors.New("no message with the whole list came")

// awaitFull waits for a whole list.
func (v *visitor) awaitFull(ctx context.Context) (message, error) {
	within := time.Duration(v.server.DeliveryTimeout)
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		m, err := v.source.next(waiting)
		switch {
		case err != nil && ctx.Err() != nil:
			return message{}, ctx.Err()
		case err != nil && waiting.Err() != nil:
			return message{}, fmt.Errorf("%w within %s", errNotDelivered, within)
		case err != nil:
			return message{}, err
		case m.Kind == icws.KindContent && !m.IsDelta:
			return m, nil
		}
		if err := bad(m); err != nil {
			return message{}, err
		}
	}
}

// bad returns an error for a message that ends the session or the subscription.
func bad(m message) error {
	switch {
	case m.Kind == icws.KindConnectionState && m.Connection.New == icws.ConnectionDown:
		return fmt.Errorf("the server ended the session: %s", m.Connection.Reason)
	case m.Kind == icws.KindSubscriptionState && (m.Subscription == icws.SubscriptionFaulted || m.Subscription == icws.SubscriptionSuspended):
		return errors.New("the server says that the subscription is suspended or faulted")
	default:
		return nil
	}
}

func (v *visitor) firstMessage(ctx context.Context) finding {
	if !v.subscribed {
		return skipped("there is no subscription")
	}
	m, err := v.awaitFull(ctx)
	if err != nil {
		return v.undelivered(err)
	}
	v.delivered, v.full = true, m
	text := fmt.Sprintf("%d status messages in %d groups: %s", m.entries, len(m.groups), groupsOf(m.groups))
	if m.entries == 0 {
		return warned("the list is empty", "the user may not see any status message: look at the user's access rights in Interaction Administrator")
	}
	return good("%s", text)
}

func (v *visitor) undelivered(err error) finding {
	f := broken(err)
	if !errors.Is(err, errNotDelivered) {
		return f
	}
	if _, streams := v.source.(*streaming); streams {
		f.advice = "the subscription was accepted, but the event stream carries nothing: does a proxy buffer it? Try transport: poll"
	} else {
		f.advice = "the subscription was accepted, but polling brings nothing; look at the server's Session Manager trace"
	}
	return f
}

// groupsOf names the largest groups.
func groupsOf(groups []catalogue.GroupCount) string {
	groups = slices.Clone(groups)
	slices.SortStableFunc(groups, func(a, b catalogue.GroupCount) int { return b.Entries - a.Entries })
	const most = 6
	var texts []string
	for _, g := range groups[:min(len(groups), most)] {
		texts = append(texts, g.Group+" "+strconv.Itoa(g.Entries))
	}
	if more := len(groups) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return list(texts)
}

// statusList compares the list with the subscription's. The exporter needs it
// only on a server that does not send everything again.
func (v *visitor) statusList(ctx context.Context) finding {
	l := newLive(v.opts.Limits.Groups)
	if err := v.session.List(ctx, l.reader); err != nil {
		f := tolerated(err)
		f.advice += "; the exporter needs the list only if the server does not send everything again at a second subscribe"
		return f
	}
	l.CommitFull(time.Now())
	switch {
	case !v.delivered:
		return good("%d status messages", l.Len())
	case l.Hash() != v.full.hash:
		return warned(fmt.Sprintf("%d status messages, other than the subscription's %d", l.Len(), v.full.entries),
			"if nobody has changed a status message in this second, the user's view of the list and of the subscription differ")
	default:
		return good("%d status messages, the same as the subscription's", l.Len())
	}
}

// secondSubscribe settles whether a second PUT sends everything again, which is
// not documented (protocol.md, 9.1). Either is fine.
func (v *visitor) secondSubscribe(ctx context.Context) finding {
	if !v.delivered {
		return skipped("the first message did not come")
	}
	if p, ok := v.source.(*polling); ok {
		p.pause = 0
	}
	if err := v.session.Subscribe(ctx, icws.StatusMessages, nil); err != nil {
		return broken(err)
	}
	_, err := v.awaitFull(ctx)
	switch {
	case err == nil:
		return good("the server sends everything again: that is how the exporter checks delivery")
	case errors.Is(err, errNotDelivered):
		return good("the server does not send everything again (waited %s): the exporter compares with the status list instead", v.server.DeliveryTimeout)
	default:
		return broken(err)
	}
}

// observe looks on for a while.
func (v *visitor) observe(ctx context.Context) finding {
	switch {
	case v.opts.Observe <= 0:
		return skipped("not asked for (--observe)")
	case !v.delivered:
		return skipped("the first message did not come")
	}
	watching, cancel := context.WithTimeout(ctx, v.opts.Observe)
	defer cancel()
	full, deltas, others := 0, 0, 0
	for {
		m, err := v.source.next(watching)
		if err != nil && watching.Err() != nil && ctx.Err() == nil {
			break
		}
		if err == nil {
			err = bad(m)
		}
		if err != nil {
			return broken(err)
		}
		switch {
		case m.Kind != icws.KindContent:
			others++
		case m.IsDelta:
			deltas++
		default:
			full++
		}
	}
	text := fmt.Sprintf("in %s %d changes, %d whole lists, %d other messages", v.opts.Observe, deltas, full, others)
	if _, streams := v.source.(*streaming); streams {
		text += ", " + v.pings.String() + " since the stream was opened"
	}
	return good("%s", text)
}
