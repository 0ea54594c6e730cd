package transport

import "bytes"

// tidy takes the white space away that the grammar of RFC 3261 section 25.1
// allows around separators in addresses and Via ("; tag = x", "SIP / 2.0"),
// and that the parser would take for a part of a name. Nearly all messages have
// none and are returned as they are.
func tidy(data []byte) []byte {
	if !untidy(data) {
		return data
	}
	start, rest, ok := bytes.Cut(data, []byte(crlf))
	if !ok {
		return data
	}
	out := make([]byte, 0, len(data))
	out = append(append(out, start...), crlf...)
	for len(rest) > 0 && !bytes.HasPrefix(rest, []byte(crlf)) {
		var line []byte
		line, rest = nextHeader(rest)
		name, value, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if separators := separatorsOf(name); ok && separators != "" {
			out = appendTidy(append(append(out, name...), ": "...), unfold(value), separators)
		} else {
			out = append(out, line...)
		}
		out = append(out, crlf...)
	}
	return append(out, rest...)
}

// untidy tells quickly whether white space stands beside a separator in the
// header section.
func untidy(data []byte) bool {
	if end := bytes.Index(data, []byte(doubleCRLF)); end >= 0 {
		data = data[:end]
	}
	for i, c := range data {
		if (c == ' ' || c == '\t') && i > 0 && i+1 < len(data) && (isSeparator(data[i-1]) || isSeparator(data[i+1])) {
			return true
		}
	}
	return false
}

func isSeparator(c byte) bool { return c == ';' || c == '=' || c == '/' }

// separatorsOf a header that has addresses or is a Via; "" for others.
func separatorsOf(name []byte) string {
	switch {
	case is(name, "via", "v"):
		return ";=/:"
	case is(name, "from", "f"), is(name, "to", "t"), is(name, "contact", "m"),
		is(name, "route", "route"), is(name, "record-route", "record-route"):
		return ";="
	}
	return ""
}

// unfold joins the lines of a header (RFC 3261 section 7.3.1).
func unfold(value []byte) []byte {
	return bytes.TrimSpace(bytes.ReplaceAll(value, []byte(crlf), nil))
}

// appendTidy appends a value without white space around the separators that
// are not within quotes or angle brackets.
func appendTidy(dst, value []byte, separators string) []byte {
	quoted, angle := false, false
	begin := len(dst)
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case quoted:
			if c == '\\' && i+1 < len(value) {
				dst = append(dst, c)
				i++
				c = value[i]
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case angle:
			angle = c != '>'
		case c == '<':
			angle = true
		case bytes.IndexByte([]byte(separators), c) >= 0:
			for len(dst) > begin && blank(dst[len(dst)-1]) {
				dst = dst[:len(dst)-1]
			}
			dst = append(dst, c)
			for i+1 < len(value) && blank(value[i+1]) {
				i++
			}
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// fault is the answer to a request that the parser refused.
func fault(data []byte) (code int, reason string) {
	_, uri, _ := bytes.Cut(data, []byte(" "))
	uri, _, _ = bytes.Cut(uri, []byte(" "))
	scheme, _, ok := bytes.Cut(uri, []byte(":"))
	if ok && isScheme(scheme) && !is(scheme, "sip", "tel") && !is(scheme, "sips", "sips") {
		return 416, "Unsupported URI Scheme"
	}
	return 400, "Bad Request"
}

// isScheme: RFC 3986 section 3.1.
func isScheme(s []byte) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return len(s) > 0
}
