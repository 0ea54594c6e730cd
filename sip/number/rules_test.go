package number

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// everything denies all kinds beyond the plain ones.
var everything = []string{"shared_cost", "satellite", "personal", "pager", "voicemail", "unassigned"}

// TestRules tries what fraudsters try. Region is how national forms are read.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, text, region string
		allow, deny        []string
		want               string // as dialled; "" for refused
	}{
		{name: "default deny", text: "+390612345678"},
		{name: "allowed", text: "+390612345678", allow: []string{"+39"}, want: "+390612345678"},
		{name: "national form", text: "06 1234 5678", region: "IT", allow: []string{"+39"}, want: "+390612345678"},
		{name: "country", text: "+12025550123", allow: []string{"US"}, want: "+12025550123"},
		{name: "same code, other country", text: "+18765551234", allow: []string{"US"}},
		{name: "international", text: "+442079460000", allow: []string{"+39"}},
		{name: "international, by 00", text: "00442079460000", region: "IT", allow: []string{"+39"}},
		{name: "international, allowed", text: "0044 20 7946 0000", region: "IT", allow: []string{"+44"}, want: "+442079460000"},
		{name: "denied part", text: "+390612345678", allow: []string{"+39"}, deny: []string{"+3906"}},
		{name: "premium", text: "+39899123456", allow: []string{"+"}},
		{name: "premium, allowed by name", text: "+39899123456", allow: []string{"+39899"}},
		{name: "premium, short", text: "892424", region: "IT", allow: []string{"+39"}},
		{name: "premium, national", text: "899 123456", region: "IT", allow: []string{"IT"}},
		{name: "premium, spaced", text: "+39 8 9 9 1 2 3 4 5 6", allow: []string{"+"}},
		{name: "premium after the national 0", text: "+49 0900 1234567", allow: []string{"+49"}},
		{name: "premium in brackets", text: "+49 (0) 900 1234567", allow: []string{"+49"}},
		{name: "0900 after +39", text: "+39 0900 123456", allow: []string{"+39"}},
		{name: "two international prefixes", text: "0000 39 899 123456", region: "IT", allow: []string{"+"}, deny: everything},
		{name: "prefix twice", text: "+39 00 39 899 123456", allow: []string{"+"}, deny: everything},
		{name: "00 within", text: "+39 00 899123456", allow: []string{"+39"}, deny: everything},
		{name: "plus zero", text: "+0039899123456", region: "IT", allow: []string{"+"}},
		{name: "bare 00", text: "00", region: "IT", allow: []string{"+"}},
		{name: "international premium", text: "+979123456789", allow: []string{"+"}},
		{name: "satellite", text: "+8816123456789", allow: []string{"+"}, deny: everything},
		{name: "shared cost", text: "+39840123456", allow: []string{"+39"}, deny: everything},
		{name: "shared cost, wanted", text: "+39840123456", allow: []string{"+39"}, want: "+39840123456"},
		{name: "unassigned", text: "+39895123456", allow: []string{"+39"}, deny: everything},
		{name: "Caribbean, unassigned", text: "+12425551234", allow: []string{"+1"}, deny: everything},
		{name: "Arabic digits", text: "+٣٩٨٩٩١٢٣٤٥٦", allow: []string{"+"}},
		{name: "isub", text: "+390612345678;isub=899123456", allow: []string{"+39"}},
		{name: "phone-context", text: "123456;phone-context=+39899", allow: []string{"+"}},
		{name: "routing number", text: "+390612345678;rn=+39899123456", allow: []string{"+39"}},
		{name: "extension", text: "+390612345678 ext 899", allow: []string{"+39"}},
		{name: "comma", text: "+390612345678,899123456", allow: []string{"+39"}},
		{name: "URI", text: "sip:+390612345678@evil.example", allow: []string{"+39"}},
		{name: "user at host", text: "+390612345678@evil.example", allow: []string{"+39"}},
		{name: "escaped", text: "%2B39899123456", allow: []string{"+39"}},
		{name: "star code", text: "*21*899123456#", region: "IT", allow: []string{"+39"}},
		{name: "header injection", text: "+390612345678\r\nX: 1", allow: []string{"+39"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := NewRules(c.allow, c.deny)
			require.NoError(t, err)
			n, err := Parse(c.text, c.region)
			if err == nil {
				_, err = rules.Allows(n)
			}
			if c.want == "" {
				require.True(t, errors.Is(err, ErrNotAllowed) || errors.Is(err, ErrInvalid), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, n.String())
		})
	}
}

func TestShortNumbers(t *testing.T) {
	rules, err := NewRules([]string{"+39", "112", "116117"}, []string{"116117"})
	require.NoError(t, err)
	require.True(t, rules.AllowsShort("112"))
	require.False(t, rules.AllowsShort("113"))
	require.False(t, rules.AllowsShort("1121"))
	require.False(t, rules.AllowsShort("116117"))
}

func TestParticular(t *testing.T) {
	p, err := ParsePatterns([]string{"+", "+1", "US", "+1202"})
	require.NoError(t, err)
	for text, want := range map[string]int{"+442079460000": 0, "+18765551234": 2, "+12125550123": 3, "+12025550123": 8} {
		n, err := Parse(text, "")
		require.NoError(t, err)
		particular, ok := p.Has(n)
		require.True(t, ok)
		require.Equal(t, want, particular, text)
	}
}

func TestRulesNameEveryMistake(t *testing.T) {
	_, err := NewRules([]string{"+39", "39 06", "it"}, []string{"premium", "dear", "+0"})
	for _, key := range []string{"allow[1]: ", "allow[2]: ", "deny[1]: ", "deny[2]: "} {
		require.ErrorContains(t, err, key)
	}
	_, err = ParsePatterns([]string{"1234567", "39", ""})
	for _, key := range []string{"[0]: ", "[1]: ", "[2]: "} {
		require.ErrorContains(t, err, key)
	}
}
