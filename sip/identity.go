package sip

import (
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// asserted is the first P-Asserted-Identity with a number or user (RFC 3325).
func asserted(req *gosip.Request) (uri gosip.Uri, name string, ok bool) {
	for h := range headers(req, "P-Asserted-Identity") {
		for _, value := range splitList(h.Value()) {
			var u gosip.Uri
			var params gosip.HeaderParams
			n, err := gosip.ParseAddressValue(value, &u, &params)
			if err == nil && userOf(u) != "" {
				return u, unescapeName(n), true
			}
		}
	}
	return gosip.Uri{}, "", false
}

// anonymousURI tells whether a caller's address says that it is withheld
// (RFC 3323 section 4.1.1.3), in the words of carriers too.
func anonymousURI(uri gosip.Uri) bool {
	return strings.EqualFold(uri.User, "anonymous") || strings.EqualFold(uri.Host, "anonymous.invalid") ||
		strings.EqualFold(uri.User, "restricted") || strings.EqualFold(uri.User, "unavailable")
}

// wantsPrivacy reads RFC 3323's Privacy header.
func wantsPrivacy(req *gosip.Request) bool {
	for h := range headers(req, "Privacy") {
		for v := range strings.FieldsFuncSeq(strings.ToLower(h.Value()), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			switch v {
			case "id", "user", "header":
				return true
			}
		}
	}
	return false
}

// saysWho tells whether a header is about the caller's identity, which on a
// trunk is decided by its caller-ID policy alone.
func saysWho(name string) bool {
	switch strings.ToLower(name) {
	case "p-asserted-identity", "p-preferred-identity", "remote-party-id", "privacy", "identity",
		"diversion", "history-info", "p-attestation-indicator", "attestation-info":
		return true
	}
	return false
}
