package voice

import (
	"maps"
	"strings"
)

// What is said about a call beside its sound, User-to-User (RFC 7433) and what
// a trunk's headers let through, goes along from leg to leg: with the INVITE
// to whom the caller is brought, and with the BYE at the end.

// headerOurs begins the names of Filo's own headers, in the form in which sip
// gives them. Those of a caller, a token for example, stay here.
const headerOurs = "X-Filo-"

// passed is what may go on of the headers of a leg.
func passed(h map[string]string) map[string]string {
	h = maps.Clone(h)
	maps.DeleteFunc(h, func(name, _ string) bool { return strings.HasPrefix(name, headerOurs) })
	return h
}

// carried goes along with each leg to whom the caller is brought: the caller's
// own, what a phone gave with its transfer, and ours.
func (k *call) carried() map[string]string {
	h := map[string]string{}
	maps.Copy(h, passed(k.leg.Headers()))
	maps.Copy(h, passed(k.given))
	h[headerOurs+"Contact"], h[headerOurs+"Queue"] = string(k.id), k.segment.Queue
	return h
}

// lastWords are the headers of the caller's BYE, for the others on the call;
// nil while the caller is there.
func (k *call) lastWords() map[string]string {
	select {
	case <-k.leg.Done():
		return passed(k.leg.Headers())
	default:
		return nil
	}
}
