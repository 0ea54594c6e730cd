package sip

import (
	"net/http"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/trunk"
)

// inboundInfo reads who calls whom.
func (u *UA) inboundInfo(req *gosip.Request, h hop, who caller, received time.Time) Info {
	from := req.From()
	info := Info{
		CallID: req.CallID().Value(), User: who.user,
		From: userOf(from.Address), FromName: unescapeName(from.DisplayName),
		To: userOf(req.To().Address), Called: userOf(req.Recipient),
		Transport: h.network, Source: h.source(), Received: received, Inbound: true,
		Headers: passedHeaders(req, who.trunk),
	}
	anonymous := anonymousURI(from.Address)
	if t := who.trunk; t != nil {
		info.Trunk = t.Name
		info.Verstat = verstatNone
		if t.Numbers.Called == trunk.CalledTo {
			info.Called = info.To
		}
		if t.Trusted {
			caller := from.Address
			if uri, name, ok := asserted(req); ok {
				info.From, info.FromName = userOf(uri), name
				anonymous = anonymousURI(uri)
				caller = uri
			}
			info.Attestation, info.Verstat = verification(req, caller)
			info.Original = t.ReadNumber(originalCalled(req))
		}
		info.From, info.Called = t.ReadNumber(info.From), t.ReadNumber(info.Called)
	}
	if anonymous || wantsPrivacy(req) {
		info.Withheld, info.From, info.FromName = true, "", ""
	}
	return info
}

// passedHeaders are the headers that the application may see.
func passedHeaders(req *gosip.Request, t *trunk.Trunk) map[string]string {
	var out map[string]string
	for _, h := range req.Headers() {
		name := http.CanonicalHeaderKey(h.Name())
		pass := name == "User-To-User" || name == "Call-Info" || (t != nil && t.Passes(name)) ||
			(t == nil && strings.HasPrefix(name, "X-")) // a user of ours, who proved it
		if !pass || len(out) >= 32 {
			continue
		}
		value := oneLine(h.Value())
		if len(value) > 1024 {
			continue
		}
		if out == nil {
			out = make(map[string]string)
		}
		if name == "User-To-User" {
			name = "User-to-User" // as RFC 7433 writes it
		}
		out[name] = value
	}
	return out
}
