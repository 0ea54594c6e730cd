// Package resolve finds where a SIP request goes (RFC 3263): from a host name
// to the addresses to try, one after the other.
//
// The promise: a call never waits longer than a bound for a name server, and a
// server that failed a moment ago is tried last. Answers are kept for a bounded
// time, used beyond it while the name server is away, and never more of them
// than a bound, whatever names a peer makes up.
//
// NAPTR is not asked: it chooses a transport (RFC 3263 section 4.1), and here
// the configuration or the URI does, else the first one that has SRV records.
package resolve
