package journey

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

const dots = "•••"

// ShowPhone prints an E.164 number in groups, as its country writes it abroad;
// anything else as it is.
func ShowPhone(number string) string {
	if !strings.HasPrefix(number, "+") {
		return number
	}
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return number
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// MaskPhone keeps the country, the three digits that follow and the last four:
// "+39 347 ••• 4419". Of what is too short to keep both ends it keeps less.
func MaskPhone(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
	plus, country := "", ""
	if strings.HasPrefix(number, "+") {
		plus = "+"
		if n, err := phonenumbers.Parse(number, ""); err == nil {
			country = strconv.Itoa(int(n.GetCountryCode()))
			digits = strings.TrimPrefix(digits, country)
			country += " "
		}
	}
	switch {
	case number == "":
		return ""
	case len(digits) >= 8: // at least one digit stays hidden
		return plus + country + digits[:3] + " " + dots + " " + digits[len(digits)-4:]
	case len(digits) >= 4:
		return plus + country + dots + digits[len(digits)-2:]
	}
	return dots
}

// MaskMail keeps the first character and the domain: "g••••••@posta.example".
// The dots do not tell the length.
func MaskMail(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	switch {
	case address == "":
		return ""
	case !ok || domain == "":
		return dots
	}
	return first(local) + dots + dots + "@" + domain
}

// first is the first character of s, "" of nothing.
func first(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

// maskValue masks an address or number, whichever it is.
func maskValue(v string) string {
	if strings.Contains(v, "@") {
		return MaskMail(strings.Trim(v[strings.LastIndexByte(v, '<')+1:], "> "))
	}
	return MaskPhone(v)
}

// maskField masks one form field at D2: what says how to reach, find or charge
// somebody. Short plain words (a size, a delivery option) stay.
func maskField(name, value string) string {
	switch {
	case value == "":
		return ""
	case strings.Contains(value, "@"):
		return MaskMail(value)
	case openField[strings.ToLower(name)]:
		return value
	}
	if n := strings.ToLower(name); strings.Contains(n, "phone") || strings.Contains(n, "tel") {
		return MaskPhone(value)
	}
	return first(value) + dots
}

// openField are the fields that D2 opens, as it opens the name.
var openField = map[string]bool{
	"name": true, "first_name": true, "last_name": true, "city": true, "country": true,
	"delivery": true, "shipping": true, "payment_method": true, "quantity": true, "size": true,
}
