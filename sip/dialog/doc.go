// Package dialog is one SIP call as a pure state machine: the dialog of RFC
// 3261 with all its forks while it is early, its session descriptions, its
// timers and its goodbye.
//
// The promise: whatever events come, in whatever order, [Machine.Apply] never
// breaks a rule of the RFCs below, tells the application exactly once that the
// call has ended and why, and leaves nothing behind: after the end there is a
// time from which [Machine.Done] is true and no deadline is left.
//
// A [Machine] reads no clock, does no I/O, takes no lock and starts no
// goroutine. Its driver (package sip) translates between messages on the wire
// and the values here, owns the transactions of RFC 3261 section 17 (which
// absorb retransmissions, acknowledge failures and tell when nobody answers)
// and calls Apply for every message, every command of the application and
// whenever [Machine.Deadline] has come. What Apply returns is what the driver
// shall do, in that order.
//
// Events and effects are values. A [Request] or [Response] that one machine
// sends is, but for what the network adds, the event of the other.
//
// # One dialog, many branches
//
// A caller's INVITE may be forked by proxies. Each To-tag in a response makes
// an early dialog of its own, with its own route set, target, CSeq and state
// of offer and answer; the first 2xx makes one of them the dialog, and every
// other 2xx is acknowledged and hung up (RFC 3261 section 13.2.2.4).
//
// # Offer and answer
//
// In each dialog at most one offer is open, ours or theirs (RFC 3264, RFC
// 6337). Their offers reach the application as [Offered] and wait for
// [Accept] or [Decline], in whatever message they came: a re-INVITE, an
// UPDATE, a PRACK, a reliable provisional response or a late 2xx. The offer of
// the INVITE that opens the call is answered by [Progress] or [Answer]. Our
// later offers ([Offer]) wait until they may be made, and try again when they
// collide (RFC 3261 section 14.1).
//
// # Order
//
// Our requests other than INVITE and BYE go out one after the other, each when
// the one before it has its response: over UDP they could overtake each other,
// and a peer must refuse what comes with a lower CSeq (RFC 3261 section
// 12.2.2).
//
// # Standards
//
// RFC 3261 sections 9, 12 to 15; RFC 3262 (reliable provisional responses);
// RFC 3264, RFC 6337 (offer and answer); RFC 3311 (UPDATE); RFC 3515 (REFER,
// its implicit subscription only); RFC 4028 (session timers); RFC 5057 (what
// ends a dialog); RFC 5407 (glares); RFC 6026 (2xx and their ACK).
package dialog
