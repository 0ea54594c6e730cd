// Package core is the routing engine: who serves whom, decided exactly. It is
// pure. [State.Apply] takes the time and one [Command] and appends what shall
// happen, as [Effect] values, to a slice of the caller's. It reads no clock,
// does no I/O, takes no lock, logs nothing and draws no random number, and no
// order of a map decides anything: the same definitions and commands give the
// same effects, bit by bit.
//
// # Published order of preference
//
// Eligible(c, a): a is signed in, ready and not leaving; the channel of c
// reaches a; used(a) + weight(channel) <= min(capacity(a), limit(channel));
// contacts of the channel that a has < cap(a, channel); for every requirement
// of c's signature, a's proficiency in the skill >= its minimum; a is not
// excluded by c; and if c is held for its preferred agent, a is that agent. A
// contact takes its weight from its offer to the end of its wrap-up.
//
// Agent for a contact: the eligible agent with the least (P, G, L, I, id).
//
//	P   0 for the preferred agent, else 1
//	G   by the work type's Select: -sum of proficiency over the required
//	    skills | number of skills (least flexible first) | 0
//	L   by the work type's Load: used units | -used units | 0
//	I   sequence stamp of the agent's last change of load or availability:
//	    the longest idle first
//	id  the agent's handle (never reached: stamps are unique)
//
// Contact for an agent: the eligible contact with the least (H, T, V, seq).
//
//	H   0 when held for this agent, else 1
//	T   tier, strict: 0 first. A contact that lost its agent goes on in tier 0
//	V   virtual time: enqueued - priority x PriorityStep + patience of the work type
//	seq order of arrival
//
// Time enters V only as a constant, so that waiting side by side never
// changes an order. [State.Overtake] is the starvation bound that follows.
//
// # Event rule
//
// A contact that becomes routable is given its best agent, else it waits. An
// agent that gains room takes its best contact until nothing matches. A
// refusal or expiry releases the capacity, then routes the contact, which
// keeps its place and excludes the agent, then lets the agent take another
// one. Timers that are due run before a command, in the order (time, seq).
// After every command no eligible pair of a waiting contact and an agent is
// left.
//
// # Life of a contact
//
//	free -> waiting <-> offered -> connected -> wrap-up -> free
//
// Arrive leads to offered or waiting; an offer ends accepted (connected), or
// rejected, expired or revoked (waiting, in its old place), or withdrawn
// (free). Requeue takes a connected contact back to waiting. End leads to
// wrap-up, or to free when the work type has none.
//
// A hold for the preferred agent begins on arrival if that agent is signed in.
// It ends when its time is over, when that agent refuses the contact or lets
// it expire, and when that agent signs out.
//
// An exclusion ends after Config.Exclude, if that is not 0, so that a centre
// with one agent starves nobody.
//
// # Life of an agent
//
//	logged_out -> not_ready <-> ready -> reserved -> busy -> wrap_up -> ready
//
// The state is derived: busy with a connected contact, else reserved with an
// offer pending, else wrap_up, else ready or not_ready as asked for. An agent
// who is asked to leave finishes first and gets no more: pending offers are
// revoked at once, connected contacts and wrap-ups run to their end, then the
// agent is logged out.
package core
