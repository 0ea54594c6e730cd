package number

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ErrNotAllowed says that the rules do not let a number be dialled.
var ErrNotAllowed = errors.New("number may not be dialled")

// Patterns are sets of numbers. Each is the beginning of a number in E.164
// ("+39", "+3906"), "+" for all, a country or territory ("US" has not all of
// "+1"), or a short number as it is dialled ("112").
type Patterns struct {
	prefixes []string // with the plus
	regions  []string
	shorts   []string
}

// ParsePatterns reads patterns; the error joins one for each that is none,
// which begins with its place: "[1]: ".
func ParsePatterns(texts []string) (Patterns, error) {
	var p Patterns
	var errs []error
	for i, text := range texts {
		if err := p.add(text); err != nil {
			errs = append(errs, fmt.Errorf("[%d]: %w", i, err))
		}
	}
	return p, errors.Join(errs...)
}

func (p *Patterns) add(text string) error {
	switch {
	case strings.HasPrefix(text, "+") && digits(text[1:]) && len(text) <= maxDigits+1 && !strings.HasPrefix(text, "+0"):
		p.prefixes = append(p.prefixes, text)
	case IsRegion(text):
		p.regions = append(p.regions, text)
	case digits(text) && len(text) >= minShort && len(text) <= maxShort:
		p.shorts = append(p.shorts, text)
	default:
		return fmt.Errorf("%q is none of +39 (how numbers begin), IT (a country), 112 (a short number)", text)
	}
	return nil
}

// Bounds of numbers of a carrier's own, which no plan knows. Two digits are
// rather a country's code whose plus was forgotten.
const (
	minShort = 3
	maxShort = 6
)

// IsRegion tells whether text is a country or territory with a numbering plan.
func IsRegion(text string) bool {
	return phonenumbers.GetSupportedRegions()[text]
}

func digits(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// Has tells whether a pattern has the number, and how much the most particular
// one says about it: more digits say more, a country more than its code.
func (p Patterns) Has(n Number) (particular int, ok bool) {
	particular = -1
	for _, prefix := range p.prefixes {
		if strings.HasPrefix(n.e164, prefix) {
			particular = max(particular, 2*(len(prefix)-1))
		}
	}
	if len(p.regions) > 0 && slices.Contains(p.regions, n.Region()) {
		code := len(fmt.Sprint(n.plan.GetCountryCode()))
		particular = max(particular, 2*code+1)
	}
	return max(particular, 0), particular >= 0
}

// HasShort tells whether text is one of the short numbers, exactly.
func (p Patterns) HasShort(text string) bool { return slices.Contains(p.shorts, text) }

// Rules say which numbers may be dialled: none but those that allow has, of
// them none that deny has, and never a premium one.
type Rules struct {
	allow Patterns
	deny  Patterns
	kinds []Kind
}

// NewRules reads rules. An element of deny is a pattern or a [Kind]. The error
// joins every mistake; each begins with its place: "deny[1]: ".
func NewRules(allow, deny []string) (Rules, error) {
	r := Rules{kinds: []Kind{Premium}}
	var errs []error
	for i, text := range allow {
		if err := r.allow.add(text); err != nil {
			errs = append(errs, fmt.Errorf("allow[%d]: %w", i, err))
		}
	}
	for i, text := range deny {
		if slices.Contains(Kinds(), Kind(text)) {
			r.kinds = append(r.kinds, Kind(text))
		} else if err := r.deny.add(text); err != nil {
			errs = append(errs, fmt.Errorf("deny[%d]: %w, %v", i, err, Kinds()))
		}
	}
	return r, errors.Join(errs...)
}

// Allows returns how particular the permission is, or ErrNotAllowed.
func (r Rules) Allows(n Number) (particular int, err error) {
	particular, ok := r.allow.Has(n)
	if !ok {
		return 0, fmt.Errorf("%w: not in the list", ErrNotAllowed)
	}
	if _, denied := r.deny.Has(n); denied {
		return 0, fmt.Errorf("%w: denied", ErrNotAllowed)
	}
	if kind := n.Kind(); slices.Contains(r.kinds, kind) {
		return 0, fmt.Errorf("%w: %s", ErrNotAllowed, kind)
	}
	return particular, nil
}

// AllowsShort tells whether text is a short number that may be dialled as it is.
func (r Rules) AllowsShort(text string) bool {
	return r.allow.HasShort(text) && !r.deny.HasShort(text)
}
