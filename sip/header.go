package sip

import (
	"iter"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// headed is a request or a response.
type headed interface{ Headers() []gosip.Header }

// header is the first header of a name, in any case; nil without one. The
// message's own GetHeader lowers every name on the way.
func header(m headed, name string) gosip.Header {
	for h := range headers(m, name) {
		return h
	}
	return nil
}

// headers are all headers of a name, in order.
func headers(m headed, name string) iter.Seq[gosip.Header] {
	return func(yield func(gosip.Header) bool) {
		for _, h := range m.Headers() {
			if strings.EqualFold(h.Name(), name) && !yield(h) {
				return
			}
		}
	}
}
