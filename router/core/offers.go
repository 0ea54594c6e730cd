package core

// offerAgent offers the contact, which is in no list, to its best agent.
func (s *State) offerAgent(c Contact, best agentChoice) {
	e := s.offer(c, best.agent)
	e.Chose, e.Key, e.Considered = ChoseAgent, best.key, best.considered
	e.NextAgent, e.NextContact = best.next, Nothing
	s.tell(best.agent)
}

// offerContact offers the agent its best contact, which is in no list.
func (s *State) offerContact(a Agent, best contactChoice) {
	e := s.offer(best.contact, a)
	e.Chose, e.Key = ChoseContact, best.key
	e.NextAgent, e.NextContact = Nobody, best.next
	s.tell(a)
}

// offer leaves the reason, and what the agent does, to be told.
func (s *State) offer(c Contact, a Agent) *Effect {
	r, ag := &s.contacts[c], &s.agents[a]
	t := &s.types[r.typ]
	s.offers++
	r.phase = PhaseOffered
	e := s.emit(Offer, c, a)
	e.Offer, e.Time = s.offers, s.now+int64(t.OfferTimeout)
	e.Load, e.Since = ag.used, s.agentsCold[a].since
	r.timer = s.start(t.offerList, e.Time, offerTimer, c, s.offers)
	s.give(c, r, a, ag)
	ag.offers++
	s.load(a, ag, t.Channel)
	return e
}

// give puts the contact into the list of what the agent has.
func (s *State) give(c Contact, r *contactRec, a Agent, ag *agentRec) {
	r.agent, r.prev, r.next = a, Nothing, ag.first
	if ag.first != Nothing {
		s.contacts[ag.first].prev = c
	}
	ag.first = c
}

// load adds a contact's units to its agent, unload takes them away.
func (s *State) load(a Agent, ag *agentRec, ch Channel) {
	ag.used += uint16(s.cfg.Channels[ch].Weight) //nolint:gosec // clamped
	ag.count[ch]++
	s.touch(a)
}

func (s *State) unload(a Agent, ag *agentRec, ch Channel) {
	ag.used -= uint16(s.cfg.Channels[ch].Weight) //nolint:gosec // what load added
	ag.count[ch]--
	s.touch(a)
}

// endOffer says how the offer ended; the agent still has the contact.
func (s *State) endOffer(c Contact, offer uint64, how How) {
	r := &s.contacts[c]
	s.stop(&r.timer)
	s.agents[r.agent].offers--
	e := s.emit(OfferEnded, c, r.agent)
	e.Offer, e.How = offer, how
}

// release takes the contact from its agent.
func (s *State) release(c Contact) {
	r := &s.contacts[c]
	a := r.agent
	ag := &s.agents[a]
	if r.prev != Nothing {
		s.contacts[r.prev].next = r.next
	} else {
		ag.first = r.next
	}
	if r.next != Nothing {
		s.contacts[r.next].prev = r.prev
	}
	r.agent = Nobody
	if r.phase == PhaseParked {
		s.touch(a)
	} else {
		s.unload(a, ag, s.types[r.typ].Channel)
	}
	r.phase = phaseNowhere
}

// pending returns the number of the contact's offer, 0 when it has none.
func (s *State) pending(r *contactRec) uint64 {
	if r.phase != PhaseOffered {
		return 0
	}
	return s.timerRecs[r.timer].what
}

func (s *State) accept(c Contact, offer uint64, a Agent) Code {
	r := &s.contacts[c]
	if offer == 0 || s.pending(r) != offer || r.agent != a {
		return OfferGone
	}
	s.endOffer(c, offer, Accepted)
	r.phase = PhaseConnected
	ag := &s.agents[a]
	ag.live++
	ag.rona = 0
	s.tell(a)
	return 0
}

func (s *State) reject(c Contact, offer uint64, a Agent) Code {
	r := &s.contacts[c]
	if offer == 0 || s.pending(r) != offer || r.agent != a {
		return OfferGone
	}
	s.refuse(c, offer, Rejected)
	return 0
}

// expire is the offer's time-out: RONA.
func (s *State) expire(c Contact, offer uint64) {
	ag := &s.agents[s.contacts[c].agent]
	if ag.rona < 255 {
		ag.rona++
	}
	if s.cfg.RONALimit > 0 && int(ag.rona) >= s.cfg.RONALimit && ag.flags&isLeaving == 0 {
		ag.flags &^= isReady
		ag.reason = ReasonRONA
	}
	s.refuse(c, offer, Expired)
}

// refuse is the event rule of a refusal: release, exclude, route the contact,
// let the agent take another one.
func (s *State) refuse(c Contact, offer uint64, how How) {
	r := &s.contacts[c]
	a := r.agent
	s.endOffer(c, offer, how)
	s.release(c)
	s.exclude(c, a)
	if r.flags&isHeld != 0 && s.contactsCold[c].pref == a {
		s.endHold(c)
	}
	s.route(c)
	s.settle(a)
}
