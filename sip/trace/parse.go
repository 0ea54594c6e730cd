package trace

import (
	"bytes"
	"strconv"
	"strings"
)

// message is a SIP message taken apart: as much as a ladder shows and a
// redaction needs, and nothing that a broken message could upset.
type message struct {
	method  string // of a request
	uri     string
	code    int // of a response; 0: it is a request
	phrase  string
	headers []header
	body    []byte
}

// header is one line, unfolded. Names are as in the registry, whatever their
// case and form on the wire; broken lines have the name "".
type header struct{ name, value string }

// maxHeaders bounds the lines of one message; what follows is dropped.
const maxHeaders = 256

// parse takes a message apart; false when its first line is none of SIP.
func parse(data []byte) (m message, ok bool) {
	top, body, _ := cutBody(data)
	lines := unfold(top)
	if len(lines) == 0 || !m.startLine(lines[0]) {
		return message{}, false
	}
	for _, line := range lines[1:min(len(lines), maxHeaders+1)] {
		name, value, found := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !found || !isToken(name) {
			m.headers = append(m.headers, header{})
			continue
		}
		m.headers = append(m.headers, header{canonical(name), strings.TrimSpace(value)})
	}
	m.body = body
	return m, true
}

// cutBody splits at the empty line.
func cutBody(data []byte) (top, body []byte, found bool) {
	if top, body, found = bytes.Cut(data, []byte("\r\n\r\n")); found {
		return top, body, true
	}
	return bytes.Cut(data, []byte("\n\n"))
}

// unfold returns the lines, those that go on after a line break as one (RFC
// 3261 section 7.3.1).
func unfold(top []byte) (lines []string) {
	for line := range strings.SplitSeq(string(top), "\n") {
		line = strings.TrimSuffix(line, "\r")
		switch {
		case line != "" && (line[0] == ' ' || line[0] == '\t') && len(lines) > 0:
			lines[len(lines)-1] += " " + strings.TrimLeft(line, " \t")
		case line != "":
			lines = append(lines, line)
		}
	}
	return lines
}

func (m *message) startLine(line string) bool {
	if rest, ok := strings.CutPrefix(line, "SIP/2.0 "); ok {
		code, phrase, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(code)
		m.code, m.phrase = n, phrase
		return err == nil && n >= 100 && n <= 699
	}
	method, rest, _ := strings.Cut(line, " ")
	uri, version, ok := cutLast(rest, " ")
	m.method, m.uri = method, uri
	return ok && version == "SIP/2.0" && isToken(method)
}

// cutLast is strings.Cut around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// get returns the first header with a name; "" when there is none.
func (m *message) get(name string) string {
	for _, h := range m.headers {
		if h.name == name {
			return h.value
		}
	}
	return ""
}

// bytes puts the message together again, with the length that its body has.
func (m *message) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(m.start())
	for _, h := range m.headers {
		b.WriteString("\r\n" + h.name + ": " + h.value)
	}
	b.WriteString("\r\nContent-Length: " + strconv.Itoa(len(m.body)) + "\r\n\r\n")
	b.Write(m.body)
	return b.Bytes()
}

// start is the first line.
func (m *message) start() string {
	if m.code > 0 {
		return "SIP/2.0 " + strconv.Itoa(m.code) + " " + m.phrase
	}
	return m.method + " " + m.uri + " SIP/2.0"
}

// opens reports whether m is the first request of its dialog, or stands alone.
func (m *message) opens() bool {
	_, tag, _ := strings.Cut(strings.ToLower(m.get("To")), ";tag=")
	return m.code == 0 && tag == "" && m.method != "ACK" && m.method != "CANCEL"
}

// callIDOf finds the Call-ID of a message as it was on the wire, without
// taking it apart; nil when it has none.
func callIDOf(data []byte) []byte {
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 || i+1 == len(data) || data[i+1] == '\r' || data[i+1] == '\n' {
			return nil
		}
		data = data[i+1:]
		if c := data[0] | 0x20; c != 'c' && c != 'i' {
			continue
		}
		line := data[:max(0, bytes.IndexByte(data, '\n'))]
		name, value, _ := bytes.Cut(line, []byte{':'})
		if name = bytes.TrimSpace(name); bytes.EqualFold(name, []byte("Call-ID")) || bytes.EqualFold(name, []byte("i")) {
			value = bytes.TrimSpace(value)
			return value[:min(len(value), maxCallID)]
		}
	}
}

// compact are the short names of RFC 3261 section 7.3.3 and of later ones.
var compact = map[string]string{
	"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
	"e": "Content-Encoding", "f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported",
	"l": "Content-Length", "m": "Contact", "n": "Identity-Info", "o": "Event", "r": "Refer-To",
	"s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires", "y": "Identity",
}

// canonical is a name as the registry writes it.
func canonical(name string) string {
	lower := strings.ToLower(name)
	if long, ok := compact[lower]; ok {
		return long
	}
	if known, ok := registered[lower]; ok {
		return known
	}
	return name
}

// registered are the header names by their lower case.
var registered = func() map[string]string {
	m := map[string]string{"content-length": "Content-Length"}
	for name := range grammar {
		m[strings.ToLower(name)] = name
	}
	for _, name := range compact {
		m[strings.ToLower(name)] = name
	}
	return m
}()

// isToken reports whether s is a token of RFC 3261 section 25.1.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool { return !tokenChar(c) }) < 0
}

func tokenChar(c rune) bool { return letterOrDigit(c) || strings.ContainsRune("-.!%*_+`'~", c) }

func letterOrDigit(c rune) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 || digit(c) }

func digit(c rune) bool { return c >= '0' && c <= '9' }

// isNumber reports whether s is a number of at most n digits.
func isNumber(s string, n int) bool {
	return s != "" && len(s) <= n && strings.IndexFunc(s, func(c rune) bool { return !digit(c) }) < 0
}

// split cuts s at sep outside of quotes and angle brackets; false when one of
// those is not closed.
func split(s string, sep byte) (parts []string, ok bool) {
	start, quoted, angle := 0, false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<' && !angle, c == '>' && angle:
			angle = !angle
		case c == sep && !angle:
			parts = append(parts, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[start:])), !quoted && !angle
}
