package email

import (
	"regexp"
	"strings"

	"filo/journey"
)

// quoteHead begins the quotation of an older mail, in the languages of the
// common mail programs.
var quoteHead = regexp.MustCompile(`(?i)^(-{2,} ?(original message|messaggio originale|ursprüngliche nachricht|message d'origine|mensaje original)|` +
	`(on|il|am|le|el) .{5,120}(wrote|ha scritto|schrieb|a écrit|escribió)( .{1,80})? ?:$|_{20,}$)`)

// phoneLike is what may be a phone number in a signature.
var phoneLike = regexp.MustCompile(`\+?[0-9][0-9 ()./\-\x{00a0}]{6,22}[0-9]`)

// fresh returns what the sender has written, without the quotation below it.
func fresh(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	end := len(lines)
	for i, l := range lines {
		l = strings.TrimSpace(l)
		joined := l
		if i+1 < len(lines) { // such a head is often folded into two lines
			joined += " " + strings.TrimSpace(lines[i+1])
		}
		if quoteHead.MatchString(l) || (l != "" && quoteHead.MatchString(joined)) {
			end = i
			break
		}
	}
	kept := make([]string, 0, end)
	for _, l := range lines[:end] {
		if !strings.HasPrefix(l, ">") {
			kept = append(kept, l)
		}
	}
	if body := strings.TrimSpace(strings.Join(kept, "\n")); body != "" {
		return body
	}
	return strings.TrimSpace(text) // nothing but quotation: better that than nothing
}

// splitSignature takes off the signature: after "-- " (RFC 3676 section 4.3), else
// the last lines.
func splitSignature(body string) (words, signature string) {
	lines := strings.Split(body, "\n")
	for i := len(lines) - 1; i >= 0 && i >= len(lines)-15; i-- {
		if strings.TrimRight(lines[i], " \r") == "--" {
			return strings.TrimSpace(strings.Join(lines[:i], "\n")), strings.Join(lines[i+1:], "\n")
		}
	}
	return body, strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// signaturePhone finds a valid phone number in a signature. More than one is
// a company's, which says nothing of the person.
func signaturePhone(signature, region string) (string, bool) {
	found := ""
	for _, s := range phoneLike.FindAllString(signature, 10) {
		n, ok := journey.NormalPhone(s, region)
		if !ok || n == found {
			continue
		}
		if found != "" {
			return "", false
		}
		found = n
	}
	return found, found != ""
}
