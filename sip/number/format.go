package number

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Style is how a carrier wants numbers written.
type Style string

// The styles.
const (
	E164Style     Style = "e164"     // +390612345678
	PlainStyle    Style = "plain"    // 390612345678
	NationalStyle Style = "national" // 0612345678; abroad with the country's prefix for that, 00 or 011
)

// Styles are all styles.
func Styles() []Style { return []Style{E164Style, PlainStyle, NationalStyle} }

// Write writes a number in style for a carrier in region, which only the
// national style needs.
func (s Style) Write(n Number, region string) string {
	switch s {
	case PlainStyle:
		return strings.TrimPrefix(n.e164, "+")
	case NationalStyle:
		return dialled(phonenumbers.FormatOutOfCountryCallingNumber(n.plan, region), n, region)
	}
	return n.e164
}

// dialled is what a person in region dials. The library writes a number of the
// same country as it is printed there, with the trunk prefix.
func dialled(printed string, n Number, region string) string {
	if phonenumbers.GetCountryCodeForRegion(region) == int(n.plan.GetCountryCode()) {
		printed = phonenumbers.Format(n.plan, phonenumbers.NATIONAL)
	}
	return strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, printed)
}

// Read is the inverse: a number of a carrier in region that writes in style,
// in E.164; a text that is no number beyond doubt as it is.
func (s Style) Read(text, region string) string {
	if s == PlainStyle {
		if n, err := Parse("+"+text, ""); err == nil && phonenumbers.IsValidNumber(n.plan) {
			return n.e164
		}
	}
	return Normal(text, region)
}
