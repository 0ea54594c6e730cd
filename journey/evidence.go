package journey

import (
	"math"
	"time"
)

// Sources of evidence. A connector may use others; those count with the
// confidence that it states.
const (
	FromCallToken  = "call_token"        // click-to-call token, signed, single use
	FromPageCode   = "page_code"         // code shown on the page, dialled in the call
	FromAgent      = "agent"             // an agent verified the person
	FromCallback   = "callback"          // we dialled the number and the person answered
	FromLease      = "number_lease"      // a number shown to one visitor only
	FromIdentify   = "verified_identify" // our site vouches by userHash
	FromFormPhone  = "form_phone"        // phone typed in a form on our site
	FromSignedLink = "signed_link"       // signed link of a mail, which may be forwarded
	FromFormMail   = "form_email"        // mail address typed in a form: no proof of ownership
	FromSignature  = "mail_signature"    // phone in a mail's signature
	FromUnsigned   = "unsigned_id"       // an id that nobody vouches for
)

// Kinds of proof that a caller is somebody, in contact.Evidence, beside the sources above.
const (
	ByANISMS      = "ani_sms"      // calls from a number that exchanged SMS with us
	ByANIVerified = "ani_verified" // calls from the phone of a verified identify
	ByANIKnown    = "ani_known"    // called from this number before
	ByMailFrom    = "mail_from"    // wrote from this address
	BySMSFrom     = "sms_from"     // wrote from this number
)

// Thresholds of journey.md: linking people, the silent skip, the question,
// and personal data.
const (
	linkAt    = 0.90
	skipAt    = 0.85
	askAt     = 0.60
	discloses = 0.90
)

// strength is what one kind of evidence is worth, and after a while.
type strength struct {
	fresh float64
	until time.Duration // 0: for ever
	later float64
}

// strengthOf is the confidence scale: one for the whole product.
func strengthOf(source string) (strength, bool) {
	switch source {
	case FromCallToken:
		return strength{fresh: .99}, true
	case FromPageCode:
		return strength{fresh: .97, until: 15 * time.Minute}, true
	case FromAgent, FromCallback:
		return strength{fresh: .95}, true
	case FromLease, FromIdentify, ByANISMS, ByANIVerified, BySMSFrom, ByMailFrom:
		return strength{fresh: .90}, true
	case FromFormPhone:
		return strength{fresh: .85, until: 30 * time.Minute, later: .50}, true
	case FromSignedLink, ByANIKnown:
		return strength{fresh: .80}, true
	case FromFormMail:
		return strength{fresh: .50}, true
	case FromSignature:
		return strength{fresh: .40}, true
	case FromUnsigned:
		return strength{fresh: .30}, true
	}
	return strength{}, false
}

// worth returns what evidence stated with confidence c (0: the scale's) at
// time at is worth now. The scale bounds what a connector may state.
func worth(source string, c float64, at, now time.Time) float64 {
	s, known := strengthOf(source)
	if !known {
		return clampConfidence(c)
	}
	v := s.fresh
	if s.until > 0 && now.Sub(at) > s.until {
		v = s.later
	}
	if c > 0 {
		v = min(v, c)
	}
	return clampConfidence(v)
}

// whenMade returns what the edge was worth when it was made. People are
// linked by that, so that they do not fall apart by the mere passing of time.
func (e Edge) whenMade() float64 { return worth(e.Source, e.Confidence, e.At, e.At) }

// at returns what the edge is worth now.
func (e Edge) at(now time.Time) float64 { return worth(e.Source, e.Confidence, e.At, now) }

func clampConfidence(c float64) float64 {
	if math.IsNaN(c) {
		return 0
	}
	return max(0, min(c, .99))
}

// combine joins independent confidences: 1 - prod(1 - c).
func combine(cs ...float64) float64 {
	rest := 1.0
	for _, c := range cs {
		rest *= 1 - c
	}
	return 1 - rest
}

// atLeast compares confidences beyond the noise of floating point.
func atLeast(c, limit float64) bool { return c >= limit-1e-9 }
