package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"icws_exporter/exporter/advice"
	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// stream opens what the messages come from.
func (v *sessionCheck) stream(ctx context.Context) finding {
	if !v.visit.Streams() {
		return skipped("polling needs none")
	}
	err := v.visit.OpenStream(ctx)
	if x, _ := v.seen.last(icws.OpStream); err == nil {
		err = x.Err // the probe polls instead, and is content
	}
	if err == nil {
		return good("open")
	}
	detail, what := explain(err)
	if v.visit.Streams() {
		v.noStream = true
		return failed(detail, what)
	}
	return warned(detail, what+"; "+advise(advice.StreamRefused, ""))
}

func (v *sessionCheck) subscribe(ctx context.Context) finding {
	if v.noStream {
		return skipped("there is no event stream")
	}
	if err := v.visit.Subscribe(ctx); err != nil {
		return broken(err)
	}
	v.subscribed = true
	return good("accepted")
}

func (v *sessionCheck) firstMessage(ctx context.Context) finding {
	if !v.subscribed {
		return skipped("there is no subscription")
	}
	if err := v.visit.Await(ctx); err != nil {
		return v.undelivered(err)
	}
	v.delivered = true
	s := v.probe.Snapshot()
	text := fmt.Sprintf("%d status messages in %d groups: %s", s.Entries, len(s.Groups), groupsOf(s.Groups))
	if s.Entries == 0 {
		return warned("the list is empty", advise(advice.EmptyList, ""))
	}
	return v.unlessSuspended(text)
}

// unlessSuspended is good unless the server says that it holds messages back, which
// the probe bears: its checks show whether that is true.
func (v *sessionCheck) unlessSuspended(text string) finding {
	if v.probe.Snapshot().Feeds[probe.StatusMessages].State == probe.SubscriptionSuspended {
		return warned(text+"; the server says that the subscription is suspended",
			advise(advice.Suspended, ""))
	}
	return good("%s", text)
}

func (v *sessionCheck) undelivered(err error) finding {
	f := broken(err)
	switch {
	case !errors.Is(err, probe.ErrNotDelivered):
	case v.visit.Streams():
		f.advice = advise(advice.StreamSilent, "")
	default:
		f.advice = advise(advice.PollsSilent, "")
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

// statusList compares the list with the subscription's. The exporter verifies its
// copy with it.
func (v *sessionCheck) statusList(ctx context.Context) finding {
	before := v.probe.Snapshot().Entries
	err := v.visit.List(ctx)
	if x, _ := v.seen.last(icws.OpList); err == nil {
		err = x.Err // the probe does without it, and is content
	}
	if err != nil {
		f := tolerated(err)
		f.advice += "; " + advise(advice.ListMayBeMissing, "")
		return f
	}
	entries := v.probe.Snapshot().Entries
	switch {
	case !v.delivered:
		return good("%d status messages", entries)
	case v.seen.drift > 0:
		return warned(fmt.Sprintf("%d status messages, other than the subscription's %d", entries, before),
			advise(advice.ListsDiffer, ""))
	default:
		return good("%d status messages, the same as the subscription's", entries)
	}
}

// secondSubscribe settles whether a second PUT sends everything again, which is
// not documented (protocol.md, 9.1). Either is fine.
func (v *sessionCheck) secondSubscribe(ctx context.Context) finding {
	if !v.delivered {
		return skipped("the first message did not come")
	}
	err := v.visit.Subscribe(ctx)
	if err == nil {
		err = v.visit.Await(ctx)
	}
	switch {
	case err != nil:
		return v.undelivered(err)
	case v.visit.Resends():
		return good("the server sends everything again: that is how the exporter checks delivery")
	default:
		return good("the server does not send everything again (waited %s): the exporter compares with the status list instead", model.Duration(v.server.DeliveryTimeout))
	}
}

// observe looks on for a while.
func (v *sessionCheck) observe(ctx context.Context) finding {
	switch {
	case v.opts.Observe <= 0:
		return skipped("not asked for (--observe)")
	case !v.delivered:
		return skipped("the first message did not come")
	}
	before := v.seen.counted()
	if err := v.visit.Watch(ctx, v.opts.Observe); err != nil {
		return broken(err)
	}
	var came [probe.NumMessageKinds]int
	for kind, n := range v.seen.counted() {
		came[kind] = n - before[kind]
	}
	text := fmt.Sprintf("in %s %d changes, %d whole lists, %d other messages", v.opts.Observe.Round(time.Millisecond),
		came[probe.MessageDelta], came[probe.MessageFull], came[probe.MessageOther])
	if v.visit.Streams() {
		text += ", " + v.seen.pinged() + " since the stream was opened"
	}
	return v.unlessSuspended(text)
}
