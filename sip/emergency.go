package sip

import (
	"slices"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// emergency tells whether a request is a call for help: to an emergency service
// (RFC 5031) or to one of the configured numbers. No limit applies to it.
func (u *UA) emergency(req *gosip.Request) bool {
	return emergencyService(req.Recipient) || slices.Contains(u.live.Load().Emergency, userOf(req.Recipient))
}

// emergencyService tells whether a URI is urn:service:sos or below.
func emergencyService(uri gosip.Uri) bool {
	if !strings.EqualFold(uri.Scheme, "urn") {
		return false
	}
	rest, ok := strings.CutPrefix(strings.ToLower(uri.Raw()), "service:sos")
	return ok && (rest == "" || rest[0] == '.')
}
