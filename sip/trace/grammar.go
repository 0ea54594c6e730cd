package trace

import "strings"

// grammar is how the headers that are kept are read. What is not here is
// removed: User-to-User, Call-Info, Identity, Subject, and all that is unknown.
var grammar = map[string]rule{
	// Addresses.
	"From": address, "To": address, "Contact": list(address), "Route": list(address), "Record-Route": list(address),
	"Path": list(address), "Service-Route": list(address), "P-Asserted-Identity": list(address),
	"P-Preferred-Identity": list(address), "P-Associated-Uri": list(address), "P-Called-Party-Id": address,
	"Remote-Party-Id": list(address), "Diversion": list(address), "History-Info": list(address),
	"Referred-By": address, "Refer-To": address, "Reply-To": address,
	// Dialogs and transactions.
	"Via": list(withParams(via, viaParams)), "Call-ID": opaque, "In-Reply-To": list(opaque), "Session-ID": withParams(opaque, map[string]rule{"remote": opaque}),
	"CSeq": fields(number, method), "RAck": fields(number, number, method), "RSeq": number, "Max-Forwards": number, "Max-Breadth": number,
	"Replaces": replaces, "Join": replaces, "Target-Dialog": withParams(opaque, targetParams),
	"X-Filo-Contact": opaque,
	// What the ends can do and want.
	"Allow": list(method), "Supported": optionTags, "Require": optionTags, "Proxy-Require": optionTags, "Unsupported": optionTags,
	"Allow-Events": list(eventPackage), "Event": withParams(eventPackage, map[string]rule{"id": opaque}),
	"Subscription-State": withParams(word("active", "pending", "terminated"), map[string]rule{
		"expires": number, "retry-after": number, "reason": word("deactivated", "probation", "rejected", "timeout", "giveup", "noresource", "invariant"),
	}),
	"Accept": list(mediaType), "Content-Type": mediaType, "Accept-Encoding": words("identity", "gzip", "deflate"),
	"Content-Encoding":    words("identity", "gzip", "deflate"),
	"Accept-Language":     list(withParams(language, map[string]rule{"q": decimal})),
	"Content-Language":    list(language),
	"Content-Disposition": withParams(word("session", "render", "early-session", "signal", "by-reference", "recording-session", "aib"), map[string]rule{"handling": word("optional", "required")}),
	"Mime-Version":        decimal, "Expires": number, "Min-Expires": number, "Min-SE": withParams(number, nil),
	"Session-Expires": withParams(number, map[string]rule{"refresher": word("uac", "uas")}),
	"Retry-After":     withParams(retryAfter, map[string]rule{"duration": number}),
	"Timestamp":       fields(decimal, decimal), "Date": date, "Sip-Etag": opaque, "Sip-If-Match": opaque,
	"Privacy":  privacy,
	"Priority": word("emergency", "urgent", "normal", "non-urgent"), "P-Early-Media": words("supported", "sendrecv", "sendonly", "recvonly", "inactive", "gated"),
	"Refer-Sub": word("true", "false"), "Reason": list(withParams(word("SIP", "Q.850", "preemption", "FreeSWITCH"), map[string]rule{"cause": number, "text": phrase})),
	"Warning": list(warning), "User-Agent": product, "Server": product,
	// Credentials.
	"Authorization": credential, "Proxy-Authorization": credential, "WWW-Authenticate": credential,
	"Proxy-Authenticate": credential, "Authentication-Info": credentialInfo, "Proxy-Authentication-Info": credentialInfo,
	"Identity": fixed, "Identity-Info": fixed,
}

// learned are the headers whose users and names are looked for elsewhere.
var learned = setOfNames("From", "To", "Contact", "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-Id",
	"Diversion", "History-Info", "Referred-By", "Refer-To", "Reply-To", "P-Called-Party-Id", "P-Associated-Uri")

// credentials are the headers whose values are looked for elsewhere.
var credentials = setOfNames("Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate",
	"Authentication-Info", "Proxy-Authentication-Info")

func setOfNames(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

var addressParams = map[string]rule{
	"tag": opaque, "expires": number, "q": decimal, "reg-id": number, "ob": fixed, "index": index, "counter": number,
	"reason": diversionReason, "privacy": privacy, "screen": word("yes", "no"), "party": word("calling", "called"),
	"limit": number, "np": decimal, "rc": index, "mp": index,
}

var uriParams = map[string]rule{
	"transport": word("udp", "tcp", "tls", "ws", "wss", "sctp"), "lr": word("on", "true", "yes"),
	"user": word("phone", "ip", "dialstring"), "method": method, "maddr": host, "ttl": number, "ob": fixed, "comp": word("sigcomp"),
	"verstat": word("TN-Validation-Passed", "TN-Validation-Failed", "No-TN-Validation", "TN-Validation-Passed-A", "TN-Validation-Passed-B",
		"TN-Validation-Passed-C", "TN-Validation-Failed-A", "TN-Validation-Failed-B", "TN-Validation-Failed-C"),
	"cause": number,
}

var viaParams = map[string]rule{
	"branch": opaque, "received": host, "rport": number, "ttl": number, "maddr": host, "alias": fixed, "keep": number, "ob": fixed,
}

var (
	replaces     = withParams(opaque, map[string]rule{"to-tag": opaque, "from-tag": opaque, "early-only": fixed})
	targetParams = map[string]rule{"local-tag": opaque, "remote-tag": opaque}
)

var methods = setOf("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH")

func method(r *redactor, s string) string { return r.known(methods, s) }

var optionTags = words("100rel", "timer", "replaces", "outbound", "path", "gruu", "norefersub", "precondition", "histinfo", "eventlist",
	"join", "early-session", "from-change", "tdialog", "answermode", "privacy", "resource-priority", "sdp-anat", "sec-agree", "pref",
	"multiple-refer", "target-dialog", "recipient-list-invite", "explicitsub", "nosub", "trickle-ice", "siprec", "uui", "ice", "record-aware", "199", "vq-rtcpxr", "x-nat")

var eventPackage = word("refer", "dialog", "message-summary", "presence", "conference", "reg", "talk", "hold", "keep-alive", "check-sync", "presence.winfo", "kpml", "uaCSTA", "as-feature-event")

var privacy = func() rule {
	one := word("none", "id", "header", "session", "user", "critical", "history", "full", "off", "name", "uri")
	return func(r *redactor, s string) string {
		parts := strings.Split(s, ";")
		for i, p := range parts {
			parts[i] = one(r, strings.TrimSpace(p))
		}
		return strings.Join(parts, ";")
	}
}()

var diversionReason = word("unknown", "user-busy", "no-answer", "unavailable", "unconditional", "time-of-day", "do-not-disturb", "deflection", "follow-me", "out-of-service", "away")

var services = setOf("urn:service:sos", "urn:service:sos.ambulance", "urn:service:sos.fire", "urn:service:sos.police", "urn:service:sos.marine",
	"urn:service:sos.mountain", "urn:service:sos.physician", "urn:service:sos.poison", "urn:service:sos.gas", "urn:service:sos.animal-control")

var otherSchemes = setOf("http", "https", "urn", "cid", "data", "im", "pres", "mailto", "ws", "wss", "xmpp")

// fields is a rule for values with spaces between.
func fields(rules ...rule) rule {
	return func(r *redactor, s string) string {
		parts := strings.Fields(s)
		if len(parts) > len(rules) {
			return gone
		}
		for i := range parts {
			parts[i] = rules[i](r, parts[i])
		}
		return strings.Join(parts, " ")
	}
}

// via is a rule for "SIP/2.0/UDP host:port".
func via(r *redactor, s string) string {
	protocol, by, ok := strings.Cut(s, " ")
	if !ok || !viaProtocols[strings.ToUpper(protocol)] {
		return gone
	}
	return protocol + " " + host(r, strings.TrimSpace(by))
}

var viaProtocols = setOfNames("SIP/2.0/UDP", "SIP/2.0/TCP", "SIP/2.0/TLS", "SIP/2.0/WS", "SIP/2.0/WSS", "SIP/2.0/SCTP")

// index is a rule for the "1.2.1" of History-Info (RFC 7044).
func index(r *redactor, s string) string {
	if s != "" && len(s) <= 40 && strings.Trim(s, "0123456789.") == "" && maskRuns(s) == s {
		return r.secrets.sweep(s)
	}
	return gone
}

// retryAfter is a rule for seconds; the comment goes.
func retryAfter(r *redactor, s string) string {
	seconds, _, _ := strings.Cut(s, "(")
	return number(r, strings.TrimSpace(seconds))
}

// language is a rule for a language tag: two or three letters, and a region.
func language(r *redactor, s string) string {
	tag, region, _ := strings.Cut(s, "-")
	letters := strings.IndexFunc(tag+region, func(c rune) bool { return digit(c) || !letterOrDigit(c) }) < 0
	if s == "*" || r.clear || letters && len(tag) >= 2 && len(tag) <= 3 && len(region) <= 2 {
		return s
	}
	return gone
}

// date is a rule for RFC 1123 dates in GMT.
func date(r *redactor, s string) string {
	if !dateShape(s) {
		return gone
	}
	return r.secrets.sweep(s)
}

// dateShape reports whether s looks like "Sat, 13 Nov 2010 23:29:00 GMT".
func dateShape(s string) bool {
	const shape = "Aaa, 00 Aaa 0000 00:00:00 GMT"
	if len(s) != len(shape) {
		return false
	}
	for i := range len(shape) {
		c, want := rune(s[i]), shape[i]
		letter := letterOrDigit(c) && !digit(c)
		switch {
		case i < len(shape)-4 && (want == 'A' || want == 'a') && letter:
		case want == '0' && digit(c):
		case want == s[i]:
		default:
			return false
		}
	}
	return true
}

// mediaType is a rule for types of bodies.
var mediaType = withParams(word("application/sdp", "application/dtmf-relay", "application/dtmf", "application/isup", "application/pidf+xml",
	"application/simple-message-summary", "application/dialog-info+xml", "application/rs-metadata+xml", "application/rs-metadata", "application/vq-rtcpxr",
	"application/media_control+xml", "application/conference-info+xml", "application/json", "application/xml", "application/trickle-ice-sdpfrag",
	"message/sipfrag", "message/sip", "multipart/mixed", "multipart/alternative", "multipart/related", "text/plain", "text/html", "image/jpeg", "*/*", "application/*"),
	map[string]rule{"boundary": fixed, "charset": word("utf-8", "us-ascii", "iso-8859-1"), "q": decimal, "version": word("2.0", "1.0")})

// warning is a rule for a code; the agent and the text go.
func warning(r *redactor, s string) string {
	code, _, _ := strings.Cut(s, " ")
	if !isNumber(code, 3) {
		return gone
	}
	return code + ` - "` + gone + `"`
}

// product is a rule for User-Agent and Server: what can be the name and version
// of a program. Comments go, and serial numbers.
func product(r *redactor, s string) string {
	if r.clear {
		return s
	}
	var kept []string
	for _, p := range strings.Fields(r.secrets.sweep(s)) {
		if !isToken(strings.Replace(p, "/", "", 1)) || len(p) > 40 {
			break
		}
		kept = append(kept, maskSerial(p))
	}
	if len(kept) == 0 {
		return gone
	}
	return strings.Join(kept, " ")
}

// maskSerial hides hexadecimal runs as long as a number or hardware address.
func maskSerial(s string) string {
	isHex := func(c rune) bool { return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
	run, digits := 0, 0
	for _, c := range s + "/" {
		if isHex(c) || c == '-' || c == ':' {
			run++
			if digit(c) {
				digits++
			}
			continue
		}
		if run >= 10 && digits >= 2 {
			return hidden
		}
		run, digits = 0, 0
	}
	return maskRuns(s)
}

// credential is a rule for challenges and credentials: who, where and how, but
// nothing that a key could be guessed from.
func credential(r *redactor, s string) string {
	scheme, rest, _ := strings.Cut(s, " ")
	if !strings.EqualFold(scheme, "Digest") {
		return gone
	}
	return "Digest " + r.digest(rest)
}

// credentialInfo is the same without a scheme.
func credentialInfo(r *redactor, s string) string { return r.digest(s) }

var digestParams = map[string]rule{
	"username": func(r *redactor, s string) string { return r.user(s) }, "realm": host, "uri": func(r *redactor, s string) string { return r.uri(s) },
	"algorithm": word("MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"), "qop": words("auth", "auth-int"),
	"stale": word("true", "false"), "nc": func(_ *redactor, s string) string {
		if len(s) == 8 && strings.HasPrefix(s, "0000") && isNumber(s, 8) {
			return s
		}
		return gone
	},
	"nonce": fixed, "cnonce": fixed, "response": fixed, "opaque": fixed, "nextnonce": fixed, "rspauth": fixed,
}

func (r *redactor) digest(s string) string {
	params, ok := split(s, ',')
	if !ok {
		return gone
	}
	written := r.params(params, digestParams)
	return strings.ReplaceAll(strings.TrimPrefix(written, ";"), ";", ", ")
}

// phrase is a rule for the text of a Reason header.
func phrase(r *redactor, s string) string { return r.known(phrases, s) }

// phrases are those of RFC 3261 and its extensions, of Q.850, and our own.
var phrases = setOf(
	"Trying", "Ringing", "Call Is Being Forwarded", "Queued", "Session Progress", "Early Dialog Terminated", "OK", "Accepted", "No Notification",
	"Multiple Choices", "Moved Permanently", "Moved Temporarily", "Use Proxy", "Alternative Service", "Bad Request", "Unauthorized",
	"Payment Required", "Forbidden", "Not Found", "Method Not Allowed", "Not Acceptable", "Proxy Authentication Required", "Request Timeout",
	"Gone", "Conditional Request Failed", "Request Entity Too Large", "Request-URI Too Long", "Unsupported Media Type", "Unsupported URI Scheme",
	"Unknown Resource-Priority", "Bad Extension", "Extension Required", "Session Interval Too Small", "Interval Too Brief", "Bad Location Information",
	"Use Identity Header", "Provide Referrer Identity", "Flow Failed", "Anonymity Disallowed", "Bad Identity-Info", "Unsupported Certificate",
	"Unsupported Credential", "Invalid Identity Header", "First Hop Lacks Outbound Support", "Max-Breadth Exceeded", "Consent Needed",
	"Temporarily Unavailable", "Temporarily not available", "Call/Transaction Does Not Exist", "Call Does Not Exist", "Call Leg/Transaction Does Not Exist",
	"Loop Detected", "Too Many Hops", "Address Incomplete", "Ambiguous", "Busy Here", "Request Terminated", "Request Cancelled", "Not Acceptable Here",
	"Bad Event", "Request Pending", "Undecipherable", "Security Agreement Required", "Server Internal Error", "Internal Server Error", "Not Implemented",
	"Bad Gateway", "Service Unavailable", "Server Time-out", "Gateway Time-out", "Version Not Supported", "Message Too Large", "Precondition Failure",
	"Busy Everywhere", "Decline", "Declined", "Does Not Exist Anywhere", "Unwanted", "Rejected", "Call completed elsewhere",
	"Unallocated number", "Unallocated (unassigned) number", "No route to destination", "Normal call clearing", "Normal Clearing", "User busy",
	"No user responding", "No answer from user", "Call rejected", "Number changed", "Destination out of order", "Invalid number format",
	"Facility rejected", "Normal, unspecified", "No circuit/channel available", "Network out of order", "Temporary failure",
	"Switching equipment congestion", "Requested circuit/channel not available", "Bearer capability not authorized", "Incompatible destination",
	"Recovery on timer expiry", "Interworking, unspecified", "Protocol error, unspecified",
	"call over", "conversation over", "offer is gone", "signed out", "replaced by a newer line", "media not usable", "no answer", "cancelled",
)
