package sip

import (
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// maxDiversions bounds the entries that are read; a call that was diverted more
// often is lost anyhow.
const maxDiversions = 32

// originalCalled is who was called before the call was diverted to us, by
// History-Info (RFC 7044: the first entry) or Diversion (RFC 5806: the last,
// for each one that diverts puts its own on top); "" when nobody diverted it,
// or who did wants to stay unknown. RFC 7544 section 3 gives History-Info the
// first word.
func originalCalled(req *gosip.Request) string {
	if entries := addressList(req, "History-Info"); len(entries) > 1 {
		if user := knownUser(entries[0]); user != "" {
			return user
		}
	}
	if entries := addressList(req, "Diversion"); len(entries) > 0 {
		return knownUser(entries[len(entries)-1])
	}
	return ""
}

// addressList are the addresses in all headers of a name, in order.
func addressList(req *gosip.Request, name string) []gosip.Uri {
	var out []gosip.Uri
	for h := range headers(req, name) {
		for _, value := range splitList(h.Value()) {
			var uri gosip.Uri
			var params gosip.HeaderParams
			if _, err := gosip.ParseAddressValue(value, &uri, &params); err == nil && len(out) < maxDiversions {
				out = append(out, uri)
			}
		}
	}
	return out
}

// knownUser is the user of an address, "" when it is withheld: by its name, or
// by Privacy among its headers (RFC 7044 section 10.1.2).
func knownUser(uri gosip.Uri) string {
	if anonymousURI(uri) {
		return ""
	}
	if privacy, _ := uri.Headers.Get("Privacy"); privacy != "" && !strings.EqualFold(privacy, "none") {
		return ""
	}
	return userOf(uri)
}
