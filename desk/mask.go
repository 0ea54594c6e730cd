package desk

import (
	"strings"

	"filo/contact"
	"filo/journey"
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
		return journey.MaskMail(peer)
	case strings.Trim(strings.TrimPrefix(peer, "+"), "0123456789") != "":
		return ""
	case tier >= contact.D3:
		return journey.ShowPhone(peer)
	}
	return journey.MaskPhone(peer)
}
