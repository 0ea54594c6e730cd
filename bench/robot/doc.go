// Package robot holds the clients that play people: a caller on a trunk, an
// agent with a SIP phone, an agent at a browser desk. They speak the public
// protocols only (SIP, RTP, DTLS-SRTP, the desk's HTTP API and event socket)
// and share no memory with the server, so that the demo, the load test and
// the end-to-end tests exercise exactly what real clients do.
package robot
