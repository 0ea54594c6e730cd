// Package transaction runs SIP's transactions: RFC 3261 section 17 with the
// corrections of RFC 6026 (the Accepted state) and RFC 4320 (no late answers
// to requests other than INVITE).
//
// The promise: each request is handed up once, however often it is repeated;
// each request of ours gets exactly one final response or one failure (an
// INVITE: also every further 2xx); what must be repeated is repeated; and all
// responses to one request carry the same To-tag, the 487 of a cancelled
// INVITE and the 200 of its CANCEL included.
//
// Calls to [User] and [ClientUser] come from the goroutine that reads the
// socket, in order of arrival, or from the one goroutine that runs the timers;
// no lock of the layer is held, and they must not block. A transaction has no
// goroutine and no timer of its own: see clock.go. What lingers after the
// final response keeps the bytes to repeat and its key, nothing else.
package transaction
