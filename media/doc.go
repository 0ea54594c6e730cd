// Package media owns every audio packet of Filo: sockets, SDP, pacing, mixing
// and digits. It is the only package that imports pion.
//
// Its promise: the interface is control only. Callers answer or make SDP
// offers, play prompts, read digits and put endpoints into a Room; no packet
// ever crosses the interface, so the design behind it may change (sharded
// sockets, another WebRTC stack) without any caller noticing.
//
// An Endpoint is one leg: plain RTP (PCMU, PCMA, RFC 4733 telephone-event) or
// WebRTC (ICE, DTLS-SRTP, the same codecs). Whatever feeds an endpoint, a
// prompt, music, one other endpoint, a mix, the far side hears one continuous
// RTP stream: one SSRC, sequence numbers without gaps of ours and timestamps
// that follow the wall clock (RFC 3550 section 5.1).
//
// A Recording takes what the members of a Room say before it is mixed; prompts,
// music and keys are not in it, and no disk ever holds up a packet.
//
// Concurrency: each RTP socket has one reading goroutine; all 20 ms pacing is
// done by one goroutine per Engine (playout.go); one housekeeping goroutine per
// Engine watches time-outs and makes RTCP reports; one goroutine per Recording
// writes it, for a disk may hang. Endpoint.Close and
// Engine.Close join what they started.
package media
