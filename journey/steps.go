package journey

import (
	"context"
	"maps"
	"sync"
	"time"

	"filo/contact"
)

// stepClock remembers the last step of each half-filled form, to say that it
// was abandoned when nothing follows.
type stepClock struct {
	mu   sync.Mutex
	last map[stepKey]Event
}

type stepKey struct {
	leaf contact.CustomerID
	form string
}

// maxSteps bounds the forms watched at once; beyond it new ones are not.
const maxSteps = 100_000

func (s *stepClock) saw(e *Event) {
	if !e.progress() {
		return
	}
	k := stepKey{e.Customer, e.Attrs["form"]}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Kind != KindStep {
		delete(s.last, k)
		return
	}
	if s.last == nil {
		s.last = make(map[stepKey]Event)
	}
	if old, ok := s.last[k]; ok && old.OccurredAt.After(e.OccurredAt) || !ok && len(s.last) >= maxSteps {
		return
	}
	s.last[k] = *e
}

// due takes out the steps before the given time.
func (s *stepClock) due(before time.Time) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Event
	for k, e := range s.last {
		if e.OccurredAt.Before(before) {
			list = append(list, e)
			delete(s.last, k)
		}
	}
	return list
}

// watchSteps derives KindAbandoned events until ctx ends.
func (j *Journey) watchSteps(ctx context.Context) {
	tick := time.NewTicker(min(j.cfg.AbandonAfter, time.Minute))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if j.feed == nil {
			j.trim(ctx)
		}
		for _, e := range j.steps.due(j.now().Add(-j.cfg.AbandonAfter)) {
			if _, err := j.Ingest(ctx, abandoned(e)); err != nil && ctx.Err() == nil {
				j.log.WarnContext(ctx, "abandoned form not recorded", "event_id", e.ID, "error", err)
			}
		}
	}
}

// trim empties the outbox of a single node, which has nobody to tell.
func (j *Journey) trim(ctx context.Context) {
	if err := j.rec.Forget(ctx, j.committed.Load()); err != nil && ctx.Err() == nil {
		j.log.WarnContext(ctx, "outbox not trimmed", "error", err)
	}
}

// abandoned is the derived event: a moment after the step, as the step is
// when the customer stopped.
func abandoned(step Event) Event {
	return Event{
		Source: "journey", SourceID: "abandoned:" + step.ID, Customer: step.Customer,
		OccurredAt: step.OccurredAt.Add(time.Millisecond), Channel: step.Channel, Dir: contact.Indirect,
		Kind: KindAbandoned, Reason: step.Reason, Stage: step.Stage, Summary: step.Summary,
		Attrs: maps.Clone(step.Attrs), InReplyTo: step.ID,
	}
}
