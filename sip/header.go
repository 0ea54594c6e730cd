package sip

import (
	"iter"
	"slices"
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

// contactOf is the last Contact, which is the only one in a dialog; nil when there
// is none that can be read.
func contactOf(m headed) *gosip.ContactHeader {
	for _, h := range slices.Backward(m.Headers()) {
		if c, ok := h.(*gosip.ContactHeader); ok {
			return c
		}
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
