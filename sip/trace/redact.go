package trace

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// gone stands for a value that was taken out as a whole.
const gone = "x-redacted"

// redactor takes out of messages what is nobody's business. It keeps what the
// grammar of a header or body knows to be harmless: methods, codes, option
// tags, numbers that count something, hosts, identifiers of dialogs. Users
// are masked, all else is removed; an unknown header keeps its name.
type redactor struct {
	// clear keeps users, names and what is unknown, but no key or credential.
	clear   bool
	secrets secrets
}

func newRedactor(clear bool) *redactor {
	return &redactor{clear: clear, secrets: secrets{public: map[string]bool{}, numbers: map[string]bool{}}}
}

// learn reads the users and names of a message, which are then found in other
// places too. It comes before redact, for all messages of a trace.
func (r *redactor) learn(m message) {
	r.learnURI(m.uri)
	for _, h := range m.headers {
		switch {
		case learned[h.name]:
			r.learnAddresses(h.value)
		case credentials[h.name]:
			r.learnCredentials(h.value)
		}
	}
}

func (r *redactor) learnAddresses(value string) {
	parts, _ := split(value, ',')
	for _, part := range parts {
		before, rest, ok := strings.Cut(part, "<")
		if !ok {
			r.learnURI(part)
			continue
		}
		r.secrets.learn(strings.Trim(strings.TrimSpace(before), `"`))
		r.learnURI(rest)
	}
}

func (r *redactor) learnURI(uri string) {
	_, rest, _ := strings.Cut(uri, ":")
	user, _, ok := cutLast(rest, "@")
	if ok || strings.HasPrefix(strings.ToLower(uri), "tel:") {
		name, password, _ := strings.Cut(strings.TrimSuffix(user, ">"), ":")
		r.secrets.learn(name)
		r.secrets.learn(password)
	}
}

func (r *redactor) learnCredentials(value string) {
	_, rest, _ := strings.Cut(value, " ")
	params, _ := split(rest, ',')
	for _, p := range params {
		if name, v, _ := strings.Cut(p, "="); !strings.EqualFold(name, "realm") && !strings.EqualFold(name, "uri") {
			r.secrets.learn(strings.Trim(v, `"`))
		}
	}
}

// redact returns m without what must not be seen.
func (r *redactor) redact(m message) message {
	out := message{code: m.code}
	if m.code > 0 {
		out.phrase = r.reasonPhrase(m.code, m.phrase)
	} else {
		out.method, out.uri = r.known(methods, m.method), r.uri(m.uri)
	}
	for _, h := range m.headers {
		if h.name == "Content-Length" {
			continue // put there anew
		}
		out.headers = append(out.headers, r.header(h))
	}
	out.body = r.body(m.get("Content-Type"), m.body)
	return out
}

func (r *redactor) header(h header) header {
	keep, ok := grammar[h.name]
	switch {
	case h.name == "":
		return header{"X-Redacted", "a line that is no header"}
	case ok:
		return header{h.name, keep(r, h.value)}
	case r.clear && !secretHeader(h.name):
		return h
	case registered[strings.ToLower(h.name)] != "":
		return header{h.name, gone}
	}
	return header{r.headerName(h.name), gone}
}

// headerName keeps the name of a header that nobody registered, as far as it is
// words.
func (r *redactor) headerName(name string) string {
	return maskRuns(r.secrets.sweep(name))
}

// maskRuns hides what looks like a number in a text that should hold none.
func maskRuns(s string) string {
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, func(c rune) bool { return !digit(c) })
		switch {
		case n < 0:
			n = len(s)
		case n == 0:
			n = strings.IndexFunc(s, digit)
			if n < 0 {
				n = len(s)
			}
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		if n >= shortestNumber {
			b.WriteString(hidden)
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// secretHeader reports whether a header that has no grammar here may hold a
// key, so that not even an operator sees it.
func secretHeader(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "token", "key", "secret", "password", "identity", "cookie"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

// A rule writes the value of a header, or of a part of it, as it may be seen.
type rule func(r *redactor, value string) string

// known keeps s if it is one of words; in clear, whatever it is.
func (r *redactor) known(words map[string]bool, s string) string {
	if r.clear || words[strings.ToLower(s)] {
		return s
	}
	return gone
}

// word is a rule that keeps one of the words.
func word(words ...string) rule {
	set := setOf(words...)
	return func(r *redactor, s string) string { return r.known(set, s) }
}

// words is a rule for a list of words.
func words(words ...string) rule { return list(word(words...)) }

func setOf(words ...string) map[string]bool {
	set := map[string]bool{}
	for _, w := range words {
		set[strings.ToLower(w)] = true
	}
	return set
}

// list is a rule for what is separated by commas.
func list(one rule) rule {
	return func(r *redactor, s string) string {
		parts, ok := split(s, ',')
		if !ok {
			return gone
		}
		for i, p := range parts {
			parts[i] = one(r, p)
		}
		return strings.Join(parts, ", ")
	}
}

// number is a rule for a count: 32 bits (RFC 3261 has no larger ones).
func number(r *redactor, s string) string {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil && isNumber(s, 10) {
		return r.secrets.sweepRun(strconv.FormatUint(n, 10))
	}
	return gone
}

// decimal is a rule for a short fraction: a q-value, a time stamp.
func decimal(r *redactor, s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	if isNumber(whole, 10) && (fraction == "" || isNumber(fraction, 6)) && len(s) <= 12 {
		return r.secrets.sweepRun(s)
	}
	return gone
}

// opaque is a rule for an identifier that somebody made up: it is kept, for it
// is what both ends of a dispute find the call by, but known numbers and names
// are taken out of it.
func opaque(r *redactor, s string) string {
	if s == "" || len(s) > maxCallID || strings.IndexFunc(s, func(c rune) bool { return !tokenChar(c) && !strings.ContainsRune("@:[]{}?/()<>", c) }) >= 0 {
		return gone
	}
	if r.clear {
		return s
	}
	return r.secrets.sweep(s)
}

// host is a rule for a name or address with or without a port.
func host(r *redactor, s string) string {
	name, port := cutPort(s)
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return gone
		}
		port = ":" + strconv.FormatUint(n, 10)
	}
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && a.Zone() == "" {
		return name + port
	}
	if !isHostName(name) {
		return gone
	}
	if !r.clear {
		name = maskRuns(r.secrets.sweep(name))
	}
	return name + port
}

// cutPort cuts off what follows the only colon, or the one behind a bracket.
func cutPort(s string) (name, port string) {
	if strings.Count(s, ":") == 1 || strings.Contains(s, "]:") {
		name, port, _ = cutLast(s, ":")
		return name, port
	}
	return s, ""
}

func isHostName(s string) bool {
	return s != "" && len(s) <= 253 && strings.IndexFunc(s, func(c rune) bool { return !letterOrDigit(c) && !strings.ContainsRune("-._", c) }) < 0
}

// fixed is a rule that removes everything.
func fixed(*redactor, string) string { return gone }

// params writes the parameters that rules know. The others become one
// parameter that says so.
func (r *redactor) params(list []string, rules map[string]rule) string {
	var b strings.Builder
	dropped := false
	for _, p := range list {
		name, value, valued := strings.Cut(p, "=")
		name = strings.TrimSpace(name)
		keep, ok := rules[strings.ToLower(name)]
		switch {
		case p == "":
		case ok && !valued:
			b.WriteString(";" + name)
		case ok:
			b.WriteString(";" + name + "=" + r.quotable(keep, strings.TrimSpace(value)))
		default:
			dropped = true
		}
	}
	if dropped {
		b.WriteString(";" + gone)
	}
	return b.String()
}

// quotable applies a rule inside of quotes, if there are any.
func (r *redactor) quotable(keep rule, value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return `"` + keep(r, value[1:len(value)-1]) + `"`
	}
	return keep(r, value)
}

// withParams is a rule for a value that parameters follow.
func withParams(one rule, rules map[string]rule) rule {
	return func(r *redactor, s string) string {
		parts, ok := split(s, ';')
		if !ok {
			return gone
		}
		return one(r, parts[0]) + r.params(parts[1:], rules)
	}
}

// address is a rule for a name-addr or addr-spec with parameters of the header
// (RFC 3261 section 20.10).
func address(r *redactor, s string) string {
	if s == "*" {
		return s
	}
	before, rest, ok := strings.Cut(outsideQuotes(s), "<")
	if !ok { // without brackets the parameters are the header's
		parts, ok := split(s, ';')
		if !ok {
			return gone
		}
		return "<" + r.uri(parts[0]) + ">" + r.params(parts[1:], addressParams)
	}
	name := strings.TrimSpace(s[:len(before)])
	end := strings.IndexByte(rest, '>')
	if end < 0 {
		return gone
	}
	at := len(before) + 1
	uri, tail := s[at:at+end], strings.TrimSpace(s[at+end+1:])
	parts, ok := split(tail, ';')
	if !ok || parts[0] != "" {
		return gone
	}
	switch {
	case name == "":
	case r.clear:
		name += " "
	default:
		name = `"` + hidden + `" `
	}
	return name + "<" + r.uri(uri) + ">" + r.params(parts[1:], addressParams)
}

// outsideQuotes returns s with everything inside of quotes blanked, byte by byte.
func outsideQuotes(s string) string {
	b, quoted := []byte(s), false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '"':
			quoted = !quoted
		case quoted && b[i] == '\\' && i+1 < len(b):
			b[i], b[i+1] = ' ', ' '
			i++
		case quoted:
			b[i] = ' '
		}
	}
	return string(b)
}

// uri masks the user of a SIP or TEL URI, keeps its host and the parameters
// that say how to reach it, and removes the rest. Of other URIs the scheme
// stays, of services (RFC 5031) the whole.
func (r *redactor) uri(s string) string {
	scheme, rest, ok := strings.Cut(s, ":")
	scheme = strings.ToLower(scheme)
	switch {
	case !ok:
		return gone
	case scheme == "sip" || scheme == "sips":
		return scheme + ":" + r.sipURI(rest)
	case scheme == "tel":
		number, params, _ := strings.Cut(rest, ";")
		return "tel:" + r.user(number) + r.params(strings.Split(params, ";"), uriParams)
	case services[strings.ToLower(s)] || r.clear:
		return s
	case otherSchemes[scheme]:
		return scheme + ":" + gone
	}
	return gone
}

func (r *redactor) user(user string) string {
	if r.clear {
		user, _, _ = strings.Cut(user, ":") // a password is none of the names
		return user
	}
	if r.secrets.public[strings.ToLower(user)] {
		return user
	}
	return maskUser(user)
}

func (r *redactor) sipURI(rest string) string {
	user := ""
	if before, after, ok := cutLast(rest, "@"); ok {
		user, rest = r.user(before)+"@", after
	}
	rest, headers, asked := strings.Cut(rest, "?")
	parts := strings.Split(rest, ";")
	out := user + host(r, parts[0]) + r.params(parts[1:], uriParams)
	if asked {
		out += "?" + r.uriHeaders(headers)
	}
	return out
}

// uriHeaders keeps the one that a ladder needs: which dialog is replaced.
func (r *redactor) uriHeaders(s string) string {
	var kept []string
	for h := range strings.SplitSeq(s, "&") {
		name, value, _ := strings.Cut(h, "=")
		plain, ok := unescape(value)
		if !ok || !strings.EqualFold(name, "Replaces") {
			kept = append(kept, gone+"=1")
			continue
		}
		kept = append(kept, "Replaces="+escape(replaces(r, plain)))
	}
	return strings.Join(kept, "&")
}

// unescape undoes %xx.
func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), true
}

func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if letterOrDigit(rune(c)) || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// reasonPhrase keeps what standards put behind a code; anything else is prose
// of somebody's and may name anybody.
func (r *redactor) reasonPhrase(code int, phrase string) string {
	if r.clear || phrases[strings.ToLower(phrase)] || strings.EqualFold(phrase, http.StatusText(code)) {
		return phrase
	}
	return gone
}
