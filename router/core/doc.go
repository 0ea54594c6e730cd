// Package core is the routing engine: who serves whom, decided exactly. It is
// pure. [State.Apply] takes the time and one [Command] and appends what shall
// happen, as [Effect] values, to a slice of the caller's. It reads no clock,
// does no I/O, takes no lock, logs nothing and draws no random number, and no
// order of a map decides anything: the same definitions and commands give the
// same effects, bit by bit.
//
// This page is the specification. A reference written from it as plain loops
// over everything runs beside the State in the tests; each choice is the least
// of its order, always.
//
// # Words
//
// A contact c has a work type (queue and channel), a plan, a priority, a tier,
// the time E at which it was enqueued (the age that it brought along counts)
// and seq, the order of its first arrival. An agent a has a class: an interned
// [Profile]. Durations and times are nanoseconds.
//
// age(c) = now - E, at most a year.
//
// band(c): the boundaries of a contact are the ages at which something about
// it changes: the steps of its plan, the promotions of its tier, the overflow
// of its work type, and the delays that profiles have for its queue. Its band
// is the number of boundaries, of which there are at most 200, that its age has
// reached. It is brought up to date whenever the contact is routed, and by a
// timer while it waits.
//
// step(c): of the plan's steps the last one whose After the band has reached.
// Steps need not be nested; one may name agents.
//
// tier(c): 0 once it lost its agent; else the arrival's tier less one for each
// whole Promote of its work type that the band has reached, but not below 1
// (nor above what it was).
//
// meets(a, s): a step s is met by an agent who, for every clause of s.Needs
// has one of its alternatives at its minimum proficiency or more and, if s
// names agents, is one of them. Skills that a profile holds in reserve count
// only while the work type is overloaded, that is while at least Overload
// contacts of it wait.
//
// serves(a, c): the profile lists no queues; or it lists c's queue, and the
// delay that it has for it is among the boundaries that the band has reached.
//
// used(a) are the units of the contacts that a has: offered, connected or in
// wrap-up. A parked contact takes no units and is not counted.
//
// room(a, ch): a is signed in, ready and not leaving; the channel reaches a;
// used(a), less the units of contacts whose channels ch interrupts, plus
// weight(ch) is at most min(capacity(a), limit(ch)); and a has fewer than
// cap(a, ch) contacts of ch.
//
// pool(c): the agents who have room for c's channel, serve c and meet its
// step, excluded or not.
//
// # Eligible(c, a)
//
// a is in pool(c); c does not exclude a; if c is held for its preferred agent,
// a is that agent; and if it is not held, pool(c) has more than Reserve of
// c's work type agents.
//
// # Agent for a contact
//
// The eligible agent with the least (P, G, L, I, id).
//
//	P   0 for the preferred agent, else 1
//	G   by the work type's Select: the proficiency in what the step asks for,
//	    negated: per clause the highest that reaches its minimum, reserve
//	    skills included, summed up | number of skills (least flexible first) | 0
//	L   by the work type's Load: used(a) | -used(a) | 0
//	I   sequence stamp of the agent's last change of load or availability:
//	    the longest idle first
//	id  the agent's handle (never reached: stamps are unique)
//
// # Contact for an agent
//
// The eligible contact with the least (H, T, R, V, E, seq).
//
//	H   0 when held for this agent, else 1
//	T   tier(c), strict: 0 first
//	R   the rank that the agent's profile gives to c's queue, 0 without one
//	V   virtual time, by the work type: E - boost + Patience, however old c is; boost is
//	    priority x PriorityStep, at most a year. With a Saturate, or another
//	    Rate than one, age x Rate grows otherwise than time, and V is
//	    now - Rate x min(age, Saturate) - boost + Patience; Rate is in
//	    sixteenths, and the product rounds down and is at most a year
//	E   when it was enqueued
//	seq order of arrival
//
// In the first form time enters V as a constant only, so that waiting side by
// side never changes an order.
// [State.Overtake] is the starvation bound that follows, for all rates.
//
// # Event rule
//
// A contact that becomes routable (it arrives, comes back, changes its band,
// loses its hold or an exclusion) is given its best agent, else it waits in its
// place. An agent that gains room takes its best contact until nothing
// matches. A refusal or expiry releases the capacity, then routes the contact,
// which keeps its place and excludes the agent, then lets the agent take
// another one.
//
// A sweep of a work type gives its waiting contacts agents, in the order
// (T, V, E, seq), until none of them has an eligible one. It follows when the
// type becomes overloaded and, for each type with a Reserve in the order of
// their handles, when an agent that gained room has taken its contacts.
//
// Timers that are due run before a command, in the order of their times; at
// one time first those of offers, wrap-ups, holds and exclusions in the order
// in which they were started, then the bands of waiting contacts in their
// order of arrival. After every command no eligible pair of a waiting contact
// and an agent is left.
//
// # Life of a contact
//
//	free -> waiting <-> offered -> connected -> wrap-up -> free
//	                               connected <-> parked
//
// Arrive leads to offered or waiting; an offer ends accepted (connected), or
// rejected, expired or revoked (waiting, in its old place), or withdrawn
// (free). Requeue (the agent was lost) and Transfer (to another work type)
// take a connected or parked contact back to waiting: it keeps E and seq. Move
// changes work type, plan, priority and tier of a contact and keeps its place:
// a caller who leaves a number, a queue whose settings change. Park lets an
// agent own work that goes on in days without holding capacity for it; Resume
// takes the capacity again, if there is room, ready or not. End leads to
// wrap-up, or to free when there is none.
//
// A hold for the preferred agent begins when the contact arrives, moves or is
// transferred, if that agent is signed in. It ends when its time is over, when
// that agent refuses the contact or lets it expire, and when that agent signs
// out; then the contact goes on in its plan or, if the work type says so, in
// its overflow. A hold of [Forever] is a direct queue of that agent.
//
// Overflow takes a contact to another work type and plan, with E, seq,
// priority and tier: when its band reaches After; when it arrives, has no
// eligible agent and its waiting room is full; when its hold ends, if AfterHold
// is set. Without an overflow, a contact that arrives when the waiting room is
// full is turned away: closed with the code Full. Only arrivals are: who was
// in keeps the place.
//
// HandOver is a Transfer of a connected contact after which its agent has the
// wrap-up of the work type that it had. That work is a contact of its own, in
// wrap-up from the start, under the handle that the command brings; where there
// is no wrap-up the handle stays free.
//
// Transfer and HandOver exclude the agent who gave the contact away. An agent whom they
// or Move name as the preferred one is excluded no longer. An exclusion ends after Config.Exclude, if that is not 0, so that a centre
// with one agent starves nobody.
//
// # Wrap-up
//
// It takes the contact's units to its end. [WrapTimed] ends after WrapUp or,
// sooner, by the agent; [WrapForced] does not end sooner; [WrapOpen] ends by
// the agent only; [WrapOptional] is for as long as the command that ends the
// contact asks for, none by default. An extension adds to what is left, to at
// most WrapMax from the start of the wrap-up.
//
// # Life of an agent
//
//	logged_out -> not_ready <-> ready -> reserved -> busy -> wrap_up -> ready
//
// The state is derived: busy with a connected contact, else reserved with an
// offer pending, else wrap_up, else ready or not_ready as asked for. An agent
// who is asked to leave finishes first and gets no more: pending offers are
// revoked at once, connected contacts and wrap-ups run to their end, then the
// agent is logged out. Parked contacts stay the agent's.
package core
