package desk

import (
	"maps"
	"strings"
	"time"

	"filo/contact"
)

// Longest answers that an agent may write, in bytes. An SMS of more than ten
// parts is refused by providers.
const (
	maxMail = 64 << 10
	maxSMS  = 1600
)

func (s *seat) offerJSON(it *item) offerJSON {
	o, c := it.offer, it.card
	return offerJSON{
		ID: o.ID, Contact: it.id, Channel: c.Channel, Queue: c.Queue, QueueLabel: s.d.queueLabel(c.Queue),
		Expires: stamp(o.Expires), TimeoutMS: ms(o.Timeout), Subject: it.subject(), Peer: shown(c.Peer, it.tier),
		View: it.view, Why: it.why, WhyText: it.text, Skipped: it.skipped(s.d.now()), Next: o.Next,
		Phone: s.user.Phone && c.Channel == contact.Voice, Consult: consultOf(c),
	}
}

func (s *seat) contactJSON(it *item) contactJSON {
	h, c := it.had, it.card
	j := contactJSON{
		ID: it.id, Channel: c.Channel, State: h.Phase, Queue: c.Queue, QueueLabel: s.d.queueLabel(c.Queue),
		Since: stamp(h.Since), Subject: it.subject(), Peer: shown(c.Peer, it.tier), View: it.view, WhyText: it.text,
		Skipped: it.skipped(s.d.now()), Hold: it.call.Hold, Muted: it.call.Muted, LineLost: it.call.LineLost,
		Consult: consultOf(c),
	}
	if c.Channel == contact.Voice && h.Phase == contact.Connected {
		j.Call = callOf(it.call)
	}
	if h.Phase == contact.WrapUp {
		j.WrapUpEnds = stampOrNil(h.WrapUpEnds)
	}
	if c.Channel != contact.Voice {
		j.Deadline = stampOrNil(s.d.deadline(c))
		j.Reply = it.reply()
	}
	return j
}

// consultOf says who asks for help, nil for an ordinary contact.
func consultOf(c *contact.Card) *consultOfJSON {
	if c.Consult == nil {
		return nil
	}
	return &consultOfJSON{Contact: c.Consult.Contact, By: c.Consult.By, Name: c.Consult.Name}
}

// callOf is a call's state as the API says it.
func callOf(c contact.CallState) *callJSON {
	j := &callJSON{Hold: c.Hold, Muted: c.Muted, LineLost: c.LineLost, Recording: "off"}
	if c.Recording != contact.RecordingOff {
		j.Recording = string(c.Recording)
	}
	if x := c.Consult; x.Stage != "" {
		j.Consult = &consultJSON{To: x.To, Name: x.Name, State: x.Stage}
	}
	if m := c.Monitor; m.Mode != "" {
		j.Monitor = &watchedJSON{Mode: m.Mode, Name: m.Name}
	}
	return j
}

// subject is closed with everything else that the customer said, below D2.
func (it *item) subject() string {
	if it.tier < contact.D2 {
		return ""
	}
	return it.card.Subject
}

// reply says how a message may be answered, nil when it may not be now.
func (it *item) reply() *replyJSON {
	if it.had == nil || it.had.Phase != contact.Connected {
		return nil
	}
	r := &replyJSON{To: shown(it.card.Peer, it.tier), Max: maxSMS}
	if it.card.Channel == contact.Email {
		r.Max, r.Subject = maxMail, it.subject()
		if !strings.HasPrefix(strings.ToLower(r.Subject), "re:") {
			r.Subject = strings.TrimSpace("Re: " + r.Subject)
		}
	}
	return r
}

// skipped tells of a menu that was not played, nil when it was.
func (it *item) skipped(now time.Time) *skippedJSON {
	if !it.card.SkippedIVR {
		return nil
	}
	d := it.card.Context.Decision
	s := &skippedJSON{Rule: d.Rule, Confidence: d.Confidence, Digits: it.card.Digits}
	if !d.At.IsZero() {
		s.AgeMS = max(0, ms(now.Sub(d.At)))
	}
	if s.Digits == nil {
		s.Digits = []string{}
	}
	return s
}

// queueLabel is the queue's name by language; its id where it has none.
func (d *Desk) queueLabel(queue string) map[string]string {
	label := map[string]string{"en": queue, "it": queue}
	if en := d.deps.Routing.Queues[queue].Label["en"]; en != "" {
		label["it"] = en
	}
	maps.Copy(label, d.deps.Routing.Queues[queue].Label)
	return label
}

// deadline is when a message ought to be answered: its arrival and the
// patience of its queue or, without one, of its channel.
func (d *Desk) deadline(c *contact.Card) time.Time {
	patience := d.deps.Routing.Queues[c.Queue].Patience
	if patience == 0 {
		patience = d.deps.Routing.Channels[c.Channel].Patience
	}
	if patience == 0 || c.Arrived.IsZero() {
		return time.Time{}
	}
	return c.Arrived.Add(patience)
}
