package number

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Kind is what the numbering plan says about a number, as far as it matters to
// who pays for the call.
type Kind string

// The kinds. Everything ordinary (fixed, mobile, free, company-wide) is Plain.
const (
	Plain      Kind = "plain"
	Premium    Kind = "premium"
	SharedCost Kind = "shared_cost"
	Satellite  Kind = "satellite"
	Personal   Kind = "personal"
	Pager      Kind = "pager"
	Voicemail  Kind = "voicemail"
	// Unassigned numbers are possible, but no range of the plan has them: the
	// ground on which revenue is shared with whoever made the call.
	Unassigned Kind = "unassigned"
)

// Kinds are the kinds that rules can deny.
func Kinds() []Kind {
	return []Kind{Premium, SharedCost, Satellite, Personal, Pager, Voicemail, Unassigned}
}

// Kind is what the number's plan says about it.
func (n Number) Kind() Kind {
	switch cc := n.plan.GetCountryCode(); {
	case cc == 870 || cc == 881 || cc == 882 || cc == 883: // ITU-T E.164 Annex: global satellite and networks
		return Satellite
	case cc == 979: // international premium rate service
		return Premium
	case strings.HasPrefix(phonenumbers.GetNationalSignificantNumber(n.plan), "0900"):
		// Premium in most of Europe by the national spelling, and no subscriber's
		// number begins with 0 where the area code keeps its own (090 in Italy).
		return Premium
	}
	switch phonenumbers.GetNumberType(n.plan) {
	case phonenumbers.PREMIUM_RATE:
		return Premium
	case phonenumbers.SHARED_COST:
		return SharedCost
	case phonenumbers.PERSONAL_NUMBER:
		return Personal
	case phonenumbers.PAGER:
		return Pager
	case phonenumbers.VOICEMAIL:
		return Voicemail
	case phonenumbers.UNKNOWN:
		return Unassigned
	}
	return Plain
}
