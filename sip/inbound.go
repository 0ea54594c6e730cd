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
	info.own()
	return info
}

// own copies the texts: they would keep the whole request for as long as the
// application keeps them.
func (i *Info) own() {
	for _, s := range []*string{&i.CallID, &i.From, &i.FromName, &i.To, &i.Called, &i.Original} {
		*s = strings.Clone(*s)
	}
}

// passedHeaders are the headers that the application may see.
func passedHeaders(req *gosip.Request, t *trunk.Trunk) map[string]string {
	var out map[string]string
	for _, h := range req.Headers() {
		name, pass := passedName(h.Name(), t)
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
		out[name] = strings.Clone(value)
	}
	return out
}

// passedName is the canonical name of a header that the application may see.
func passedName(name string, t *trunk.Trunk) (canonical string, pass bool) {
	switch {
	case strings.EqualFold(name, "User-to-User"):
		return "User-to-User", true // as RFC 7433 writes it
	case strings.EqualFold(name, "Call-Info"):
		return "Call-Info", true
	case len(name) < 2 || !strings.EqualFold(name[:2], "X-"):
		return "", false
	}
	name = http.CanonicalHeaderKey(name)
	return name, t == nil || t.Passes(name) // without a trunk it is a user of ours, who proved it
}
