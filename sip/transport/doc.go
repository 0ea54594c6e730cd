// Package transport carries SIP messages over UDP, TCP, TLS and WebSocket
// (RFC 3261 section 18, RFC 7118).
//
// The promise: messages of one socket or connection are handed up whole and in
// the order in which they arrived, by the one goroutine that reads them;
// sending never waits for the peer; and nothing is remembered about a source
// that has no connection.
//
// A peer is reached by a [Flow]: a connection, or a UDP socket and the peer's
// address. Connections that we open are flows at once, and what is sent
// queues, bounded, until they are up. A message that cannot be parsed is
// answered by 400 (or 416, 513) as far as its raw bytes allow, without any state.
//
// Parser and message types are sipgo's; sockets, framing, keep-alives (RFC
// 5626 section 3.5.1) and limits are ours.
package transport
