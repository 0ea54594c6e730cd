// Package voice conducts calls. One goroutine owns each call, from its INVITE
// to its last packet, and reads top to bottom: answer, ask the journey who it
// is, skip the menu or run it, wait in the queue with music, talk, say
// goodbye. It also keeps the lines of signed-in agents: the persistent browser
// legs over which a call reaches an agent without a new handshake.
//
// A caller is never dropped because something is misconfigured: a rule whose
// queue does not exist leads to the menu, a flow that breaks or names no queue
// of ours to the first queue by name. An agent's line that falls silent gives
// the caller music for LineGrace, then the next agent, before all others.
//
// # Several on a call
//
// A conversation is a circle of parties: the caller, an agent, who is consulted
// (an agent, found by name or by a queue, or a number outside), and beside it a
// supervisor. Commands of desks change the circle; circle.go alone says who
// hears whom, by roles in the call's one room, and who hears music.
//
//	                    who talks with whom          the others
//	(no consultation)   caller, agent                -
//	hold                -                            caller: music
//	consult: ringing    -                            caller: music
//	         talking    agent, consulted             caller: music
//	         held       caller, agent                consulted: music
//	         conference caller, agent, consulted     -
//	complete            caller, consulted            the agent has left
//
// Who leaves, by will or not, has one outcome in each state:
//
//   - The caller: the call is over for all. Who was consulted is free at once.
//   - The agent hangs up: the caller goes on with a consulted one who has
//     answered, as after complete; else the call is over.
//   - The agent's line is lost: for LineGrace the others go on, or the caller
//     hears music; then as above, but without a consulted one the caller goes
//     back to the queue, before all others.
//   - The consulted refuses, does not answer within RingTime, hangs up or is
//     lost: the consultation is over. A caller who heard music is on hold, and
//     the agent says when to resume, so that nobody is heard unawares.
//   - The supervisor: nobody notices.
//
// A transfer keeps the contact one contact, with its age in the queue. The
// agent who transferred has the wrap-up of the queue; who is consulted and does
// not take the call has none. A blind transfer to an agent waits for that agent
// for TransferHold, then for the queue; one to a number that does not answer
// brings the caller back to the queue. Consultations are offers of the router, so
// that states and capacity hold, with the age of the call that they are for.
//
// An agent's SIP phone may do the same without a desk: REFER to the name of an
// agent or queue, or to a number, is the blind transfer; a second call to one of
// these is the consultation; taking the first call off hold swaps, REFER with
// Replaces between the two completes. A customer's REFER is refused.
//
// It promises that every call ends in exactly one way, that whatever it
// reserved (offer, agent, ports, room) is given back on every path, and that
// a caller who was promised a place keeps it.
package voice
