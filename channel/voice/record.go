package voice

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/measure"
)

// writeTimeout bounds the wait for the Record: the caller has gone already.
const writeTimeout = 5 * time.Second

// write puts the call itself on the caller's thread.
func (k *call) write(ctx context.Context) {
	info, now := k.leg.Info(), k.c.now()
	waited := k.waited
	if k.agent == "" && !k.enqueued.IsZero() {
		waited = now.Sub(k.enqueued)
	}
	e := journey.Event{
		Source: "voice", SourceID: string(k.id), Contact: k.id, Customer: k.context.Customer,
		OccurredAt: info.Received, ReceivedAt: now,
		Channel: contact.Voice, Dir: contact.Inbound, Kind: journey.KindCall,
		Reason: k.context.Decision.Reason, Summary: k.summary(),
		Attrs: map[string]string{
			"result":  string(k.result),
			"queue":   k.segment.Queue,
			"talk":    strconv.Itoa(int(k.talked / time.Second)),
			"wait":    strconv.Itoa(int(waited / time.Second)),
			"skipped": strconv.FormatBool(k.skipped),
		},
	}
	if k.skipped {
		e.Attrs["rule"] = k.context.Decision.Rule
		e.Attrs["confidence"] = strconv.FormatFloat(k.context.Decision.Confidence, 'f', 2, 64)
	}
	if a := k.agent; a != "" {
		e.Attrs["agent"], e.Attrs["agent_name"] = string(a), k.c.deps.Agents.Name(a)
	}
	k.describeTransfers(e.Attrs)
	if len(k.recorded) > 0 {
		e.Attrs["recordings"] = strings.Join(k.recorded, " ")
	}
	e.Identities = phoneOf(k.peer)
	if e.Customer == "" && len(e.Identities) == 0 {
		return // nobody's thread: the number was withheld
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if _, err := k.c.deps.Journey.Ingest(ctx, e); err != nil {
		k.log.Error("write call on the thread", "error", err)
	}
}

// describeTransfers says by whom the call was transferred and to whom, in
// order.
func (k *call) describeTransfers(attrs map[string]string) {
	var by, to []string
	for _, h := range k.transfers {
		by, to = append(by, k.c.deps.Agents.Name(h.by)), append(to, k.c.nameOf(h.to))
	}
	if len(by) > 0 {
		attrs["transferred_by"], attrs["transferred_to"] = strings.Join(by, ", "), strings.Join(to, ", ")
	}
}

// nameOf is a destination as the thread names it.
func (c *Conductor) nameOf(to contact.Destination) string {
	if to.Agent != "" {
		return c.deps.Agents.Name(to.Agent)
	}
	return to.Queue + to.Number
}

// phoneOf is the identity of a caller, none for a withheld number.
func phoneOf(peer string) []journey.Identity {
	e164, ok := journey.NormalPhone(peer, "") // a peer is E.164 already, or no number
	if !ok {
		return nil
	}
	return []journey.Identity{{Type: journey.Phone, Value: e164}}
}

// summary is the call in one line, in figures: words are made by the screen.
func (k *call) summary() string {
	switch {
	case k.agent != "":
		m := int(k.talked.Round(time.Second) / time.Second)
		return fmt.Sprintf("%d:%02d with %s", m/60, m%60, k.c.deps.Agents.Name(k.agent))
	case k.result == contact.Abandoned:
		return "Left before an answer"
	}
	return ""
}

// WrapUp completes a call's record with the agent's outcome: a note on the
// thread and the end of the wrap-up.
func (c *Conductor) WrapUp(ctx context.Context, card *contact.Card, n contact.WrapUpNote) error {
	now := c.now()
	c.deps.Measure.Update(n.Contact, n.Agent, func(s *measure.Segment) { s.WrapUpEndAt = now })
	if card.Customer == "" && n.Note == "" && !n.Reached {
		return nil
	}
	err := c.writeNote(ctx, card, n, now, journey.KindNote)
	if n.Reached {
		err = errors.Join(err, c.writeNote(ctx, card, n, now, journey.KindOrder))
	}
	return err
}

// writeNote puts what the agent says of a call on the thread: in words, or as
// the goal that was reached.
func (c *Conductor) writeNote(ctx context.Context, card *contact.Card, n contact.WrapUpNote, now time.Time, kind journey.Kind) error {
	if kind != journey.KindNote {
		n.Note = "" // said once
	}
	e := journey.Event{
		Source: "desk", SourceID: "wrapup/" + string(kind) + "/" + string(n.Contact), Contact: n.Contact, Customer: card.Customer,
		OccurredAt: now, ReceivedAt: now, Channel: contact.Voice, Dir: contact.Indirect,
		Kind: kind, Summary: n.Note,
		Attrs: map[string]string{"agent": string(n.Agent), "agent_name": c.deps.Agents.Name(n.Agent), "disposition": n.Disposition},
	}
	e.Identities = phoneOf(card.Peer)
	if e.Customer == "" && len(e.Identities) == 0 {
		return nil
	}
	if _, err := c.deps.Journey.Ingest(ctx, e); err != nil {
		return fmt.Errorf("write disposition of %s: %w", n.Contact, err)
	}
	return nil
}
