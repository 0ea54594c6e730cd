package sip

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// trunk is a configured trunk with its networks parsed.
type trunk struct {
	Trunk
	allow   []netip.Prefix
	headers map[string]bool
}

func newTrunks(cfg []Trunk) ([]trunk, error) {
	out := make([]trunk, 0, len(cfg))
	for _, c := range cfg {
		t := trunk{Trunk: c, headers: make(map[string]bool)}
		for _, a := range c.Allow {
			p, err := parseNetwork(a)
			if err != nil {
				return nil, fmt.Errorf("trunk %s: %w", c.Name, err)
			}
			t.allow = append(t.allow, p)
		}
		for _, h := range c.Headers {
			t.headers[http.CanonicalHeaderKey(h)] = true
		}
		out = append(out, t)
	}
	return out, nil
}

// trunkAt is the first trunk that allows addr.
func (u *UA) trunkAt(addr netip.Addr) *trunk {
	for i := range u.trunks {
		for _, p := range u.trunks[i].allow {
			if p.Contains(addr) {
				return &u.trunks[i]
			}
		}
	}
	return nil
}

// caller is who may place a call, and why.
type caller struct {
	trunk *trunk
	user  string
}

// admit decides who calls; false when it has refused.
func (u *UA) admit(req *gosip.Request, tx *gosip.ServerTx) (caller, bool) {
	from := userOf(req.From().Address)
	f := u.flows.get(req.Source())
	socket := f != nil && f.via != "TCP"
	switch {
	case socket && f.ours:
		return caller{}, true
	case socket && f.user != "":
		if f.user != from {
			u.met.reject(rejectForbidden)
			u.reply(tx, u.response(req, statusForbidden, ""))
			return caller{}, false
		}
		return caller{user: f.user}, true
	}
	asUser := u.creds != nil && (req.GetHeader("Authorization") != nil || u.reg.boundFrom(from, req.Source()))
	if t := u.trunkAt(addrOf(u.realSource(req))); t != nil && !socket && !asUser {
		return caller{trunk: t}, true
	}
	if u.creds == nil {
		u.met.reject(rejectForbidden)
		u.reply(tx, u.response(req, statusForbidden, ""))
		return caller{}, false
	}
	name, res := u.authenticate(u.life, req)
	if res == nil && name != from {
		u.met.reject(rejectForbidden)
		res = u.response(req, statusForbidden, "")
	}
	if res != nil {
		u.reply(tx, res)
		return caller{}, false
	}
	return caller{user: name}, true
}

// realSource is the peer's ip:port, also behind a WebSocket.
func (u *UA) realSource(req *gosip.Request) string {
	if f := u.flows.get(req.Source()); f != nil {
		return f.source
	}
	return req.Source()
}

// inboundInfo reads who calls whom.
func (u *UA) inboundInfo(req *gosip.Request, who caller, received time.Time) Info {
	from, h := req.From(), u.hopOf(req)
	info := Info{
		CallID: req.CallID().Value(), User: who.user,
		From: userOf(from.Address), FromName: unescapeName(from.DisplayName),
		To: userOf(req.To().Address), Called: userOf(req.Recipient),
		Transport: h.via, Source: u.realSource(req), Received: received, Inbound: true,
		Headers: passedHeaders(req, who.trunk),
	}
	anonymous := anonymousURI(from.Address)
	if t := who.trunk; t != nil {
		info.Trunk = t.Name
		if t.Trusted {
			if uri, name, ok := asserted(req); ok {
				info.From, info.FromName = userOf(uri), name
				anonymous = anonymousURI(uri)
				info.Attestation = verstat(uri)
			}
			if a := attestation(req); a != "" {
				info.Attestation = a
			}
		}
	}
	if anonymous || wantsPrivacy(req) {
		info.Withheld, info.From, info.FromName = true, "", ""
	}
	return info
}

// asserted is the first P-Asserted-Identity with a number or user (RFC 3325).
func asserted(req *gosip.Request) (uri gosip.Uri, name string, ok bool) {
	for _, h := range req.GetHeaders("P-Asserted-Identity") {
		for _, value := range splitList(h.Value()) {
			var u gosip.Uri
			var params gosip.HeaderParams
			n, err := gosip.ParseAddressValue(value, &u, &params)
			if err == nil && userOf(u) != "" {
				return u, unescapeName(n), true
			}
		}
	}
	return gosip.Uri{}, "", false
}

// splitList splits a header at the commas outside quotes and angle brackets.
func splitList(s string) []string {
	var out []string
	start, quoted, angle := 0, false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" {
		out = append(out, last)
	}
	return out
}

// userOf is the user part of a URI, unescaped and without parameters; for a
// tel: URI the number.
func userOf(uri gosip.Uri) string {
	user := uri.User
	if raw := uri.Raw(); raw != "" {
		user = raw
	}
	user, _, _ = strings.Cut(user, ";")
	if plain, err := url.PathUnescape(user); err == nil {
		user = plain
	}
	return oneLine(user)
}

// escapeUser makes s fit for the user part of a URI (RFC 3261 section 25.1).
func escapeUser(s string) string {
	const plain = "-_.!~*'()&=+$,;?/"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// escapeName makes s fit for a quoted string; sipgo adds the quotes only.
func escapeName(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(oneLine(s))
}

func unescapeName(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s)
}

func anonymousURI(uri gosip.Uri) bool {
	return strings.EqualFold(uri.User, "anonymous") || strings.EqualFold(uri.Host, "anonymous.invalid") ||
		strings.EqualFold(uri.User, "restricted") || strings.EqualFold(uri.User, "unavailable")
}

// wantsPrivacy reads RFC 3323's Privacy header.
func wantsPrivacy(req *gosip.Request) bool {
	for _, h := range req.GetHeaders("Privacy") {
		for v := range strings.FieldsFuncSeq(strings.ToLower(h.Value()), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			switch v {
			case "id", "user", "header":
				return true
			}
		}
	}
	return false
}

// verstat is the carrier's verdict in a URI: TN-Validation-Passed-A (-B, -C).
func verstat(uri gosip.Uri) string {
	value, _ := uri.UriParams.Get("verstat")
	if value == "" {
		for _, text := range []string{uri.User, uri.Raw()} {
			if _, after, ok := strings.Cut(strings.ToLower(text), ";verstat="); ok {
				value, _, _ = strings.Cut(after, ";")
			}
		}
	}
	return level(strings.TrimPrefix(strings.ToLower(value), "tn-validation-passed-"))
}

// level accepts a lone attestation letter.
func level(s string) string {
	switch s = strings.ToUpper(strings.TrimSpace(s)); s {
	case "A", "B", "C":
		return s
	}
	return ""
}

// attestation is the level that a trusted carrier states: its indicator header,
// the From header's verstat, or the PASSporT of an Identity header (RFC 8224),
// whose signature the carrier has checked for us.
func attestation(req *gosip.Request) string {
	for _, name := range []string{"P-Attestation-Indicator", "Attestation-Info"} {
		if h := req.GetHeader(name); h != nil {
			if a := level(h.Value()); a != "" {
				return a
			}
		}
	}
	if a := verstat(req.From().Address); a != "" {
		return a
	}
	if h := req.GetHeader("Identity"); h != nil {
		return passportLevel(h.Value())
	}
	return ""
}

func passportLevel(identity string) string {
	token, _, _ := strings.Cut(identity, ";")
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(parts[1]) > 4096 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var p struct {
		Attest string `json:"attest"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return ""
	}
	return level(p.Attest)
}

// passedHeaders are the headers that the application may see.
func passedHeaders(req *gosip.Request, t *trunk) map[string]string {
	var out map[string]string
	for _, h := range req.Headers() {
		name := http.CanonicalHeaderKey(h.Name())
		pass := name == "User-To-User" || name == "Call-Info" || (t != nil && t.headers[name]) ||
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
