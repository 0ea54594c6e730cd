package sip

import (
	"fmt"
	"net/url"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

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

var (
	nameEscaper   = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	nameUnescaper = strings.NewReplacer(`\\`, `\`, `\"`, `"`)
)

// escapeName makes s fit for a quoted string; sipgo adds the quotes only.
func escapeName(s string) string {
	return nameEscaper.Replace(oneLine(s))
}

func unescapeName(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return nameUnescaper.Replace(s)
}
