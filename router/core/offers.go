package core

// offerAgent offers the contact, which is in no list, to its best agent.
func (s *State) offerAgent(c Contact, best agentChoice) {
	s.offer(c, best.agent, Effect{
		Chose: ChoseAgent, Key: best.key, Considered: best.considered,
		NextAgent: best.next, NextContact: Nothing,
	})
}

// offerContact offers the agent its best contact, which is in no list.
func (s *State) offerContact(a Agent, best contactChoice) {
	s.offer(best.contact, a, Effect{
		Chose: ChoseContact, Key: best.key, Considered: best.considered,
		NextAgent: Nobody, NextContact: best.next,
	})
}

func (s *State) offer(c Contact, a Agent, e Effect) {
	r, ag := &s.contacts[c], &s.agents[a]
	t := &s.types[r.typ]
	s.offers++
	r.phase, r.agent, r.offer = PhaseOffered, a, s.offers
	r.deadline = s.now + min(int64(t.OfferTimeout), maxDur)
	r.timer = s.start(r.deadline, offerTimer, c, noExcl)
	e.Kind, e.Contact, e.Agent, e.Offer, e.Time = Offer, c, a, s.offers, r.deadline
	e.Load, e.Since = ag.used, ag.since
	r.agentPrev, r.agentNext = Nothing, ag.first
	if ag.first != Nothing {
		s.contacts[ag.first].agentPrev = c
	}
	ag.first = c
	ag.offers++
	ag.used += uint16(s.cfg.Channels[t.Channel].Weight) //nolint:gosec // at most the capacity
	ag.count[t.Channel]++
	s.touch(a)
	s.emit(e)
	s.tell(a)
}

// endOffer says how the offer ended; the agent still has the contact.
func (s *State) endOffer(c Contact, how How) {
	r := &s.contacts[c]
	s.stop(&r.timer)
	s.agents[r.agent].offers--
	s.emit(Effect{Kind: OfferEnded, Contact: c, Agent: r.agent, Offer: r.offer, How: how})
}

// release takes the contact's weight from its agent.
func (s *State) release(c Contact) {
	r := &s.contacts[c]
	a := r.agent
	ag, ch := &s.agents[a], s.types[r.typ].Channel
	if r.agentPrev != Nothing {
		s.contacts[r.agentPrev].agentNext = r.agentNext
	} else {
		ag.first = r.agentNext
	}
	if r.agentNext != Nothing {
		s.contacts[r.agentNext].agentPrev = r.agentPrev
	}
	r.agentNext, r.agentPrev, r.agent = Nothing, Nothing, Nobody
	ag.used -= uint16(s.cfg.Channels[ch].Weight) //nolint:gosec // what offer added
	ag.count[ch]--
	s.touch(a)
}

func (s *State) pending(c Contact, offer uint64, a Agent) bool {
	r := &s.contacts[c]
	return r.phase == PhaseOffered && r.offer == offer && r.agent == a
}

func (s *State) accept(c Contact, offer uint64, a Agent) Code {
	if !s.pending(c, offer, a) {
		return OfferGone
	}
	s.endOffer(c, Accepted)
	s.contacts[c].phase = PhaseConnected
	ag := &s.agents[a]
	ag.live++
	ag.rona = 0
	s.tell(a)
	return 0
}

func (s *State) reject(c Contact, offer uint64, a Agent) Code {
	if !s.pending(c, offer, a) {
		return OfferGone
	}
	s.refuse(c, Rejected)
	return 0
}

// expire is the offer's time-out: RONA.
func (s *State) expire(c Contact) {
	ag := &s.agents[s.contacts[c].agent]
	ag.rona++
	if s.cfg.RONALimit > 0 && int(ag.rona) >= s.cfg.RONALimit && !ag.leaving {
		ag.ready, ag.reason = false, ReasonRONA
	}
	s.refuse(c, Expired)
}

// refuse is the event rule of a refusal: release, exclude, route the contact,
// let the agent take another one.
func (s *State) refuse(c Contact, how How) {
	a := s.contacts[c].agent
	s.endOffer(c, how)
	s.release(c)
	s.exclude(c, a)
	s.route(c)
	s.settle(a)
}
