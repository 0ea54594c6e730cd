package voice

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/measure"
)

// end hangs up, writes the call on the thread and closes its segment.
func (k *call) end(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	hangup(ctx, k.log, k.leg, "normal clearing")
	now := k.c.now()
	if k.segment.Contact != "" {
		k.segment.EndedAt, k.segment.Result = now, k.result
		k.c.deps.Measure.Record(k.segment)
	}
	k.c.metrics.results.WithLabelValues(string(k.result)).Inc()
	k.log.Info("call ended", "result", string(k.result), "queue", k.target.Queue,
		"agent_id", string(k.segment.Agent), "skipped", k.skipped, "context", string(k.context.Status),
		"talk", k.talked.Round(time.Millisecond).String())
	k.write(ctx, now)
}

// writeTimeout bounds the wait for the Record: the caller has gone already.
const writeTimeout = 5 * time.Second

// write puts the call itself on the caller's thread.
func (k *call) write(ctx context.Context, now time.Time) {
	info := k.leg.Info()
	e := journey.Event{
		Source: "voice", SourceID: string(k.id), Contact: k.id, Customer: k.context.Customer,
		OccurredAt: info.Received, ReceivedAt: now,
		Channel: contact.Voice, Dir: contact.Inbound, Kind: journey.KindCall,
		Reason: k.context.Decision.Reason, Summary: k.summary(),
		Attrs: map[string]string{
			"result":  string(k.result),
			"queue":   k.target.Queue,
			"talk":    strconv.Itoa(int(k.talked / time.Second)),
			"wait":    strconv.Itoa(int(since(k.segment.AnsweredAt, k.enqueued) / time.Second)),
			"skipped": strconv.FormatBool(k.skipped),
		},
	}
	if k.skipped {
		e.Attrs["rule"] = k.context.Decision.Rule
		e.Attrs["confidence"] = strconv.FormatFloat(k.context.Decision.Confidence, 'f', 2, 64)
	}
	if a := k.segment.Agent; a != "" {
		e.Attrs["agent"], e.Attrs["agent_name"] = string(a), k.c.deps.Agents.Name(a)
	}
	if id, ok := k.c.identity(k.caller(), k.c.trunks[info.Trunk].Region); ok && !info.Withheld && info.Trunk != "" {
		e.Identities = append(e.Identities, id)
	}
	if e.Customer == "" && len(e.Identities) == 0 {
		return // nobody's thread: the number was withheld
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if _, err := k.c.deps.Journey.Ingest(ctx, e); err != nil {
		k.log.Error("write call on the thread", "error", err)
	}
}

func (c *Conductor) identity(number, region string) (journey.Identity, bool) {
	e164, ok := journey.NormalPhone(number, region)
	return journey.Identity{Type: journey.Phone, Value: e164}, ok
}

// summary is the call in one line, in figures: words are made by the screen.
func (k *call) summary() string {
	switch {
	case k.segment.Agent != "":
		m := int(k.talked.Round(time.Second) / time.Second)
		return fmt.Sprintf("%d:%02d with %s", m/60, m%60, k.c.deps.Agents.Name(k.segment.Agent))
	case k.result == contact.Abandoned:
		return "Left before an answer"
	}
	return ""
}

// WrapUp completes a call's record with the agent's outcome: a note on the
// thread and the end of the wrap-up.
func (c *Conductor) WrapUp(ctx context.Context, card *contact.Card, n contact.WrapUpNote) error {
	now := c.now()
	c.deps.Measure.Update(n.Contact, func(s *measure.Segment) { s.WrapUpEndAt = now })
	if card.Customer == "" && n.Note == "" {
		return nil
	}
	e := journey.Event{
		Source: "desk", SourceID: "wrapup/" + string(n.Contact), Contact: n.Contact, Customer: card.Customer,
		OccurredAt: now, ReceivedAt: now, Channel: contact.Voice, Dir: contact.Indirect,
		Kind: journey.KindNote, Summary: n.Note,
		Attrs: map[string]string{"agent": string(n.Agent), "agent_name": c.deps.Agents.Name(n.Agent), "disposition": n.Disposition},
	}
	if id, ok := c.identity(card.Peer, ""); ok {
		e.Identities = append(e.Identities, id)
	}
	if e.Customer == "" && len(e.Identities) == 0 {
		return nil
	}
	if _, err := c.deps.Journey.Ingest(ctx, e); err != nil {
		return fmt.Errorf("write disposition of %s: %w", n.Contact, err)
	}
	return nil
}
