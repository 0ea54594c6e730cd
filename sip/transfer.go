package sip

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/dialog"
	"filo/sip/transaction"
)

// TransferRequest is the far side's wish that we connect its peer to somebody
// else: REFER (RFC 3515). It has been accepted; who takes it reports by
// Progress.
type TransferRequest struct {
	// To is whom to call: a URI without headers.
	To string
	// Replaces is the leg that the new call is to replace (attended transfer, RFC
	// 3891), when it is one of ours; nil: none. ReplacesOther is the value of
	// [InviteOptions].Replaces when it is somebody else's dialog.
	Replaces      *Leg
	ReplacesOther string
	// ReferredBy is who asks, as the header says (RFC 3892): a hint.
	ReferredBy string
	// Headers are User-to-User, Call-Info and allowed X- headers of the REFER,
	// and of the URI that it names.
	Headers map[string]string

	leg *Leg
}

// Progress tells the far side how the transfer goes: code is the status of the
// new call. A final one (200 to 699) ends the matter. It fails with ErrState
// when the far side does not want to know any more.
func (t *TransferRequest) Progress(ctx context.Context, code int) error {
	return t.leg.command(ctx, "report transfer", nil, dialog.Notify{Status: code})
}

// OnTransfer sets who is told when the far side wants to transfer its peer. f
// must not block. Without it, REFER gets 603.
func (l *Leg) OnTransfer(f func(*TransferRequest)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transfer = f
}

func (l *Leg) onTransferred(e *dialog.Transferred) {
	f := l.transfer
	if f == nil {
		return // cannot be: the REFER was refused
	}
	req := e.Tx.(*transaction.Server).Request()
	l.later(func() { f(l.readTransfer(req)) }) // it may look at another leg, even at this one
}

// readTransfer reads a REFER.
func (l *Leg) readTransfer(req *gosip.Request) *TransferRequest {
	t := &TransferRequest{leg: l, ReferredBy: oneLine(valueOf(req, "Referred-By")), Headers: passedHeaders(req, l.trunk)}
	var uri gosip.Uri
	var params gosip.HeaderParams
	if _, err := gosip.ParseAddressValue(valueOf(req, "Refer-To"), &uri, &params); err != nil || !callable(uri) {
		return t
	}
	for _, h := range uri.Headers {
		t.readURIHeader(h.K, h.V)
	}
	uri.Headers = nil
	t.To = uri.String()
	return t
}

// callable tells whether a URI is one to call; the parser lets more through.
func callable(uri gosip.Uri) bool {
	switch uri.Scheme {
	case "sip", "sips", "tel":
		return goodHost(uri.Host) && !strings.ContainsAny(uri.Host+uri.User, "?<>\" \r\n\x00")
	}
	return false
}

// readURIHeader reads a header that the URI of a REFER wants in the new INVITE
// (RFC 3261 section 19.1.1). Others than ours may not put in what they like.
func (t *TransferRequest) readURIHeader(name, escaped string) {
	value, err := url.PathUnescape(escaped)
	if err != nil || len(value) > 1024 {
		return
	}
	value = oneLine(value)
	name = http.CanonicalHeaderKey(name)
	switch {
	case name == "Replaces":
		if r, ok := parseReplaces(value); ok {
			if t.Replaces = t.leg.u.legOfReplaces(r); t.Replaces == nil {
				t.ReplacesOther = value
			}
		}
	case name == "User-To-User", name == "Call-Info", strings.HasPrefix(name, "X-") && t.leg.trunk == nil,
		t.leg.trunk != nil && t.leg.trunk.Passes(name):
		if name == "User-To-User" {
			name = "User-to-User"
		}
		t.Headers = maps.Clone(t.Headers)
		if t.Headers == nil {
			t.Headers = make(map[string]string)
		}
		t.Headers[name] = value
	}
}
