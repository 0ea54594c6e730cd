package desk

import (
	"strings"

	"github.com/nyaruka/phonenumbers"

	"filo/contact"
)

// shown returns the address of the other side as an agent may see it: in clear
// at D3, masked below. What is neither a number nor a mail address, such as a
// browser caller's one-time name, is shown at no tier.
func shown(peer string, tier contact.Tier) string {
	switch {
	case strings.Contains(peer, "@"):
		if tier >= contact.D3 {
			return peer
		}
		return maskMail(peer)
	case strings.HasPrefix(peer, "+"):
		return showPhone(peer, tier < contact.D3)
	case peer != "" && strings.Trim(peer, "0123456789") == "": // not E.164: an extension, a short code
		if tier >= contact.D3 {
			return peer
		}
		return "•••" + peer[max(0, len(peer)-2):]
	}
	return ""
}

// maskMail keeps the first character and the domain: "g••••••@posta.example".
// The dots do not tell the length.
func maskMail(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	for _, r := range local {
		return string(r) + "••••••@" + domain
	}
	return "••••••@" + domain
}

// showPhone prints an E.164 number in groups: country, the three digits that
// follow, and the last four; masked, what is between becomes "•••".
func showPhone(e164 string, masked bool) string {
	digits := e164[1:]
	if strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	cc := 0
	if n, err := phonenumbers.Parse(e164, ""); err == nil {
		for c := n.GetCountryCode(); c > 0; c /= 10 {
			cc++
		}
		if !masked {
			return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
		}
	}
	if !masked {
		return e164
	}
	if len(digits) < cc+3+4+2 { // too short to keep both ends
		return "+" + digits[:cc] + " •••" + digits[max(cc, len(digits)-2):]
	}
	country := ""
	if cc > 0 {
		country = digits[:cc] + " "
	}
	return "+" + country + digits[cc:cc+3] + " ••• " + digits[len(digits)-4:]
}
