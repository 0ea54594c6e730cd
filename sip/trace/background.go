package trace

import "bytes"

// isKeepAlive reports whether data is none of SIP but a CRLF, a STUN request or
// what else keeps a NAT open (RFC 5626 section 3.5).
func isKeepAlive(data []byte) bool {
	return len(data) < 12 || data[0] < 'A' || data[0] > 'z'
}

// backgroundMethods are those of messages that belong to no call.
var backgroundMethods = [...]string{"REGISTER", "OPTIONS", "SUBSCRIBE", "PUBLISH"}

// isBackground reports whether a message belongs to no call: by the method of
// its start line, or of the CSeq of a response. A SUBSCRIBE and its NOTIFY
// inside a call are INVITE's neighbours too seldom to look further.
func isBackground(data []byte) bool {
	if bytes.HasPrefix(data, sipVersion) {
		return startsWithAny(cseqMethod(data))
	}
	return startsWithAny(data)
}

var sipVersion = []byte("SIP/2.0 ")

func startsWithAny(b []byte) bool {
	for _, m := range backgroundMethods {
		if len(b) >= len(m) && string(b[:len(m)]) == m && (len(b) == len(m) || b[len(m)] <= ' ') {
			return true
		}
	}
	return false
}

// cseqMethod returns what follows the number of the CSeq header; nil when there
// is no such header.
func cseqMethod(data []byte) []byte {
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 || i+7 > len(data) {
			return nil
		}
		data = data[i+1:]
		switch data[0] {
		case '\r', '\n': // the body
			return nil
		case 'C', 'c':
			if bytes.EqualFold(data[:4], []byte("CSeq")) {
				return bytes.TrimLeft(data[4:], ": \t0123456789")
			}
		}
	}
}
