package sip

import (
	"context"
	"errors"
)

// Response codes that we send (RFC 3261 section 21).
const (
	statusOK               = 200
	statusBadRequest       = 400
	statusUnauthorized     = 401
	statusForbidden        = 403
	statusNotFound         = 404
	statusMethodNotAllowed = 405
	statusProxyAuth        = 407
	statusTimeout          = 408
	statusUnsupportedMedia = 415
	statusBadExtension     = 420
	statusIntervalTooBrief = 423
	statusUnavailable      = 480
	statusNoDialog         = 481
	statusLoop             = 482
	statusTooManyHops      = 483
	statusBusy             = 486
	statusTerminated       = 487
	statusBadEvent         = 489
	statusNotAcceptable    = 488
	statusPending          = 491
	statusServerError      = 500
	statusOverloaded       = 503
	statusVersion          = 505
	statusTooLarge         = 513
	statusDecline          = 603
)

// StatusOf is the one mapping from an error to the SIP code that a caller is
// told: a peer's own code passes through when it means the same here, anything
// unknown is 500.
func StatusOf(err error) int {
	var se *StatusError
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &se):
		return se.Code
	case errors.Is(err, ErrCancelled), errors.Is(err, context.Canceled):
		return statusTerminated
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrNoACK), errors.Is(err, context.DeadlineExceeded):
		return statusTimeout
	case errors.Is(err, ErrNotRegistered), errors.Is(err, ErrFlowGone):
		return statusUnavailable
	case errors.Is(err, ErrStopped), errors.Is(err, ErrNotServing):
		return statusOverloaded
	case errors.Is(err, ErrDialogGone):
		return statusNoDialog
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotAllowed):
		return statusForbidden
	case errors.Is(err, ErrBadNumber):
		return statusNotFound
	case errors.Is(err, ErrTrunkBusy), errors.Is(err, ErrNoTrunk):
		return statusOverloaded
	case errors.Is(err, ErrRejected), errors.Is(err, ErrHangup):
		return statusDecline
	case errors.Is(err, errBadMessage):
		return statusBadRequest
	}
	return statusServerError
}

// reasonPhrase is the phrase that goes with a code when the caller gave none.
func reasonPhrase(code int) string {
	switch code {
	case 100:
		return "Trying"
	case 180:
		return "Ringing"
	case 183:
		return "Session Progress"
	case statusOK:
		return "OK"
	case statusBadRequest:
		return "Bad Request"
	case statusUnauthorized:
		return "Unauthorized" //nolint:misspell // the RFC's word
	case statusForbidden:
		return "Forbidden"
	case statusNotFound:
		return "Not Found"
	case statusMethodNotAllowed:
		return "Method Not Allowed"
	case statusTimeout:
		return "Request Timeout"
	case statusUnsupportedMedia:
		return "Unsupported Media Type"
	case statusBadExtension:
		return "Bad Extension"
	case statusIntervalTooBrief:
		return "Interval Too Brief"
	case statusUnavailable:
		return "Temporarily Unavailable"
	case statusNoDialog:
		return "Call/Transaction Does Not Exist"
	case statusLoop:
		return "Loop Detected"
	}
	return serverPhrase(code)
}

func serverPhrase(code int) string {
	switch code {
	case statusTooManyHops:
		return "Too Many Hops"
	case statusBusy:
		return "Busy Here"
	case statusTerminated:
		return "Request Terminated"
	case statusNotAcceptable:
		return "Not Acceptable Here"
	case statusPending:
		return "Request Pending"
	case statusServerError:
		return "Server Internal Error"
	case statusOverloaded:
		return "Service Unavailable"
	case statusVersion:
		return "Version Not Supported"
	case statusTooLarge:
		return "Message Too Large"
	case statusDecline:
		return "Decline"
	}
	switch code / 100 {
	case 1:
		return "Progress"
	case 2:
		return "OK"
	case 3:
		return "Redirected"
	case 4:
		return "Request Failure"
	case 5:
		return "Server Failure"
	}
	return "Failure"
}
