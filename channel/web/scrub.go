package web

import (
	"strings"

	"filo/journey"
)

// removed stands where a secret was.
const removed = "[removed]"

// secretNames are fields whose values are secrets whatever they look like.
// Names are compared without case and punctuation.
var secretNames = []string{
	"cvc", "cvv", "csc", "cvn", "cid", "securitycode", "cardcode", "codicesicurezza", "codicedisicurezza",
	"cardnumber", "cardno", "ccnumber", "ccnum", "creditcard", "numerocarta", "numerodellacarta", "pan",
	"password", "passwd", "pwd", "passcode", "pin", "otp", "secret",
}

// secretParts make a name secret wherever they occur in it.
var secretParts = []string{
	"cvc", "cvv", "cardnumber", "creditcard", "numerocarta", "securitycode", "password", "passwd", "passwort", "cardcsc", "cccsc",
}

// secretField reports whether a field's name says that its value is a secret.
func secretField(name string) bool {
	n := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
	for _, s := range secretNames {
		if n == s {
			return true
		}
	}
	for _, s := range secretParts {
		if strings.Contains(n, s) {
			return true
		}
	}
	return false
}

// scrubber removes secrets and counts them.
type scrubber struct{ count int }

// field returns the value of a named field that may be stored, "" for none.
func (s *scrubber) field(name, value string) string {
	if value == "" {
		return ""
	}
	if secretField(name) {
		s.count++
		return ""
	}
	if phone, ok := journey.NormalPhone(value, ""); ok && strings.HasPrefix(value, "+") && len(phone) <= 16 {
		return value // a number with country code may pass for a card's by chance
	}
	return s.text(value)
}

// text returns free text without card numbers.
func (s *scrubber) text(value string) string {
	for {
		from, to, ok := findCard(value)
		if !ok {
			return value
		}
		s.count++
		value = value[:from] + removed + value[to:]
	}
}

// Lengths of card numbers, ISO/IEC 7812.
const (
	minCard = 13
	maxCard = 19
)

// findCard returns where a card number stands in s: 13 to 19 digits, alone or
// in groups with one space, dash or dot between, of a card network's range and
// right by Luhn's check.
func findCard(s string) (from, to int, ok bool) {
	for start := 0; start < len(s); start++ {
		if !digit(s[start]) || (start > 0 && digit(s[start-1])) {
			continue
		}
		if end, ok := cardAt(s, start); ok {
			return start, end, true
		}
	}
	return 0, 0, false
}

// cardAt finds the longest card number that begins at start and ends where a
// group of digits ends.
func cardAt(s string, start int) (end int, ok bool) {
	var digits []byte
	for i := start; i < len(s) && len(digits) < maxCard; i++ {
		switch {
		case digit(s[i]):
			digits = append(digits, s[i]-'0')
		case separator(s[i]) && i+1 < len(s) && digit(s[i+1]):
		default:
			return end, ok
		}
		groupEnds := digit(s[i]) && (i+1 == len(s) || !digit(s[i+1]))
		if groupEnds && len(digits) >= minCard && network(digits[0]) && luhn(digits) {
			end, ok = i+1, true
		}
	}
	return end, ok
}

func digit(b byte) bool     { return b >= '0' && b <= '9' }
func separator(b byte) bool { return b == ' ' || b == '-' || b == '.' || b == '_' }

// network reports whether card numbers begin so: 2 and 5 Mastercard, 3 Amex,
// Diners and JCB, 4 Visa, 6 Discover, Maestro and UnionPay.
func network(first byte) bool { return first >= 2 && first <= 6 }

// luhn is the check digit of ISO/IEC 7812-1 annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
