package sip

import (
	"errors"
	"fmt"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/number"
	"filo/sip/trunk"
)

// Why a leg's context ended, or why a call to the package failed.
var (
	// ErrCancelled: the caller sent CANCEL before an answer.
	ErrCancelled = errors.New("caller cancelled")
	// ErrRemoteHangup: the far side sent BYE.
	ErrRemoteHangup = errors.New("far side hung up")
	// ErrHangup: we ended the call by Hangup, or the handler returned.
	ErrHangup = errors.New("hung up")
	// ErrRejected: we refused the call by Reject.
	ErrRejected = errors.New("rejected")
	// ErrStopped: the user agent is stopping.
	ErrStopped = errors.New("user agent stopped")
	// ErrNoACK: no ACK came within 64*T1 (32 s) of our 200.
	ErrNoACK = errors.New("no ACK for our 200")
	// ErrNoPRACK: no PRACK came within 64*T1 (32 s) of our reliable 183.
	ErrNoPRACK = errors.New("no PRACK for our provisional response")
	// ErrNoSession: a session description was missing where the standard demands
	// one, or could not be agreed on.
	ErrNoSession = errors.New("no session agreed on")
	// ErrExpired: nobody refreshed the session in time (RFC 4028).
	ErrExpired = errors.New("session expired")
	// ErrTooLong: the call has lasted max_duration.
	ErrTooLong = errors.New("longest duration reached")
	// ErrDialogGone: the far side no longer knows the dialog (481 or 408).
	ErrDialogGone = errors.New("dialog gone at the far side")

	// ErrState: the leg is not in a state that allows the operation.
	ErrState = errors.New("leg is not in a state for this")
	// ErrNotServing: the user agent does not serve yet, or no longer.
	ErrNotServing = errors.New("user agent is not serving")
	// ErrNotRegistered: the user has no binding to call.
	ErrNotRegistered = errors.New("user is not registered")
	// ErrNoListener: no listener of the wanted transport.
	ErrNoListener = errors.New("no listener of this transport")
	// ErrFlowGone: the connection that reached the peer is closed.
	ErrFlowGone = errors.New("connection to the peer is gone")
	// ErrTimeout: the far side did not answer in the time of the RFC.
	ErrTimeout = errors.New("no answer from the far side")
	// ErrForbidden refuses a WebSocket; return it from authorize.
	ErrForbidden = errors.New("forbidden")
	// ErrNotAllowed: no trunk may dial the number.
	ErrNotAllowed = number.ErrNotAllowed
	// ErrBadNumber: what is to be dialled is no telephone number.
	ErrBadNumber = number.ErrInvalid
	// ErrNoTrunk: no trunk dials out.
	ErrNoTrunk = trunk.ErrNoTrunk
	// ErrTrunkBusy: the trunks that may dial the number have as many calls as
	// they may, or get them as fast.
	ErrTrunkBusy = errors.New("trunk has as many calls as it may")

	errBadMessage = errors.New("malformed message")
	errElsewhere  = errors.New("answered elsewhere")
	errSilent     = errors.New("silence from the server")
)

// StatusError is a final response other than 2xx to a request of ours.
type StatusError struct {
	Code   int    // 300..699
	Reason string // the peer's phrase; for people, never for decisions

	contacts []gosip.Uri // of a 3xx: where it is served instead
}

func (e *StatusError) Error() string { return fmt.Sprintf("sip %d %s", e.Code, e.Reason) }
