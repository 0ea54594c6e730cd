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
	changed <-chan struct{} // a browser line came or went
}

// party returns nil when the agent who accepted cannot be reached.
func (w *waiting) party(e router.Event) *party {
	if a := w.ring.answered; a != nil {
		return &party{agent: e.Agent, ep: a.ep, leg: a.leg}
	}
	l, changed := w.k.c.lines.current(e.Agent)
	if l == nil {
		return nil
	}
	return &party{agent: e.Agent, ep: l.ep, changed: changed}
}

// gone is closed when a phone has hung up; nil for browser lines.
func (p *party) gone() <-chan struct{} {
	if p.leg == nil {
		return nil
	}
	return p.leg.Done()
}

// conversation is a caller and an agent in one room.
type conversation struct {
	k     *call
	p     *party
	state CallState
	leave func() // of the agent; nil while apart
	grace <-chan time.Time
}

// watchEvery is how often a talking line is looked at.
const watchEvery = 200 * time.Millisecond

// talk connects caller and agent until one of them ends it. It reports
// whether the agent was lost instead, so that the caller must be served anew.
func (k *call) talk(ctx context.Context, p *party, e router.Event) (lost bool) {
	v := &conversation{k: k, p: p}
	leaveCaller := k.room.Join(k.ep, media.Role{})
	defer leaveCaller()
	if p.leg == nil {
		k.c.lines.use(p.agent, true)
		defer k.c.lines.use(p.agent, false)
	} else {
		defer func() {
			hangup(context.WithoutCancel(ctx), k.log, p.leg, "conversation over")
			closeEndpoint(k.log, p.ep)
		}()
	}
	v.together(ctx)
	k.segment.Agent, k.segment.AnsweredAt = p.agent, k.c.now()
	k.c.deps.Measure.Record(k.segment)
	lost = v.run(ctx)
	v.observe(e.At)
	v.apart(ctx)
	k.music.stop()
	k.talked += since(k.c.now(), k.segment.AnsweredAt)
	return lost
}

func (v *conversation) run(ctx context.Context) (lost bool) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-v.p.gone():
			return false
		case <-v.p.changed:
			v.lineChanged(ctx)
		case <-tick.C:
			v.listen(ctx)
		case <-v.grace:
			v.k.c.metrics.lineLost.Inc()
			return true
		case <-v.k.digits: // the agent hears them as tones; nothing here wants them
		case cmd := <-v.k.commands:
			if v.command(ctx, cmd) {
				return false
			}
		}
	}
}

// together puts the agent into the room; the caller's music ends.
func (v *conversation) together(ctx context.Context) {
	if v.leave != nil || v.p.ep == nil || v.state.Hold {
		return
	}
	v.k.music.stop()
	v.leave = v.k.room.Join(v.p.ep, media.Role{})
	v.p.ep.Mute(v.state.Muted)
	_ = ctx
}

// apart takes the agent out of the room; the caller hears music.
func (v *conversation) apart(ctx context.Context) {
	if v.leave == nil {
		return
	}
	v.leave()
	v.leave = nil
	if ctx.Err() == nil {
		v.k.music.start(ctx, &v.k.wg, v.k.log, v.k.ep, v.k.c.music)
	}
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
	v.p.ep = l.ep
	v.lost(false)
	v.together(ctx)
}

// listen notices a browser that went silent (a reload, a dead network) well
// before ICE does, and its return.
func (v *conversation) listen(ctx context.Context) {
	if v.p.leg != nil || v.p.ep == nil || v.p.ep.Stats().FirstRTPIn.IsZero() {
		return
	}
	switch silent := v.k.c.silent(v.p.ep); {
	case silent && !v.state.LineLost && !v.state.Hold:
		v.apart(ctx)
		v.lost(true)
	case !silent && v.state.LineLost:
		v.lost(false)
		v.together(ctx)
	}
}

func (v *conversation) lost(on bool) {
	if v.state.LineLost == on {
		return
	}
	v.state.LineLost = on
	v.grace = nil
	if on {
		v.grace = time.After(v.k.c.cfg.LineGrace)
	}
	v.tell()
}

func (v *conversation) tell() { v.k.c.deps.Watcher.CallChanged(v.k.id, v.state) }

// command does what the agent asks; it reports whether the call is over.
func (v *conversation) command(ctx context.Context, cmd command) (ended bool) {
	if cmd.Agent != v.p.agent {
		cmd.done <- contact.ErrNotYours
		return false
	}
	var err error
	switch cmd.Verb {
	case contact.Hold:
		v.state.Hold = true
		v.apart(ctx)
	case contact.Resume:
		v.state.Hold = false
		v.together(ctx)
	case contact.Mute, contact.Unmute:
		v.state.Muted = cmd.Verb == contact.Mute
		if v.p.ep != nil {
			v.p.ep.Mute(v.state.Muted)
		}
	case contact.SendDigits:
		err = v.sendDigits(ctx, cmd.Digits)
	case contact.WrongReason:
		v.k.c.deps.Journey.CountDecision(v.k.context.Decision.Rule, journey.Wrong)
	case contact.HangUp:
		ended = true
	default:
		err = contact.ErrBadCommand
	}
	cmd.done <- err
	if err == nil && !ended {
		v.tell()
	}
	return ended
}

// sendDigits plays keys to the caller, in the background: a key lasts 180 ms.
func (v *conversation) sendDigits(ctx context.Context, keys string) error {
	if len(keys) == 0 || len(keys) > 32 {
		return contact.ErrBadCommand
	}
	for _, r := range keys {
		if !isKey(r) {
			return contact.ErrBadCommand
		}
	}
	k := v.k
	k.wg.Go(func() {
		if err := k.ep.SendDigits(ctx, keys); err != nil && ctx.Err() == nil {
			k.log.Warn("send digits", "error", err)
		}
	})
	return nil
}

func isKey(r rune) bool {
	return r >= '0' && r <= '9' || r == '*' || r == '#' || r >= 'A' && r <= 'D'
}

// observe measures how long after the acceptance both could hear each other.
func (v *conversation) observe(accepted time.Time) {
	if v.p.ep == nil {
		return
	}
	both := v.k.ep.Stats().JoinFirstOut
	if at := v.p.ep.Stats().JoinFirstOut; at.After(both) {
		both = at
	}
	if !both.IsZero() && both.After(accepted) {
		v.k.c.metrics.acceptToAudio.Observe(both.Sub(accepted).Seconds())
	}
}
