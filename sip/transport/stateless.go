package transport

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"strconv"
)

// statelessSeed makes the tags of stateless responses ours.
var statelessSeed = maphash.MakeSeed()

// appendStatelessTag appends the To-tag of a stateless response to a request
// with this branch: the same for each retransmission, and known again in the
// ACK, whose branch is the same (RFC 3261 section 17.1.1.3).
func appendStatelessTag(dst, branch []byte) []byte {
	return strconv.AppendUint(append(dst, 's'), maphash.Bytes(statelessSeed, branch), 36)
}

// acknowledgesStateless tells whether data is the ACK of a stateless response
// of ours, which nobody waits for.
func acknowledgesStateless(data []byte) bool {
	if !bytes.HasPrefix(data, []byte("ACK ")) {
		return false
	}
	h, ok := Peek(data)
	var tag [24]byte
	return ok && len(h.Branch) > 0 && bytes.Equal(h.Tag, appendStatelessTag(tag[:0], h.Branch))
}

// statelessResponse answers the request in data from its bytes alone (RFC 3261
// section 8.2.7): Via, From, To, Call-ID and CSeq are copied, To gets a tag
// that is the same for every retransmission. It appends to dst, and returns
// nil for what must not or cannot be answered: a response, an ACK, a request
// without one of those headers.
func statelessResponse(dst, data []byte, from netip.AddrPort, code int, reason string, headers ...string) []byte {
	start, rest, ok := bytes.Cut(data, []byte(crlf))
	if !ok || bytes.HasPrefix(start, []byte("SIP/")) || bytes.HasPrefix(start, []byte("ACK ")) {
		return nil
	}
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	dst = append(dst, reason...)
	dst = append(dst, crlf...)
	h, _ := Peek(data)
	var seen essential
	for len(rest) > 0 && !bytes.HasPrefix(rest, []byte(crlf)) {
		var line []byte
		line, rest = nextHeader(rest)
		kind := essentialHeader(line)
		if kind == 0 || (kind != essentialVia && seen&kind != 0) {
			continue
		}
		dst = appendEssential(dst, line, kind, seen, h.Branch, from)
		seen |= kind
	}
	if seen != allEssential {
		return nil
	}
	for i := 0; i+1 < len(headers); i += 2 {
		dst = append(dst, headers[i]...)
		dst = append(dst, ": "...)
		dst = append(dst, headers[i+1]...)
		dst = append(dst, crlf...)
	}
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

// essential are the headers that a response copies from its request.
type essential uint8

const (
	essentialVia essential = 1 << iota
	essentialFrom
	essentialTo
	essentialCallID
	essentialCSeq
	allEssential = 1<<iota - 1
)

func essentialHeader(line []byte) essential {
	name, _, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return 0
	}
	name = bytes.TrimRight(name, " \t")
	switch {
	case is(name, "via", "v"):
		return essentialVia
	case is(name, "from", "f"):
		return essentialFrom
	case is(name, "to", "t"):
		return essentialTo
	case is(name, "call-id", "i"):
		return essentialCallID
	case is(name, "cseq", "cseq"):
		return essentialCSeq
	}
	return 0
}

func is(name []byte, long, short string) bool {
	return len(name) == len(long) && bytes.EqualFold(name, []byte(long)) ||
		len(name) == len(short) && bytes.EqualFold(name, []byte(short))
}

// nextHeader cuts the first header with its continuation lines (RFC 3261
// section 7.3.1) off data, without the CRLF at the end.
func nextHeader(data []byte) (header, rest []byte) {
	end := 0
	for {
		i := bytes.Index(data[end:], []byte(crlf))
		if i < 0 {
			return data, nil
		}
		end += i
		next := end + len(crlf)
		if next >= len(data) || (data[next] != ' ' && data[next] != '\t') {
			return data[:end], data[next:]
		}
		end = next
	}
}

func appendEssential(dst, line []byte, kind, seen essential, branch []byte, from netip.AddrPort) []byte {
	switch {
	case kind == essentialVia && seen&essentialVia == 0:
		dst = appendStampedVia(dst, line, from)
	case kind == essentialTo && !hasParam(line, "tag"):
		dst = append(dst, line...)
		dst = appendStatelessTag(append(dst, ";tag="...), branch)
	default:
		dst = append(dst, line...)
	}
	return append(dst, crlf...)
}

// appendStampedVia writes received and rport into the first value of a Via
// header, as stampVia does.
func appendStampedVia(dst, line []byte, from netip.AddrPort) []byte {
	value, others, _ := bytes.Cut(line, []byte(","))
	if i := paramIndex(value, "rport"); i >= 0 && from.IsValid() {
		end := i + len("rport")
		if end == len(value) || value[end] != '=' {
			dst = append(dst, value[:end]...)
			dst = append(dst, '=')
			dst = strconv.AppendUint(dst, uint64(from.Port()), 10)
			value = value[end:]
		}
	}
	dst = append(dst, value...)
	if from.IsValid() {
		dst = append(dst, ";received="...)
		dst = from.Addr().AppendTo(dst)
	}
	if len(value) < len(line) && len(others) > 0 {
		dst = append(dst, ',')
		dst = append(dst, others...)
	}
	return dst
}

func hasParam(line []byte, name string) bool { return paramIndex(line, name) >= 0 }

// param is the value of a header parameter; nil without it, empty when it has
// none.
func param(line []byte, name string) []byte {
	i := paramIndex(line, name)
	if i < 0 {
		return nil
	}
	value, found := bytes.CutPrefix(line[i+len(name):], []byte("="))
	if !found {
		return line[:0]
	}
	if end := bytes.IndexAny(value, ";, \t\r"); end >= 0 {
		value = value[:end]
	}
	return value
}

// paramIndex is where a header parameter's name begins in a line; -1 without
// it. Parameters of a URI in angle brackets, and quoted text, do not count.
func paramIndex(line []byte, name string) int {
	quoted, angle := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ';' && !angle:
			p := i + 1
			for p < len(line) && (line[p] == ' ' || line[p] == '\t') {
				p++
			}
			end := p + len(name)
			if end <= len(line) && bytes.EqualFold(line[p:end], []byte(name)) &&
				(end == len(line) || bytes.IndexByte([]byte("=; \t,\r"), line[end]) >= 0) {
				return p
			}
		}
	}
	return -1
}
