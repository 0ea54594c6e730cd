// Package sip is Filo's SIP user agent: it answers and places calls, registers
// phones and browsers, and takes what happens to a dialog one after the other.
//
// The promise: whatever arrives on a socket, in whatever order, a [Handler]
// sees each call exactly once as a [Leg], whose context ends with the reason
// why the call ended, and nothing that a peer sends disturbs another call.
//
// Below it, sip/transport owns sockets and connections, and sip/transaction
// repeats and absorbs; sip/dialog decides what a call does, in any state and on
// any message. Legs, the registrar, digest authentication and trunks are here. The message model and its parser are sipgo's; no other
// package of Filo imports it.
//
// # How a request travels
//
//  1. The goroutine that reads the socket parses it (sip/transport), finds its
//     transaction or makes one (sip/transaction), and calls dispatch.go: so
//     messages are served in their order of arrival, and a retransmission is
//     never seen here.
//  2. dispatch.go validates it and recovers from panics. An initial INVITE
//     becomes a Leg (invite_in.go); what belongs to a dialog is the next turn
//     of its leg (turn.go), still in the same goroutine. receive.go reads what
//     the leg's machine has to know of it, send.go writes what the machine
//     wants sent.
//  3. The application's Handler runs in a goroutine per call; what it asks of
//     its leg is a turn like any other.
//
// Locks are taken in the order leg, transaction, transport, and none is held
// while calling in the other direction.
//
// The same UA serves robots: Register, Invite and ConnectWS act as a phone.
package sip
