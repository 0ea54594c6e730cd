package transport

import (
	"bytes"
	"strconv"
)

const (
	crlf       = "\r\n"
	doubleCRLF = "\r\n\r\n"
	// minMessage is shorter than any SIP message.
	minMessage = 12
	// maxStartLine bounds the first line.
	maxStartLine = 4096
)

// looksLikeSIP tells whether data begins like a SIP message: its first line
// ends in CRLF, and is a request line or a status line of some SIP version.
func looksLikeSIP(data []byte) bool {
	line, _, ok := bytes.Cut(data, []byte(crlf))
	if !ok || len(line) < minMessage || len(line) > maxStartLine {
		return false
	}
	for _, c := range line {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	if bytes.HasPrefix(line, []byte("SIP/")) {
		return true
	}
	line = bytes.TrimRight(line, " ") // wrong, and worth a 400
	i := bytes.LastIndexByte(line, ' ')
	return i > 0 && bytes.HasPrefix(line[i+1:], []byte("SIP/"))
}

// frameLength is the length of the message at the beginning of data, which
// came by a stream, so that Content-Length ends it (RFC 3261 section 18.3).
// 0 means that more bytes are needed even to tell. from is an offset before
// which no end of the header was found earlier.
func frameLength(data []byte, from, limit int) (int, error) {
	end := bytes.Index(data[from:], []byte(doubleCRLF))
	if end < 0 {
		if len(data) > limit {
			return 0, ErrTooLarge
		}
		return 0, nil
	}
	head := data[:from+end]
	body, found, ok := contentLength(head)
	if !ok || !found {
		return 0, errFraming
	}
	if body > limit {
		return 0, ErrTooLarge
	}
	n := len(head) + len(doubleCRLF) + body
	if n > limit {
		return 0, ErrTooLarge
	}
	return n, nil
}

// contentLength reads the one Content-Length of a header section; not ok when
// there are two, or when it is not a number: who then reads where the message
// ends would differ from us, and that is how messages are smuggled.
func contentLength(head []byte) (n int, found, ok bool) {
	for line := range bytes.SplitSeq(head, []byte(crlf)) {
		name, value, cut := bytes.Cut(line, []byte(":"))
		if !cut {
			continue
		}
		name = bytes.TrimSpace(name)
		if !bytes.EqualFold(name, []byte("Content-Length")) && !bytes.EqualFold(name, []byte("l")) {
			continue
		}
		length, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
		if err != nil || found {
			return 0, true, false
		}
		n, found = int(length), true
	}
	return n, found, true
}

// whole tells whether data, which came in a message of its own, is one SIP
// message: a Content-Length need not be there, but must be true.
func whole(data []byte) bool {
	head, body, cut := bytes.Cut(data, []byte(doubleCRLF))
	if !cut || !looksLikeSIP(data) {
		return false
	}
	n, found, ok := contentLength(head)
	return ok && (!found || n == len(body))
}
