package message

import "github.com/nyaruka/phonenumbers"

// E164 normalises a phone number as people and providers write it; region is
// the ISO 3166 country of numbers without a prefix. ok is false for anything
// that is no valid number: short codes, alphanumeric senders, typing errors.
func E164(raw, region string) (number string, ok bool) {
	if len(raw) < 4 || len(raw) > 64 {
		return "", false
	}
	n, err := phonenumbers.Parse(raw, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}
