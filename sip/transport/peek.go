package transport

import (
	"bytes"
	"strconv"
)

// Head is what can be told about a request from its bytes alone, for a Gate.
// Its slices lie within the message.
type Head struct {
	Method []byte
	URI    []byte
	Tag    []byte // of To; nil: the request is outside any dialog
	// Branch and SentBy are those of the top Via; Port is 0 when it names none.
	Branch, SentBy []byte
	Port           int
}

// InDialog tells whether the request belongs to a dialog, as it says.
func (h *Head) InDialog() bool { return h.Tag != nil }

// Peek reads the head of a request; ok is false for responses and for what is
// no request at all. It allocates nothing.
func Peek(data []byte) (h Head, ok bool) {
	start, rest, found := bytes.Cut(data, []byte(crlf))
	method, uri, found2 := bytes.Cut(start, []byte(" "))
	if !found || !found2 || bytes.HasPrefix(start, []byte("SIP/")) {
		return h, false
	}
	h.Method = method
	h.URI, _, _ = bytes.Cut(uri, []byte(" "))
	via, to := false, false
	for len(rest) > 0 && !bytes.HasPrefix(rest, []byte(crlf)) && (!via || !to) {
		var line []byte
		line, rest = nextHeader(rest)
		switch essentialHeader(line) {
		case essentialVia:
			if !via {
				via = true
				h.readVia(line)
			}
		case essentialTo:
			to = true
			h.Tag = param(line, "tag")
		}
	}
	return h, true
}

// readVia reads "Via: SIP/2.0/UDP host:port;branch=x".
func (h *Head) readVia(line []byte) {
	_, value, _ := bytes.Cut(line, []byte(":"))
	value, _, _ = bytes.Cut(value, []byte(","))
	h.Branch = param(value, "branch")
	sentBy, _, _ := bytes.Cut(bytes.TrimSpace(value), []byte(";"))
	i := bytes.LastIndexAny(bytes.TrimSpace(sentBy), " \t")
	h.SentBy, h.Port = splitSentBy(bytes.TrimSpace(bytes.TrimSpace(sentBy)[i+1:]))
}

// splitSentBy reads "host", "host:port" or "[IPv6]:port".
func splitSentBy(s []byte) (host []byte, port int) {
	host = s
	i := bytes.LastIndexByte(s, ':')
	if i >= 0 && bytes.IndexByte(s[i:], ']') < 0 {
		if n, err := strconv.ParseUint(string(s[i+1:]), 10, 16); err == nil {
			host, port = s[:i], int(n)
		}
	}
	return bytes.Trim(host, "[]"), port
}
