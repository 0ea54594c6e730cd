package core

import "slices"

// State is the whole of routing: agents, contacts, offers, timers. The zero
// value is not usable; see New. A State is not safe for concurrent use.
type State struct {
	cfg    Config
	now    int64
	origin int64 // the first time seen: keys count from it
	begun  bool

	agents       []agentRec
	agentsCold   []agentCold
	contacts     []contactRec
	contactsCold []contactCold
	defs
	cells
	lanes
	banks
	rooms
	timers
	exclusions

	stamps   uint64 // last stamp given to an agent (key I)
	arrivals uint64 // last order of arrival (key seq)
	offers   uint64 // last offer number
	out      []Effect
}

// New returns an empty State.
func New(cfg Config) *State {
	if cfg.MaxAgents == 0 {
		cfg.MaxAgents = 1 << 20
	}
	if cfg.MaxContacts == 0 {
		cfg.MaxContacts = 1 << 22
	}
	cfg.MaxAgents, cfg.MaxContacts = min(cfg.MaxAgents, 1<<22), min(cfg.MaxContacts, 1<<26)
	if cfg.MaxPriority <= 0 {
		cfg.MaxPriority = 100
	}
	cfg.MaxPriority = min(cfg.MaxPriority, maxPriority)
	cfg.Channels = slices.Clone(cfg.Channels[:min(len(cfg.Channels), MaxChannels)])
	if len(cfg.Channels) == 0 {
		cfg.Channels = []ChannelRule{{Weight: 1}}
	}
	for ch := range cfg.Channels {
		w := &cfg.Channels[ch].Weight
		*w = min(max(*w, 1), maxUnits)
	}
	s := &State{cfg: cfg}
	s.defs.init()
	s.lanes.init()
	s.banks.init()
	s.timers.init()
	s.exclList = s.listOf(int64(cfg.Exclude))
	return s
}

// Apply lets the time be now (nanoseconds since 1970; it never goes back),
// runs the timers that are due, then cmd, and appends what happened to dst. A
// command that cannot be done changes nothing and leaves one Refused effect,
// the last. Apply allocates only to grow towards the largest number of agents,
// contacts and timers seen. A State serves for seven years from its first
// command.
func (s *State) Apply(now int64, cmd Command, dst []Effect) []Effect {
	if !s.begun {
		s.begun, s.origin = true, now
	}
	s.now = max(s.now, now)
	s.out = dst
	if s.next <= s.now {
		s.runTimers()
	}
	if code := s.do(&cmd); code != 0 {
		e := s.emit(Refused, cmd.Contact, cmd.Agent)
		e.Op, e.Code, e.Offer = cmd.Op, code, cmd.Offer
	}
	dst, s.out = s.out, nil
	return dst
}

// NextDeadline returns when Apply ought to be called at the latest, if ever.
func (s *State) NextDeadline() (at int64, ok bool) {
	s.soonest()
	return s.next, s.next != never
}

// emit appends an effect. The caller fills in the rest where it is: an Effect
// that was made elsewhere and then copied would hold the processor up until
// its fields have left the store buffer.
func (s *State) emit(kind EffectKind, c Contact, a Agent) *Effect {
	s.out = append(s.out, Effect{})
	e := &s.out[len(s.out)-1]
	e.Kind, e.Contact, e.Agent = kind, c, a
	return e
}

func (s *State) do(cmd *Command) Code {
	switch cmd.Op {
	case OpTick:
		return 0
	case OpSignIn:
		return s.signIn(cmd)
	case OpSignOut, OpReady, OpNotReady, OpReach, OpVanish:
		return s.doAgent(cmd)
	case OpArrive:
		return s.arrive(cmd)
	case OpRoom:
		return s.setRoom(cmd.Room, cmd.Size)
	default:
		return s.doContact(cmd)
	}
}

func (s *State) doAgent(cmd *Command) Code {
	if int(cmd.Agent) >= len(s.agents) || s.agents[cmd.Agent].flags&isSignedIn == 0 {
		return NoAgent
	}
	switch cmd.Op {
	case OpSignOut:
		s.signOut(cmd.Agent)
	case OpReady:
		return s.setReady(cmd.Agent)
	case OpNotReady:
		s.setNotReady(cmd.Agent, cmd.Reason)
	case OpReach:
		s.reach(cmd.Agent, cmd.Channels)
	case OpVanish:
		s.vanish(cmd.Agent)
	}
	return 0
}

func (s *State) doContact(cmd *Command) Code {
	if cmd.Op >= opEnd {
		return BadCommand
	}
	if (cmd.Op == OpTransfer || cmd.Op == OpMove || cmd.Op == OpHandOver) && (uint32(cmd.Contact) >= s.cfg.MaxContacts || !s.defined(cmd)) {
		return BadCommand
	}
	if int(cmd.Contact) >= len(s.contacts) || s.contacts[cmd.Contact].phase == PhaseFree {
		if cmd.Op == OpAccept || cmd.Op == OpReject {
			return OfferGone
		}
		return NoContact
	}
	c := cmd.Contact
	switch cmd.Op {
	case OpAccept:
		return s.accept(c, cmd.Offer, cmd.Agent)
	case OpReject:
		return s.reject(c, cmd.Offer, cmd.Agent)
	case OpWithdraw:
		return s.withdraw(c)
	case OpEnd:
		return s.end(c, cmd.Dur)
	case OpRequeue:
		return s.requeue(c, cmd.Agent)
	case OpTransfer:
		return s.transfer(c, cmd)
	case OpHandOver:
		return s.handOver(c, cmd)
	case OpMove:
		return s.move(c, cmd)
	case OpPark:
		return s.park(c)
	case OpResume:
		return s.resume(c)
	case OpWrapEnd:
		return s.wrapEnd(c)
	case OpWrapExtend:
		return s.wrapExtend(c, cmd.Dur)
	}
	return BadCommand
}

// runTimers fires what is due, in the order of the published event rule. What
// it starts anew lies after now, so it ends.
func (s *State) runTimers() {
	for {
		at, timer := s.firstTimer()
		if lane, laneAt := s.firstBand(); lane != noLane && laneAt < at {
			if laneAt > s.now {
				break
			}
			s.bandDue(lane)
			continue
		}
		if at > s.now {
			break
		}
		s.fire(timer)
	}
	s.soonest()
}

func (s *State) fire(id timerID) {
	t := s.timerRecs[id]
	s.stop(&id)
	if t.kind == exclusionTimer {
		s.exclusionOver(t.contact, exclID(t.what)) //nolint:gosec // an exclID went in
		return
	}
	s.contacts[t.contact].timer = noTimer
	switch t.kind {
	case holdTimer:
		s.reroute(t.contact)
	case offerTimer:
		s.expire(t.contact, t.what)
	case wrapTimer:
		s.finish(t.contact)
	}
}
