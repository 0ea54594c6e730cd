package transport

import gosip "github.com/emiago/sipgo/sip"

func newParser(limit int) *gosip.Parser {
	p := gosip.NewParser(gosip.WithHeadersParsers(headerParsers()))
	p.MaxMessageLength = limit
	return p
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
