package voice

import (
	"context"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/router"
)

// conversation is what a caller and an agent have, with whom the agent
// consults and the supervisor who listens. It ends when the caller leaves,
// when the agent leaves and nobody else has the caller, or when the call goes
// on in a queue.
type conversation struct {
	k      *call
	ticket *router.Ticket
	caller *party
	agent  *party // nil once the agent has left the caller to who was consulted

	hold      bool     // the agent wished so
	consult   *consult // nil for none
	monitor   *monitor // nil for none
	news      chan news
	second    *party // the agent's own, over which he or she consults; nil: over the same line
	resumed   chan *party
	offPhone  func() // the agent's phone is on this call until then
	referrals chan referral

	end   outcome
	only  <-chan time.Time // of handedOn: until then for one agent alone; nil: for everybody
	shown shown

	began    time.Time // the agent's part of it
	accepted time.Time // by the clock of the media
	heard    bool      // both have had audio from the other
	told     heardFirst
	held     time.Time // since when the caller is left alone; zero: not
}

// outcome is how a conversation ended.
type outcome int

const (
	goesOn    outcome = iota
	isOver            // the caller left, or was left by the last one
	agentLost         // the caller waits again, before all others
	handedOn          // the caller waits elsewhere: the router knows
	unreached         // the number that the agent left the caller to does not answer
)

// watchEvery is how often talking lines are looked at.
const watchEvery = 200 * time.Millisecond

// talk connects caller and agent and follows what they do to its end.
func (w *waiting) talk(ctx context.Context, p *party, e router.Event) *conversation {
	k := w.k
	v := &conversation{
		k: k, ticket: w.ticket, agent: p, news: make(chan news), referrals: make(chan referral, maxReferrals),
		resumed:  make(chan *party, 2),
		caller:   &party{ep: k.ep, dialog: k.leg, music: &k.music},
		began:    k.c.now(),
		accepted: time.Now().Add(-max(0, k.c.now().Sub(e.At))),
	}
	k.connected(p.agent)
	v.watch(ctx, p)
	v.atPhone()
	v.connect(ctx)
	v.run(ctx, w.commands, w.takeEarly())
	v.close(ctx)
	return v
}

func (v *conversation) run(ctx context.Context, commands <-chan command, early []command) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for _, cmd := range early {
		v.command(ctx, cmd)
	}
	for v.end == goesOn {
		select {
		case <-ctx.Done():
			v.end = isOver
		case cmd := <-commands:
			v.command(ctx, cmd)
		case n := <-v.news:
			v.happened(ctx, n)
		case x := <-v.referrals:
			v.refer(ctx, x)
		case p := <-v.resumed:
			v.phoneResumed(ctx, p)
		case e, open := <-v.consult.events():
			v.consultTold(ctx, e, open)
		case a := <-v.consult.answers():
			v.consultAnswered(ctx, a)
		case a := <-v.monitor.answers():
			v.monitorAnswered(ctx, a)
		case e := <-v.k.recording.events():
			v.k.recordingFares(e)
		case <-tick.C:
			v.look(ctx)
		case <-v.k.digits: // the others hear them as tones; nothing here wants them
		}
		v.show()
	}
}

// close gives back whatever the conversation holds. What was asked when it was
// over already is refused.
func (v *conversation) close(ctx context.Context) {
	v.observe()
	if v.agent == nil && v.stage() == contact.ConsultRinging && v.end == isOver {
		v.k.result = contact.Abandoned // while the number rang
	}
	v.hold = false
	if v.consult != nil {
		v.endConsult(ctx)
	}
	v.endMonitor(ctx)
	v.clockHold()
	v.caller.apart()
	v.offPhone()
	if v.agent != nil {
		v.agentIsDone()
		v.agent.release(ctx, v.k)
	}
}

// agentIsDone counts the agent's part of the conversation.
func (v *conversation) agentIsDone() { v.k.talked += v.k.c.now().Sub(v.began) }

// happened takes what became of a party that is still on the call.
func (v *conversation) happened(ctx context.Context, n news) {
	if n.what == hasLeft {
		v.k.parting = passed(n.p.leg.Headers())
	}
	switch {
	case n.what == hasMoved:
		v.follow(n.p)
		if v.monitor.is(n.p) && !n.p.here() {
			v.endMonitor(ctx)
		}
		v.connect(ctx)
	case v.monitor.is(n.p):
		v.endMonitor(ctx)
		v.connect(ctx)
	case n.p == v.second:
		_ = v.drops(ctx, contact.CallCommand{}) // there is something to drop
	case n.p == v.consulted():
		v.consultedLeft(ctx)
	case n.p == v.agent && n.what == hasLeft:
		v.agentLeaves(ctx)
	case n.p == v.agent:
		v.k.c.metrics.lineLost.Inc()
		v.agentVanished(ctx)
	}
}

// look is what is done now and then.
func (v *conversation) look(ctx context.Context) {
	v.observe()
	agent, consulted := v.listen(v.agent), v.listen(v.consulted())
	if agent || consulted {
		v.connect(ctx)
	}
	switch {
	case v.gone(v.agent):
		v.agentVanished(ctx)
	case v.gone(v.consulted()), v.consult.late():
		v.consultedLeft(ctx)
	}
}

// agentLeaves ends the call, or leaves the caller to who was consulted.
func (v *conversation) agentLeaves(ctx context.Context) {
	if v.consulted() == nil || v.complete(ctx) != nil {
		v.end = isOver
	}
}

// agentVanished is agentLeaves of an agent who did not wish so: without a
// consulted one the caller goes back to the queue.
func (v *conversation) agentVanished(ctx context.Context) {
	if v.consulted() == nil || v.complete(ctx) != nil {
		v.end = agentLost
	}
}

// command does what somebody asks, and says whether it was done. What the
// router has told already comes first: who was just told "accepted" may be
// quicker than the select.
func (v *conversation) command(ctx context.Context, cmd command) {
	for pending := true; pending && v.end == goesOn; {
		select {
		case e, open := <-v.consult.events():
			v.consultTold(ctx, e, open)
		default:
			pending = false
		}
	}
	if cmd.second != nil && v.end == goesOn {
		cmd.done <- v.consultsOver(ctx, cmd)
		return
	}
	cmd.done <- v.obey(ctx, cmd.CallCommand)
}

func (v *conversation) obey(ctx context.Context, cmd contact.CallCommand) error {
	var do verb
	switch {
	case v.end != goesOn:
		return contact.ErrBadCommand
	case cmd.Verb == contact.Monitor:
		do = (*conversation).monitors
	case v.agent.is(cmd.Agent):
		do = agentVerbs[cmd.Verb]
	case v.consulted().is(cmd.Agent):
		do = consultedVerbs[cmd.Verb]
	default:
		return contact.ErrNotYours
	}
	if do == nil {
		return contact.ErrBadCommand
	}
	return do(v, ctx, cmd)
}

// verb is what somebody may ask of a conversation. It returns why it is not
// possible.
type verb func(*conversation, context.Context, contact.CallCommand) error

var agentVerbs = map[contact.Verb]verb{
	contact.Hold:         (*conversation).holds,
	contact.Resume:       (*conversation).holds,
	contact.Mute:         (*conversation).mutes,
	contact.Unmute:       (*conversation).mutes,
	contact.SendDigits:   (*conversation).presses,
	contact.WrongReason:  (*conversation).wrongReason,
	contact.HangUp:       (*conversation).hangsUp,
	contact.Transfer:     (*conversation).transfers,
	contact.Consult:      (*conversation).consults,
	contact.Swap:         (*conversation).swaps,
	contact.Conference:   (*conversation).confers,
	contact.Complete:     (*conversation).completes,
	contact.Drop:         (*conversation).drops,
	contact.Record:       (*conversation).records,
	contact.RecordPause:  (*conversation).records,
	contact.RecordResume: (*conversation).records,
	contact.RecordStop:   (*conversation).records,
}

var consultedVerbs = map[contact.Verb]verb{
	contact.Mute:   (*conversation).mutes,
	contact.Unmute: (*conversation).mutes,
	contact.HangUp: (*conversation).hangsUp,
}

// holds lets the caller hear music, or the agent again. With a consultation it
// is the circle that says who hears whom, unless the consulted is held.
func (v *conversation) holds(ctx context.Context, cmd contact.CallCommand) error {
	if stage := v.stage(); stage != "" && stage != contact.ConsultHeld {
		return contact.ErrBadCommand
	}
	v.setHold(cmd.Verb == contact.Hold)
	v.connect(ctx)
	return nil
}

func (v *conversation) setHold(on bool) {
	if v.hold != on {
		v.hold = on
		v.k.note(either(on, noteHold, noteResumed))
	}
}

func (v *conversation) mutes(_ context.Context, cmd contact.CallCommand) error {
	p := v.agent
	if !p.is(cmd.Agent) {
		p = v.consulted()
	}
	p.mute(cmd.Verb == contact.Mute)
	if v.second != nil && p == v.agent {
		v.second.mute(p.muted)
	}
	v.k.note(either(p.muted, noteMuted, noteUnmuted), string(p.agent))
	return nil
}

// presses sends keys to whom the agent talks alone with, else to the caller.
func (v *conversation) presses(ctx context.Context, cmd contact.CallCommand) error {
	to := v.caller
	if v.stage() == contact.ConsultTalking {
		to = v.consult.p
	}
	if !to.here() {
		return contact.ErrBadCommand
	}
	return v.k.sendDigits(ctx, to.ep, cmd.Digits)
}

func (v *conversation) wrongReason(context.Context, contact.CallCommand) error {
	v.k.c.deps.Journey.CountDecision(v.k.context.Decision.Rule, journey.Wrong)
	return nil
}

func (v *conversation) hangsUp(ctx context.Context, cmd contact.CallCommand) error {
	if v.agent.is(cmd.Agent) {
		v.agentLeaves(ctx)
	} else {
		v.consultedLeft(ctx)
	}
	return nil
}

// observe measures, once, how long after the acceptance both could hear each
// other.
func (v *conversation) observe() {
	if v.agent == nil || v.agent.leave == nil || v.caller.leave == nil {
		return
	}
	v.noteFirst()
	if v.heard {
		return
	}
	toCaller, toAgent := v.caller.ep.Stats().JoinFirstOut, v.agent.ep.Stats().JoinFirstOut
	if toCaller.IsZero() || toAgent.IsZero() {
		return
	}
	v.heard = true
	if toAgent.After(toCaller) {
		toCaller = toAgent
	}
	v.k.c.metrics.acceptToAudio.Observe(max(0, toCaller.Sub(v.accepted)).Seconds())
}

// role is who the party is, for the trace.
func (v *conversation) role(p *party) []string {
	switch {
	case v.monitor.is(p):
		return supervisorRole(p.agent)
	case p.agent == "":
		return []string{"number"}
	case p.leg == nil:
		return browserRole(p.agent)
	}
	return agentRole(p.agent)
}
