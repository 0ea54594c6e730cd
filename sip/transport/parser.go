package transport

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// parser makes messages of bytes. Most messages are read in one go over one
// string, with sipgo's parser for each header; what is unusual in any way
// (folded lines, lists, mistakes) is left to sipgo's parser of messages, which
// makes the same of the others, only with a copy of each name and value.
type parser struct {
	thorough *gosip.Parser
	headers  map[string]gosip.HeaderParser // by name in lower case
	limit    int
}

func newParser(limit int) *parser {
	p := &parser{headers: headerParsers(), limit: limit}
	p.thorough = gosip.NewParser(gosip.WithHeadersParsers(p.headers))
	p.thorough.MaxMessageLength = limit
	return p
}

// parse reads one whole message; data stays the caller's.
func (p *parser) parse(data []byte) (gosip.Message, error) {
	if m, ok := p.quick(data); ok {
		return m, nil
	}
	m, err := p.thorough.ParseSIP(data)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	return m, nil
}

// quick reads a message in which nothing is unusual.
func (p *parser) quick(data []byte) (gosip.Message, bool) {
	end := bytes.Index(data, []byte(doubleCRLF))
	if end < 0 || len(data) > p.limit {
		return nil, false
	}
	lines, body := string(data[:end]), data[end+len(doubleCRLF):]
	start, lines, _ := strings.Cut(lines, crlf)
	m, ok := startLine(start)
	if !ok || strings.Contains(start, "\r") {
		return nil, false
	}
	length := -1
	for more := lines != ""; more; {
		var line string
		line, lines, more = strings.Cut(lines, crlf)
		h, ok := p.header(line)
		if !ok {
			return nil, false
		}
		if l, ok := h.(*gosip.ContentLengthHeader); ok {
			length = int(*l)
		}
		m.AppendHeader(h)
	}
	return m, setBody(m, body, length)
}

// startLine reads a request line or a status line.
func startLine(line string) (gosip.Message, bool) {
	first, rest, _ := strings.Cut(line, " ")
	second, third, ok := strings.Cut(rest, " ")
	if !ok {
		return nil, false
	}
	if strings.HasPrefix(first, "SIP/") {
		code, err := strconv.ParseUint(second, 10, 16)
		if err != nil || strings.HasPrefix(third, "SIP") || strings.HasPrefix(third, "sip") {
			return nil, false
		}
		res := gosip.NewResponse(int(code), third)
		res.SipVersion = first
		return res, true
	}
	if !strings.HasPrefix(third, "SIP/") || strings.Contains(third, " ") {
		return nil, false
	}
	var uri gosip.Uri
	if err := gosip.ParseUri(second, &uri); err != nil || uri.Wildcard {
		return nil, false
	}
	req := gosip.NewRequest(gosip.RequestMethod(strings.ToUpper(first)), uri)
	req.SipVersion = third
	return req, true
}

// header reads one header line.
func (p *parser) header(line string) (gosip.Header, bool) {
	name, value, ok := strings.Cut(line, ":")
	if !ok || line[0] == ' ' || line[0] == '\t' || strings.Contains(line, "\r") {
		return nil, false
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	var lower [16]byte // longer than any name that has a parser
	if len(name) > len(lower) {
		return gosip.NewHeader(name, value), true
	}
	for i := range len(name) {
		lower[i] = name[i]
		if c := name[i]; c >= 'A' && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	parse := p.headers[string(lower[:len(name)])]
	if parse == nil {
		return gosip.NewHeader(name, value), true
	}
	h, err := parse(nil, value)
	return h, err == nil
}

// setBody gives a message its body, as long as its Content-Length says; -1: up
// to the end.
func setBody(m gosip.Message, body []byte, length int) bool {
	if length < 0 {
		length = len(body)
	}
	if length > len(body) {
		return false
	}
	if length > 0 {
		m.SetBody(bytes.Clone(body[:length]))
	}
	return true
}

// compactForms are the headers whose parser's refusal is not the end of the
// message, with the names that sipgo does not know by their compact form
// (RFC 3261 section 20, RFC 3515, RFC 6665).
var compactForms = map[string]string{
	"c": "Content-Type", "content-type": "Content-Type", "f": "From", "from": "From", "to": "To", "t": "To",
	"contact": "Contact", "m": "Contact", "i": "Call-ID", "call-id": "Call-ID", "cseq": "CSeq",
	"max-forwards": "Max-Forwards", "refer-to": "Refer-To", "referred-by": "Referred-By",
	"k": "Supported", "s": "Subject", "r": "Refer-To", "b": "Referred-By", "e": "Content-Encoding",
	"o": "Event", "u": "Allow-Events", "x": "Session-Expires",
}

// headerParsers are sipgo's, except that a header they refuse stays as text.
// sipgo drops a message with one bad header; this way the header is missing
// when it is asked for, and the peer gets its 400.
func headerParsers() map[string]gosip.HeaderParser {
	out := make(map[string]gosip.HeaderParser)
	for name, parse := range gosip.DefaultHeadersParser() {
		full, lenient := compactForms[name]
		if !lenient { // Via, Route, Content-Length: without them nothing can be done
			out[name] = parse
			continue
		}
		out[name] = func(headerName []byte, text string) (gosip.Header, error) {
			h, err := parse(headerName, text)
			if err == nil || err.Error() == "comma detected" { // sipgo's unexported "more follows"
				return h, err
			}
			return gosip.NewHeader(full, text), nil
		}
	}
	for _, name := range []string{"k", "s", "r", "b", "e", "o", "u", "x"} {
		full := compactForms[name]
		out[name] = func(_ []byte, text string) (gosip.Header, error) { return gosip.NewHeader(full, text), nil }
	}
	return out
}
