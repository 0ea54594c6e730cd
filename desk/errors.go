package desk

import (
	"context"
	"errors"
	"net/http"

	"filo/contact"
	"filo/router"
)

// Errors of this package. Commands also return those of contact and router.
var (
	ErrNoUser       = errors.New("user and password do not match")
	ErrTooMany      = errors.New("too many tries")
	ErrNoSession    = errors.New("not signed in")
	ErrCSRF         = errors.New("CSRF token is missing or wrong")
	ErrOrigin       = errors.New("request comes from another site")
	ErrForbidden    = errors.New("not allowed for this role")
	ErrClosedByTier = errors.New("closed until the customer is verified")
	ErrNoLine       = errors.New("no line is up")
	ErrStopped      = errors.New("desk is stopped")
	ErrBadRequest   = errors.New("bad request")
	ErrTooBig       = errors.New("request is too big")
	ErrNoCustomer   = errors.New("nobody is known to verify")
	ErrNotSent      = errors.New("the message could not be sent")
)

// status is the one place that maps errors to HTTP: the status, the code of
// API.md, and whether the error's own text may be shown.
func status(err error) (code int, word string) {
	for _, m := range statuses() {
		if errors.Is(err, m.err) {
			return m.status, m.word
		}
	}
	return http.StatusInternalServerError, "internal"
}

type mapping struct {
	err    error
	status int
	word   string
}

func statuses() []mapping {
	return []mapping{
		{ErrNoSession, http.StatusUnauthorized, "no_session"},
		{ErrNoUser, http.StatusUnauthorized, "wrong_password"},
		{ErrTooMany, http.StatusTooManyRequests, "too_many"},
		{ErrCSRF, http.StatusForbidden, "csrf"},
		{ErrOrigin, http.StatusForbidden, "origin"},
		{ErrForbidden, http.StatusForbidden, "forbidden"},
		{ErrClosedByTier, http.StatusForbidden, "closed_by_tier"},
		{ErrBadRequest, http.StatusBadRequest, "bad_request"},
		{contact.ErrBadOfferID, http.StatusBadRequest, "bad_request"},
		{ErrTooBig, http.StatusRequestEntityTooLarge, "too_big"},
		{contact.ErrOfferGone, http.StatusConflict, "offer_gone"},
		{contact.ErrBadCommand, http.StatusConflict, "wrong_state"},
		{contact.ErrNotYours, http.StatusForbidden, "not_yours"},
		{contact.ErrNoContact, http.StatusNotFound, "no_contact"},
		{contact.ErrNoAgent, http.StatusConflict, "signed_out"},
		{contact.ErrNoTarget, http.StatusConflict, "no_target"},
		{contact.ErrBarred, http.StatusForbidden, "number_barred"},
		{contact.ErrLineBusy, http.StatusConflict, "line_busy"},
		{contact.ErrNotPossible, http.StatusConflict, "not_possible"},
		{ErrNoLine, http.StatusConflict, "no_line"},
		{ErrNoCustomer, http.StatusConflict, "no_customer"},
		{ErrNotSent, http.StatusConflict, "not_sent"},
		{ErrStopped, http.StatusServiceUnavailable, "stopping"},
		{router.ErrStopped, http.StatusServiceUnavailable, "stopping"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout"},
		{context.Canceled, http.StatusServiceUnavailable, "canceled"},
	}
}
