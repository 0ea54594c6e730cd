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
// It promises that every call ends in exactly one way, that whatever it
// reserved (offer, agent, ports, room) is given back on every path, and that
// a caller who was promised a place keeps it.
package voice
