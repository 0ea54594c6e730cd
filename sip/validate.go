package sip

import (
	"net/netip"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// refusal is a response to a request that we cannot serve; code 0: none.
type refusal struct {
	code    int
	reason  string
	headers []string
}

func badRequest(reason string) refusal { return refusal{code: statusBadRequest, reason: reason} }

// checkRequest validates what the parser lets through: missing and doubled
// headers, mismatches and other versions. After it, From, To, Call-ID, CSeq
// and Via are there, and so is Contact where a dialog begins.
func checkRequest(req *gosip.Request) refusal {
	if !strings.EqualFold(req.SipVersion, "SIP/2.0") {
		return refusal{code: statusVersion}
	}
	via, from, to, cid, cseq := req.Via(), req.From(), req.To(), req.CallID(), req.CSeq()
	switch {
	case via == nil:
		return badRequest("Missing Via")
	case from == nil || tagOfFrom(from) == "":
		return badRequest("Missing From Or Its Tag")
	case to == nil:
		return badRequest("Missing To")
	case cid == nil || cid.Value() == "":
		return badRequest("Missing Call-ID")
	case cseq == nil:
		return badRequest("Missing CSeq")
	case !strings.EqualFold(string(cseq.MethodName), string(req.Method)):
		return badRequest("CSeq Does Not Match The Method")
	}
	if r := checkHeaders(req); r.code != 0 {
		return r
	}
	if req.Recipient.Scheme != "sip" && req.Recipient.Scheme != "sips" && req.Recipient.Scheme != "tel" && !emergencyService(req.Recipient) {
		return refusal{code: 416, reason: "Unsupported URI Scheme"}
	}
	if !goodHost(req.Recipient.Host) {
		return badRequest("Bad Host In The Request-URI")
	}
	if req.Method == gosip.INVITE {
		c := contactOf(req)
		if c == nil || c.Address.Wildcard || (c.Address.Scheme != "sip" && c.Address.Scheme != "sips") ||
			c.Address.Host == "" || !goodHost(c.Address.Host) || breaksOut(c.Address.String()) || c.Address.Port < 0 || c.Address.Port > 65535 {
			return badRequest("Missing Or Bad Contact")
		}
	}
	return checkForwards(req)
}

// goodHost refuses what has colons and is no IPv6 reference (RFC 3986 section
// 3.2.2, RFC 5118 section 4), and what would break a line of ours; names are
// not our concern here.
func goodHost(host string) bool {
	if strings.ContainsAny(host, "\x00\r\n\t <>\"") {
		return false
	}
	if !strings.ContainsAny(host, ":[]") {
		return true
	}
	inner, open := strings.CutPrefix(host, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	a, err := netip.ParseAddr(inner)
	return open && closed && err == nil && a.Is6() && a.Zone() == ""
}

// checkHeaders refuses doubled single headers: which one counts differs from
// parser to parser, and that is how requests are smuggled.
func checkHeaders(req *gosip.Request) refusal {
	var seen uint
	for _, h := range req.Headers() {
		bit := singleHeader(h.Name())
		if seen&bit != 0 {
			return badRequest("Doubled " + h.Name())
		}
		seen |= bit
	}
	return refusal{}
}

// singleHeaders are those that may come once only; the parser has made full
// names of compact ones, except of those that it could not read.
var singleHeaders = [...]struct{ name, compact string }{
	{"From", "f"}, {"To", "t"}, {"Call-ID", "i"}, {"CSeq", "cseq"}, {"Content-Length", "l"}, {"Max-Forwards", "max-forwards"},
}

// singleHeader is a bit of its own for each header that may come once only.
func singleHeader(name string) uint {
	for i, s := range singleHeaders {
		if strings.EqualFold(name, s.name) || strings.EqualFold(name, s.compact) {
			return 1 << i
		}
	}
	return 0
}

func checkForwards(req *gosip.Request) refusal {
	if h := header(req, "Max-Forwards"); h != nil {
		m := req.MaxForwards()
		if m == nil || m.Val() > 255 {
			return badRequest("Bad Max-Forwards")
		}
		if m.Val() == 0 && req.Method != gosip.OPTIONS && req.Method != gosip.ACK && req.Method != gosip.CANCEL {
			return refusal{code: statusTooManyHops}
		}
	}
	if req.Method == gosip.ACK || req.Method == gosip.CANCEL { // RFC 3261 section 8.2.2.3
		return refusal{}
	}
	var unknown []string
	for h := range headers(req, "Require") {
		for tag := range strings.SplitSeq(h.Value(), ",") {
			if tag = strings.TrimSpace(tag); tag != "" && !supported(tag) {
				unknown = append(unknown, tag)
			}
		}
	}
	if len(unknown) > 0 {
		return refusal{code: statusBadExtension, headers: []string{"Unsupported", strings.Join(unknown, ", ")}}
	}
	return refusal{}
}

// supported tells whether we know an option tag.
func supported(tag string) bool {
	for known := range strings.SplitSeq(supportedExt, ", ") {
		if strings.EqualFold(tag, known) {
			return true
		}
	}
	return false
}

// mediaType is the content type without parameters, in lower case.
func mediaType(m message) string {
	kind, _, _ := strings.Cut(valueOf(m, "content-type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// checkSDP refuses a body that is not plain SDP (RFC 3261 section 8.2.3).
func checkSDP(req *gosip.Request) refusal {
	if len(req.Body()) == 0 {
		return refusal{}
	}
	if h := header(req, "Content-Encoding"); h != nil && !strings.EqualFold(h.Value(), "identity") {
		return refusal{code: statusUnsupportedMedia, headers: []string{"Accept-Encoding", "identity"}}
	}
	if mediaType(req) != "application/sdp" {
		return refusal{code: statusUnsupportedMedia, headers: []string{"Accept", "application/sdp"}}
	}
	return refusal{}
}
