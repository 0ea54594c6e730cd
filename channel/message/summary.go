package message

import (
	"strings"
	"unicode/utf8"
)

// maxSummary is the longest summary of an event, in characters.
const maxSummary = 200

// attrs pairs keys and values and leaves out what is empty.
func attrs(kv ...string) map[string]string {
	m := make(map[string]string, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			m[kv[i]] = kv[i+1]
		}
	}
	return m
}

// Summary returns the first words of a text on one line, at most 200
// characters.
func Summary(text string) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if utf8.RuneCountInString(s) <= maxSummary {
		return s
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:maxSummary-1]), " ") + "…"
}
