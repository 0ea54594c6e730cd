package trace

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// hidden stands for what was taken out of a number or a name. It is good in
// every place of a message, URIs among them, and does not tell a length.
const hidden = "xxx"

// maskUser masks the user part of an address, or a telephone number: of a
// number the country, the three digits that follow and the last four stay
// ("+39347xxx4419"), of what is too short for that less; of a name the first
// character. The same user always gets the same mask. Numbers of up to three
// digits and names that stand for nobody stay as they are.
func maskUser(user string) string {
	user, _, _ = strings.Cut(user, ";") // parameters of a telephone number
	user, _, _ = strings.Cut(user, ":") // a password
	if digits, plus := asNumber(user); digits != "" {
		return plus + maskDigits(digits, plus != "")
	}
	switch {
	case user == "" || nobody[strings.ToLower(user)]:
		return user
	case !letterOrDigit(rune(user[0])):
		return hidden
	}
	return user[:1] + hidden
}

// nobody are user parts that name a service or the absence of a caller.
var nobody = map[string]bool{
	"anonymous": true, "unavailable": true, "unknown": true, "restricted": true, "line": true, "filo": true,
}

// asNumber returns the digits of a telephone number and its plus sign; "" when
// user is none.
func asNumber(user string) (digits, plus string) {
	if rest, ok := strings.CutPrefix(user, "+"); ok {
		user, plus = rest, "+"
	} else if rest, ok := strings.CutPrefix(user, "%2B"); ok {
		user, plus = rest, "+"
	}
	var b strings.Builder
	for _, c := range user {
		switch {
		case digit(c):
			b.WriteRune(c)
		case !strings.ContainsRune("-.()*#", c):
			return "", ""
		}
	}
	return b.String(), plus
}

func maskDigits(digits string, international bool) string {
	country := 0
	if international {
		country = countryDigits(digits)
	}
	switch n := len(digits) - country; {
	case len(digits) <= 3:
		return digits
	case n >= 8: // at least one digit stays hidden
		return digits[:country+3] + hidden + digits[len(digits)-4:]
	case n >= 4:
		return digits[:country] + hidden + digits[len(digits)-2:]
	}
	return hidden
}

// countryDigits is the length of the country code that digits begin with
// (E.164: zones 1 and 7 have one digit, these two, all others three).
func countryDigits(digits string) int {
	switch {
	case digits[0] == '1' || digits[0] == '7':
		return 1
	case len(digits) >= 2 && strings.Contains(twoDigitCountries, digits[:2]+" "):
		return 2
	}
	return min(3, len(digits))
}

const twoDigitCountries = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// showMask is a masked user part as people read it: "+39 347 ••• 4419".
func showMask(masked string) string {
	head, tail, ok := strings.Cut(masked, hidden)
	if !ok {
		return masked
	}
	if number, ok := strings.CutPrefix(head, "+"); ok && number != "" {
		n := min(countryDigits(number), len(number))
		head = strings.TrimSuffix("+"+number[:n]+" "+number[n:], " ")
	}
	return strings.TrimSpace(head + " ••• " + tail)
}

// secrets of a trace are what its structured places held: a number or a name
// from a From may stand in a Call-ID, too. They are found again there.
type secrets struct {
	public  map[string]bool // lower-case names of colleagues, which are none
	numbers map[string]bool // digits to be found inside a run of digits
	names   []string        // lower case, the longest first: one may stand in another
}

// What is shorter could be anything.
const (
	shortestName   = 4
	shortestNumber = 5
	tailOfNumber   = 8    // what all ways to write a number share
	maxNames       = 1000 // of a trace: hostile messages could bring more
)

// learn remembers what stands in a user part, a display name or a key: its
// numbers and its words.
func (s *secrets) learn(text string) {
	text, _, _ = strings.Cut(text, ";")
	for i := 0; i < len(text); i += max(1, runOf(text[i:])) {
		s.learnNumber(onlyDigits(text[i : i+runOf(text[i:])]))
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c < 0x80 && !letterOrDigit(c) }) {
		if utf8.RuneCountInString(word) >= shortestName && strings.Trim(word, "0123456789") != "" && !nobody[word] && !s.public[word] {
			s.learnName(word)
		}
	}
}

func (s *secrets) learnName(word string) {
	if len(s.names) >= maxNames || slices.Contains(s.names, word) {
		return
	}
	at := slices.IndexFunc(s.names, func(n string) bool { return len(n) <= len(word) })
	if at < 0 {
		at = len(s.names)
	}
	s.names = slices.Insert(s.names, at, word)
}

func (s *secrets) learnNumber(digits string) {
	if len(digits) >= shortestNumber && len(s.numbers) < maxNames {
		s.numbers[digits[max(0, len(digits)-tailOfNumber):]] = true
	}
}

// sweep takes known secrets out of a text that is otherwise kept.
func (s *secrets) sweep(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := runOf(text)
		if n == 0 {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		b.WriteString(s.sweepRun(text[:n]))
		text = text[n:]
	}
	text = b.String()
	for _, name := range s.names {
		text = replaceFold(text, name)
	}
	return text
}

// runOf is the length of the number that text begins with: digits, with single
// separators between them.
func runOf(text string) int {
	n := 0
	for i := range len(text) {
		switch c := rune(text[i]); {
		case digit(c):
			n = i + 1
		case n < i || i == 0 || !strings.ContainsRune("-. ", c): // two in a row, or another character
			return n
		}
	}
	return n
}

// sweepRun hides a run that holds a known number.
func (s *secrets) sweepRun(run string) string {
	digits := onlyDigits(run)
	if len(digits) < shortestNumber {
		return run
	}
	for number := range s.numbers {
		if strings.Contains(digits, number) {
			return hidden
		}
	}
	return run
}

func onlyDigits(s string) string {
	return strings.Map(func(c rune) rune {
		if digit(c) {
			return c
		}
		return -1
	}, s)
}

// replaceFold hides every name in text, whatever its case. name is lower case.
func replaceFold(text, name string) string {
	lower := strings.ToLower(text)
	if len(lower) != len(text) { // letters that change their length: rare, and then all of it goes
		if strings.Contains(lower, name) {
			return hidden
		}
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(lower, name)
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i] + hidden)
		text, lower = text[i+len(name):], lower[i+len(name):]
	}
}
