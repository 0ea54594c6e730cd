package number

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ErrInvalid says that a text is no telephone number.
var ErrInvalid = errors.New("not a telephone number")

const (
	maxText   = 40 // characters that somebody may take to write a number
	maxDigits = 15 // of an E.164 number (ITU-T E.164 section 6)
)

// Number is one telephone number with its country. The zero value is none.
type Number struct {
	e164 string
	plan *phonenumbers.PhoneNumber
}

// Parse reads a number as people write it: "+39 06 1234-5678", "0039 06...",
// or in the national form of region (ISO 3166, "IT"; "" for none). Anything
// but digits, one leading plus and the usual separators is refused: letters,
// digits of other scripts, extensions and URI parameters, which differ from
// reader to reader.
func Parse(text, region string) (Number, error) {
	text = strings.TrimSpace(text)
	if err := spelled(text); err != nil {
		return Number{}, err
	}
	if region == "" && strings.HasPrefix(text, "00") {
		text = "+" + text[2:]
	}
	if region == "" && text[0] != '+' {
		return Number{}, fmt.Errorf("%w: of no country", ErrInvalid)
	}
	if rest, plus := strings.CutPrefix(text, "+"); plus && strings.HasPrefix(strings.TrimLeft(rest, separators), "0") {
		return Number{}, fmt.Errorf("%w: no country begins with 0", ErrInvalid)
	}
	plan, err := phonenumbers.Parse(text, region)
	if err != nil {
		return Number{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	n := Number{e164: phonenumbers.Format(plan, phonenumbers.E164), plan: plan}
	if len(n.e164) > maxDigits+1 || !phonenumbers.IsPossibleNumber(plan) {
		return Number{}, fmt.Errorf("%w: of no possible length", ErrInvalid)
	}
	if n.e164 == text { // what is read again is what was read
		return n, nil
	}
	if again, err := phonenumbers.Parse(n.e164, ""); err != nil || phonenumbers.Format(again, phonenumbers.E164) != n.e164 {
		return Number{}, fmt.Errorf("%w: it can be read in two ways", ErrInvalid)
	}
	return n, nil
}

const separators = " -./()"

// spelled checks the characters.
func spelled(text string) error {
	if text == "" || len(text) > maxText {
		return fmt.Errorf("%w: %d characters", ErrInvalid, len(text))
	}
	for i := range len(text) {
		c := text[i]
		if isDigit(c) || strings.IndexByte(separators, c) >= 0 || c == '+' && i == 0 {
			continue
		}
		return fmt.Errorf("%w: character %d", ErrInvalid, i+1) // the text is personal, and hostile
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// String is the number in E.164 with the plus; "" for none.
func (n Number) String() string { return n.e164 }

// Region is the country or territory that the number belongs to ("IT"), "001"
// for international networks, "" when the numbering plan does not say.
func (n Number) Region() string { return phonenumbers.GetRegionCodeForNumber(n.plan) }

// Normal is text in E.164 when it is a telephone number beyond doubt, read in
// region; any other text (a user's name, an internal or short number) as it is.
func Normal(text, region string) string {
	n, err := Parse(text, region)
	if err != nil || !strings.HasPrefix(text, "+") && !phonenumbers.IsValidNumber(n.plan) {
		return text
	}
	return n.e164
}
