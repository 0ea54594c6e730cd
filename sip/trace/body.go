package trace

import (
	"bytes"
	"strings"
)

// body keeps session descriptions, status lines of transfers and what of them
// stands in a multipart. Digits that somebody typed are kept nowhere.
func (r *redactor) body(contentType string, body []byte) []byte {
	kind, params, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case len(body) == 0:
		return nil
	case kind == "application/sdp":
		return r.sdp(body)
	case kind == "message/sipfrag":
		return r.sipfrag(body)
	case strings.HasPrefix(kind, "multipart/"):
		return r.multipart(params, body)
	case r.clear && !strings.Contains(kind, "dtmf") && kind != "":
		return body
	}
	return []byte(gone)
}

// sipfrag keeps the status line (RFC 3515 section 2.4.5).
func (r *redactor) sipfrag(body []byte) []byte {
	m, ok := parse(body)
	if !ok {
		return []byte(gone)
	}
	m = r.redact(message{method: m.method, uri: m.uri, code: m.code, phrase: m.phrase})
	return []byte(m.start() + "\r\n")
}

// newBoundary takes the place of the one that the far side made up.
const newBoundary = gone

// multipart keeps the parts, each by its kind (RFC 2046 section 5.1).
func (r *redactor) multipart(params string, body []byte) []byte {
	boundary := ""
	for p := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(name), "boundary") {
			boundary = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	if boundary == "" {
		return []byte(gone)
	}
	var out bytes.Buffer
	parts := bytes.Split(append([]byte("\r\n"), body...), []byte("\n--"+boundary))
	for _, part := range parts[1:] {
		if bytes.HasPrefix(part, []byte("--")) {
			break
		}
		kind, text := partOf(part)
		out.WriteString("--" + newBoundary + "\r\nContent-Type: " + mediaType(r, kind) + "\r\n\r\n")
		out.Write(r.body(kind, text))
		out.WriteString("\r\n")
	}
	out.WriteString("--" + newBoundary + "--\r\n")
	return out.Bytes()
}

// partOf splits a part into its kind and its text. Parts inside of parts are
// not looked at.
func partOf(part []byte) (kind string, text []byte) {
	top, text, _ := cutBody(bytes.TrimLeft(part, " \t\r\n"))
	for _, line := range unfold(top) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "Content-Type") {
			kind = strings.TrimSpace(value)
		}
	}
	if strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		return "", text
	}
	return kind, bytes.TrimSuffix(text, []byte("\r"))
}
