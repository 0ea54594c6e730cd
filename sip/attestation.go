package sip

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// The words of Info.Verstat.
const (
	verstatFailed = "failed"
	verstatNone   = "none"
	verstatPassed = "passed-" // and the level: a, b, c
)

// verification is what a trusted carrier found out about the caller's right to
// the number (ATIS-1000074, 3GPP TS 24.229 section 7.2A.20): the level that it
// attests ("A", "B", "C" or "") and its verdict in our words. caller is the
// address that counts.
func verification(req *gosip.Request, caller gosip.Uri) (level, verdict string) {
	value := verstatOf(caller)
	if value == "" {
		value = verstatOf(req.From().Address)
	}
	level = attestation(req)
	switch {
	case strings.HasPrefix(value, "tn-validation-failed"):
		return "", verstatFailed
	case strings.HasPrefix(value, "tn-validation-passed"):
		if own := levelOf(strings.TrimPrefix(value, "tn-validation-passed-")); own != "" {
			level = own
		}
	case value != "": // no-tn-validation, or a word that we do not know
		return level, verstatNone
	case level == "":
		return "", verstatNone
	}
	if level == "" { // passed, without saying how much that means
		return "", verstatPassed + "c"
	}
	return level, verstatPassed + strings.ToLower(level)
}

// verstatOf is the carrier's verdict in a URI, in lower case; "" for none.
func verstatOf(uri gosip.Uri) string {
	if value, _ := uri.UriParams.Get("verstat"); value != "" {
		return strings.ToLower(value)
	}
	for _, text := range []string{uri.User, uri.Raw()} { // in the user part, or of a tel: URI
		if _, after, ok := strings.Cut(strings.ToLower(text), ";verstat="); ok {
			value, _, _ := strings.Cut(after, ";")
			return value
		}
	}
	return ""
}

// levelOf accepts a lone attestation letter.
func levelOf(s string) string {
	switch s = strings.ToUpper(strings.TrimSpace(s)); s {
	case "A", "B", "C":
		return s
	}
	return ""
}

// attestation is the level in a carrier's indicator header, or in the PASSporT
// of an Identity header (RFC 8224), whose signature the carrier has checked
// for us.
func attestation(req *gosip.Request) string {
	for _, name := range []string{"P-Attestation-Indicator", "Attestation-Info"} {
		if h := header(req, name); h != nil {
			if a := levelOf(h.Value()); a != "" {
				return a
			}
		}
	}
	if h := header(req, "Identity"); h != nil {
		return passportLevel(h.Value())
	}
	return ""
}

const maxPassport = 4096 // bytes of a PASSporT's payload

func passportLevel(identity string) string {
	token, _, _ := strings.Cut(identity, ";")
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(parts[1]) > maxPassport {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var p struct {
		Attest string `json:"attest"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return ""
	}
	return levelOf(p.Attest)
}
