// Package sip is Filo's SIP user agent: it answers and places calls, registers
// phones and browsers, and keeps every dialog in one goroutine.
//
// The promise: whatever arrives on a socket, in whatever order, a [Handler]
// sees each call exactly once as a [Leg], whose context ends with the reason
// why the call ended, and nothing that a peer sends disturbs another call.
//
// Parser, transports and transaction machines come from sipgo; dialogs, legs,
// the registrar, digest authentication and the WebSocket front are our own.
// No other package of Filo imports sipgo.
//
// # How a request travels
//
//  1. A transport reads and parses it; order.go takes a ticket in order of
//     arrival per Call-ID and fixes the To-tag that we shall use.
//  2. sipgo's transaction layer absorbs retransmissions and hands over the rest,
//     each in its own goroutine; dispatch.go waits for its turn, validates,
//     and recovers from panics.
//  3. An initial INVITE becomes a Leg (invite_in.go); everything within a dialog
//     is posted to the leg's own goroutine (leg.go), which owns its state.
//
// The same UA serves robots: Register, Invite and ConnectWS act as a phone.
package sip
