package sip

import (
	"strings"
	"testing"

	gosip "github.com/emiago/sipgo/sip"
)

// FuzzSplitList: what is between the commas is a part of what came, in order,
// and quotes and brackets hold together.
func FuzzSplitList(f *testing.F) {
	f.Add(`"Rossi, Anna" <sip:anna@x.example;p=1,2>, <tel:+390455550101>;q=0.5`)
	f.Add(`"a\",b" <sip:a@b>,,`)
	f.Add(`<sip:a@b`)
	f.Fuzz(func(t *testing.T, s string) {
		rest := s
		for _, part := range splitList(s) {
			i := strings.Index(rest, part)
			if i < 0 {
				t.Fatalf("%q is not in %q", part, rest)
			}
			rest = rest[i+len(part):]
		}
	})
}

// FuzzUser: a user that was escaped reads as it was, and no user breaks a line.
func FuzzUser(f *testing.F) {
	f.Add("+390455550101")
	f.Add("anna;phone-context=+39")
	f.Add("a%00b%0d%0aVia: x")
	f.Fuzz(func(t *testing.T, s string) {
		escaped := escapeUser(s)
		var uri gosip.Uri
		if err := gosip.ParseUri("sip:"+escaped+"@filo.local", &uri); err != nil {
			return
		}
		user := userOf(uri)
		if strings.ContainsAny(user, "\r\n\x00") {
			t.Fatalf("%q breaks a line", user)
		}
		for i := range len(escaped) {
			if c := escaped[i]; c <= ' ' || c >= 0x7f {
				t.Fatalf("%q has a byte that no URI has", escaped)
			}
		}
	})
}

// FuzzName: a display name that was escaped reads as it was.
func FuzzName(f *testing.F) {
	f.Add(`Anna "la rossa" Rossi`)
	f.Add(`back\slash\`)
	f.Add("two\r\nlines")
	f.Fuzz(func(t *testing.T, s string) {
		escaped := escapeName(s)
		if strings.ContainsAny(escaped, "\r\n\x00") {
			t.Fatalf("%q breaks a line", escaped)
		}
		if got := unescapeName(escaped); got != oneLine(s) {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

// fuzzedHeader is a request with one header of any value.
func fuzzedHeader(name, value string) *gosip.Request {
	req := gosip.NewRequest(gosip.INVITE, gosip.Uri{Scheme: "sip", User: "100", Host: "filo.local"})
	req.AppendHeader(&gosip.FromHeader{Address: gosip.Uri{Scheme: "sip", User: "caller", Host: "peer.example"}, Params: gosip.NewParams()})
	req.AppendHeader(gosip.NewHeader(name, value))
	return req
}

// FuzzIdentity: whatever a carrier writes into its headers, what we read has
// one of our own words or is one line.
func FuzzIdentity(f *testing.F) {
	for _, name := range []string{"P-Asserted-Identity", "History-Info", "Diversion", "Privacy", "Identity", "P-Attestation-Indicator"} {
		f.Add(name, `"Anna, R." <sip:+390455550101@telco.example;verstat=TN-Validation-Passed-A>;index=1, <tel:+39045>;index=1.1`)
	}
	f.Add("Identity", "eyJhbGciOiJFUzI1NiJ9.eyJhdHRlc3QiOiJBIn0.c2ln;info=<https://cert.example>;alg=ES256")
	f.Add("Privacy", "id;critical")
	f.Fuzz(func(t *testing.T, name, value string) {
		if !goodHeaderName(name) {
			return
		}
		req := fuzzedHeader(name, value)
		uri, display, ok := asserted(req)
		if !ok {
			uri = req.From().Address
		}
		level, verdict := verification(req, uri)
		switch verdict {
		case verstatFailed, verstatNone, verstatPassed + "a", verstatPassed + "b", verstatPassed + "c":
		default:
			t.Fatalf("verdict %q", verdict)
		}
		if level != levelOf(level) {
			t.Fatalf("level %q", level)
		}
		if called := originalCalled(req); strings.ContainsAny(called, "\r\n\x00") {
			t.Fatalf("%q breaks a line", called)
		}
		_, _, _ = display, wantsPrivacy(req), anonymousURI(uri)
	})
}
