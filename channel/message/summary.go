package message

import (
	"strings"
	"unicode/utf8"
)

// maxSummary is the longest summary of an event, in characters.
const maxSummary = 200

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
