package voice

import (
	"time"

	"filo/contact"
	"filo/measure"
	"filo/router"
)

// A call has a segment for each stretch in a queue: a new one when it comes
// back from the menu or from an agent who was lost. The router keeps the
// caller's age over all of them; a segment's clock is its own.

// openSegment begins the stretch in a queue.
func (k *call) openSegment(queue string, since time.Time) {
	n := 0
	if k.segment.Contact != "" {
		n = k.segment.N + 1
	}
	k.segment = measure.Segment{
		Contact: k.id, N: n, Channel: contact.Voice, Queue: queue,
		ArrivedAt: k.leg.Info().Received, EnqueuedAt: since,
		SkippedIVR: k.skipped, Rule: k.rule,
	}
	k.note(noteQueued, queue)
	k.c.deps.Measure.Record(k.segment)
}

// closeSegment ends the stretch, and for all that is known now the call.
func (k *call) closeSegment(r contact.Result) {
	k.result = r
	k.segment.EndedAt, k.segment.Result = k.c.now(), r
	k.c.deps.Measure.Record(k.segment)
}

func (k *call) offered(e router.Event) {
	k.segment.Offers++
	k.note(noteOffered, string(e.Agent))
	if k.segment.OfferedAt.IsZero() {
		k.segment.OfferedAt, k.segment.AlertedAt = e.At, e.At
		if k.skipped && k.segment.N == 0 {
			k.c.metrics.inviteToOffer.Observe(e.At.Sub(k.leg.Info().Received).Seconds())
		}
	}
	k.c.deps.Measure.Record(k.segment)
}

func (k *call) connected(agent contact.AgentID) {
	now := k.c.now()
	if k.agent == "" {
		k.waited = now.Sub(k.enqueued)
	}
	k.agent = agent
	k.note(noteTalking, string(agent))
	k.segment.Agent, k.segment.AnsweredAt = agent, now
	k.c.deps.Measure.Record(k.segment)
}

// continueSegment begins the stretch of an agent who was consulted and has
// taken the call over: it began with the wish for help.
func (k *call) continueSegment(s measure.Segment) {
	s.N, s.SkippedIVR, s.Rule = k.segment.N+1, k.skipped, k.rule
	k.segment, k.agent = s, s.Agent
	k.note(noteTalking, string(s.Agent))
	k.c.deps.Measure.Record(s)
}

// lost closes the segment of a call that ended with the program.
func (c *Conductor) lost(l router.Lost) {
	c.metrics.results.WithLabelValues(string(contact.LostRestart)).Inc()
	c.log.Info("call was lost with the program", "contact_id", string(l.Contact), "queue", l.Queue, "agent_id", string(l.Agent))
	c.deps.Measure.Record(measure.Segment{
		Contact: l.Contact, Channel: contact.Voice, Queue: l.Queue, Agent: l.Agent,
		ArrivedAt: l.EnqueuedAt, EnqueuedAt: l.EnqueuedAt, EndedAt: l.At, Result: contact.LostRestart,
	})
}
