package voice

import (
	"context"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/media"
	"filo/router"
	"filo/sip"
)

// party is the agent's side of a conversation: a browser line, which may
// vanish and come back, or the leg to a SIP phone.
type party struct {
	agent   contact.AgentID
	ep      media.Endpoint  // nil while the line is lost
	leg     *sip.Leg        // of a phone; nil for a browser line
	dialog  *sip.Leg        // of the phone or the line, for the trace
	changed <-chan struct{} // a browser line came or went
}

// party returns nil when the agent who accepted cannot be reached. A browser
// line is the conversation's until its end.
func (w *waiting) party(e router.Event) *party {
	if a := w.ring.accepted; a != nil && a.offer == e.Offer {
		w.ring.accepted = nil
		return &party{agent: e.Agent, ep: a.ep, leg: a.leg, dialog: a.leg}
	}
	l, changed := w.k.c.lines.claim(e.Agent)
	if l == nil {
		return nil
	}
	w.k.traced(l.leg, agentRole(e.Agent)...)
	return &party{agent: e.Agent, ep: l.ep, dialog: l.leg, changed: changed}
}

// gone is closed when a phone has hung up; nil for browser lines.
func (p *party) gone() <-chan struct{} {
	if p.leg == nil {
		return nil
	}
	return p.leg.Done()
}

// media tells of a phone whose audio stopped; nil for browser lines, which
// their own goroutine follows.
func (p *party) media() <-chan media.Event {
	if p.leg == nil {
		return nil
	}
	return p.ep.Events()
}

// conversation is a caller and an agent in one room.
type conversation struct {
	k     *call
	p     *party
	state contact.CallState
	leave func() // of the agent; nil while apart
	grace <-chan time.Time

	accepted time.Time // by the clock of the media
	heard    bool      // both have had audio from the other
	told     heardFirst
	held     time.Time // since when the caller is on hold; zero: not
}

// watchEvery is how often a talking line is looked at.
const watchEvery = 200 * time.Millisecond

// talk connects caller and agent until one of them ends it. It reports whether
// the agent was lost instead: then the caller waits again, with music.
func (w *waiting) talk(ctx context.Context, p *party, e router.Event) (lost bool) {
	k := w.k
	v := &conversation{k: k, p: p, accepted: time.Now().Add(-max(0, k.c.now().Sub(e.At)))}
	defer k.room.Join(k.ep, media.Role{})()
	if p.leg == nil {
		defer k.c.lines.release(p.agent)
	} else {
		defer func() { (&ringAnswer{leg: p.leg, ep: p.ep}).close(ctx, k.log, "conversation over") }()
	}
	v.together()
	k.connected(p.agent)
	begun := k.c.now()
	lost = v.run(ctx, w.commands, w.takeEarly())
	v.observe()
	v.hold(false)
	k.talked += k.c.now().Sub(begun)
	if v.leave != nil {
		v.leave()
	}
	if lost {
		k.closeSegment(contact.Transferred)
		k.openSegment(k.segment.Queue, k.c.now())
		k.music.start(ctx, k.log, k.ep, k.c.music)
	}
	return lost
}

func (v *conversation) run(ctx context.Context, commands <-chan command, early []command) (lost bool) {
	for i, cmd := range early {
		if v.command(ctx, cmd) {
			for _, late := range early[i+1:] {
				late.done <- contact.ErrBadCommand
			}
			return false
		}
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-v.p.gone():
			return false
		case e := <-v.p.media():
			if e.Kind == media.Timeout || e.Kind == media.Failed {
				v.k.c.metrics.lineLost.Inc()
				return true
			}
		case <-v.p.changed:
			v.lineChanged(ctx)
		case <-tick.C:
			v.observe()
			v.listen(ctx)
		case <-v.grace:
			return true
		case <-v.k.digits: // the agent hears them as tones; nothing here wants them
		case cmd := <-commands:
			if v.command(ctx, cmd) {
				return false
			}
		}
	}
}

// together puts the agent into the room, unless there is a reason to be apart;
// the caller's music ends.
func (v *conversation) together() {
	if v.leave != nil || v.p.ep == nil || v.state.Hold || v.state.LineLost {
		return
	}
	v.k.music.stop()
	v.p.ep.Mute(v.state.Muted)
	v.leave = v.k.room.Join(v.p.ep, media.Role{})
}

// apart takes the agent out of the room; the caller hears music.
func (v *conversation) apart(ctx context.Context) {
	if v.leave == nil {
		return
	}
	v.leave()
	v.leave = nil
	v.k.note(noteMusic)
	v.k.music.start(ctx, v.k.log, v.k.ep, v.k.c.music)
}

// lineChanged follows the agent's newest browser line.
func (v *conversation) lineChanged(ctx context.Context) {
	l, changed := v.k.c.lines.current(v.p.agent)
	v.p.changed = changed
	v.apart(ctx)
	if l == nil {
		v.p.ep = nil
		v.lost(true)
		return
	}
	v.p.ep, v.p.dialog = l.ep, l.leg
	v.k.traced(l.leg, agentRole(v.p.agent)...)
	v.lost(false)
	v.together()
}

// listen notices a browser that went silent (a reload, a dead network) well
// before ICE does, and its return. On hold it may be silent.
func (v *conversation) listen(ctx context.Context) {
	if v.p.leg != nil || v.p.ep == nil {
		return
	}
	switch silent := v.k.c.silent(v.p.ep); {
	case silent && !v.state.LineLost && !v.state.Hold:
		v.apart(ctx)
		v.lost(true)
	case !silent && v.state.LineLost:
		v.lost(false)
		v.together()
	}
}

// lost starts or ends the grace in which a line may come back.
func (v *conversation) lost(on bool) {
	if v.state.LineLost == on {
		return
	}
	v.state.LineLost, v.grace = on, nil
	v.k.noteAt(v.p.dialog, either(on, noteLineLost, noteLineBack))
	if on {
		v.k.c.metrics.lineLost.Inc()
		v.grace = time.After(v.k.c.cfg.LineGrace)
	}
	v.tell()
}

func (v *conversation) tell() { v.k.c.deps.Watcher.CallChanged(v.p.agent, v.k.id, v.state) }

// command does what the agent asks; it reports whether the call is over.
func (v *conversation) command(ctx context.Context, cmd command) (ended bool) {
	if cmd.Agent != v.p.agent {
		cmd.done <- contact.ErrNotYours
		return false
	}
	before := v.state
	var err error
	switch cmd.Verb {
	case contact.Hold:
		v.hold(true)
		v.apart(ctx)
	case contact.Resume:
		v.hold(false)
		v.together()
	case contact.Mute, contact.Unmute:
		v.state.Muted = cmd.Verb == contact.Mute
		v.k.note(either(v.state.Muted, noteMuted, noteUnmuted), string(v.p.agent))
		if v.p.ep != nil {
			v.p.ep.Mute(v.state.Muted)
		}
	case contact.SendDigits:
		err = v.k.sendDigits(ctx, cmd.Digits)
	case contact.WrongReason:
		v.k.c.deps.Journey.CountDecision(v.k.context.Decision.Rule, journey.Wrong)
	case contact.HangUp:
		ended = true
	default:
		err = contact.ErrBadCommand
	}
	cmd.done <- err
	if v.state != before {
		v.tell()
	}
	return ended
}

// hold keeps the time that the caller was on hold.
func (v *conversation) hold(on bool) {
	if v.state.Hold == on {
		return
	}
	now := v.k.c.now()
	v.k.note(either(on, noteHold, noteResumed))
	if on {
		v.held = now
	} else {
		v.k.segment.HoldTime += now.Sub(v.held)
	}
	v.state.Hold = on
}

// observe measures, once, how long after the acceptance both could hear each
// other.
func (v *conversation) observe() {
	v.noteFirst()
	if v.heard || v.leave == nil {
		return
	}
	toCaller, toAgent := v.k.ep.Stats().JoinFirstOut, v.p.ep.Stats().JoinFirstOut
	if toCaller.IsZero() || toAgent.IsZero() {
		return
	}
	v.heard = true
	if toAgent.After(toCaller) {
		toCaller = toAgent
	}
	v.k.c.metrics.acceptToAudio.Observe(max(0, toCaller.Sub(v.accepted)).Seconds())
}
