package journey

import (
	"strings"
	"unicode/utf8"
)

const dots = "•••"

// MaskPhone keeps country and prefix and the last four digits: "+39 347 ••• 4419".
func MaskPhone(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
	if len(digits) < 8 {
		if number == "" {
			return ""
		}
		return dots
	}
	last := digits[len(digits)-4:]
	if strings.HasPrefix(number, "+") && len(digits) >= 10 {
		return "+" + digits[:2] + " " + digits[2:5] + " " + dots + " " + last
	}
	return digits[:3] + " " + dots + " " + last
}

// MaskMail keeps the first letter and the top of the domain: "g•••@e•••.it".
func MaskMail(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || domain == "" {
		if address == "" {
			return ""
		}
		return dots
	}
	top := ""
	if i := strings.LastIndexByte(domain, '.'); i > 0 {
		top = domain[i:]
	}
	return first(local) + dots + "@" + first(domain) + dots + top
}

func first(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	return string(r)
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
