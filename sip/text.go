package sip

import (
	"strconv"
	"strings"
)

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// breaksOut tells whether a text would end the header that it is written into.
// The parser lets a bare CR or LF stand in a header.
func breaksOut(s string) bool { return strings.ContainsAny(s, "\r\n\x00") }

// oneLine keeps a text from breaking out of its header.
func oneLine(s string) string {
	if !breaksOut(s) {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(s)
}

// goodHeaderName: a token that is not one of the headers we build ourselves.
func goodHeaderName(name string) bool {
	if name == "" {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("()<>@,;:\\\"/[]?={}", c) >= 0 {
			return false
		}
	}
	switch strings.ToLower(name) {
	case "via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "contact", "m", "route", "record-route",
		"content-length", "l", "content-type", "c", "max-forwards":
		return false
	}
	return true
}
