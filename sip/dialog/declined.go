package dialog

import "bytes"

// declined is the answer that wants nothing of an offer: each of its streams
// with port 0 (RFC 3264 section 6). nil stays nil.
func declined(offer []byte) []byte {
	if offer == nil {
		return nil
	}
	answer := []byte("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n")
	for line := range bytes.Lines(offer) {
		line = bytes.TrimRight(line, "\r\n")
		media, rest, ok := bytes.Cut(line, []byte(" "))
		_, format, ok2 := bytes.Cut(rest, []byte(" "))
		if ok && ok2 && bytes.HasPrefix(media, []byte("m=")) {
			answer = append(answer, media...)
			answer = append(answer, " 0 "...)
			answer = append(answer, format...)
			answer = append(answer, "\r\n"...)
		}
	}
	return answer
}
