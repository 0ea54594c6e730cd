package web

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCardNumbersAreRemoved(t *testing.T) {
	tests := []struct{ name, field, value, want string }{
		{"visa", "note", "4111111111111111", "[removed]"},
		{"spaces", "note", "pay 4111 1111 1111 1111 please", "pay [removed] please"},
		{"dashes", "note", "5500-0000-0000-0004", "[removed]"},
		{"amex", "note", "3782 822463 10005", "[removed]"},
		{"with the code behind", "note", "4111111111111111 123", "[removed]"},
		{"two", "note", "4111111111111111/5500000000000004", "[removed]/[removed]"},
		{"not by Luhn", "note", "4111111111111112", "4111111111111112"},
		{"too short", "note", "411111111111", "411111111111"},
		{"a time in milliseconds", "note", "1763719200000", "1763719200000"},
		{"in a phone field", "phone", "4111111111111111", "[removed]"},
		{"phone", "phone", "+39 347 555 4419", "+39 347 555 4419"},
		{"code by name", "CVC", "123", ""},
		{"code in Italian", "codice_sicurezza", "123", ""},
		{"card by name", "payment[card-number]", "4111", ""},
		{"password", "userPassword", "x", ""},
		{"city", "city", "Verona 37121", "Verona 37121"},
		{"spin is no pin", "spin", "1", "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s scrubber
			got := s.field(tt.field, tt.value)
			if tt.name == "with the code behind" {
				require.NotContains(t, got, "4111111111111111")
				return
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// No card number passes, however it is written and whatever stands around it.
func TestNoCardPasses(t *testing.T) {
	separated := regexp.MustCompile(`[ \-._]`)
	rapid.Check(t, func(t *rapid.T) {
		digits := []byte{byte(rapid.IntRange(2, 6).Draw(t, "network"))}
		for range rapid.IntRange(11, 17).Draw(t, "length") {
			digits = append(digits, byte(rapid.IntRange(0, 9).Draw(t, "digit")))
		}
		digits = append(digits, 0)
		for !luhn(digits) {
			digits[len(digits)-1]++
		}
		sep := rapid.SampledFrom([]string{"", " ", "-", "."}).Draw(t, "separator")
		var text, plain strings.Builder
		for i, d := range digits {
			if i > 0 && i%4 == 0 {
				text.WriteString(sep)
			}
			text.WriteByte('0' + d)
			plain.WriteByte('0' + d)
		}
		around := rapid.SampledFrom([]string{"", "a", " x ", "n. ", "\"", ": "})
		var s scrubber
		got := s.text(around.Draw(t, "before") + text.String() + around.Draw(t, "after"))
		if strings.Contains(separated.ReplaceAllString(got, ""), plain.String()) {
			t.Fatalf("card passed: %q", got)
		}
	})
}

func FuzzSegment(f *testing.F) {
	f.Add("batch", `{"writeKey":"shop-key","batch":[{"type":"page","anonymousId":"a"}]}`)
	f.Add("track", `{"anonymousId":"a","event":"Form Step Viewed","properties":{"fields":{"a":"4111 1111 1111 1111"},"cart":[{"name":"x","price":1e9}]}}`)
	f.Add("identify", `{"userId":7,"traits":{"phone":4111111111111111}}`)
	f.Add("page", `{"anonymousId":"a","timestamp":"0000-01-01T00:00:00Z","sentAt":"9999-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		calls, err := fuzzChannel.decode(request("/v1/batch", ""), kind, []byte(body))
		if err != nil {
			if err.Error() == "" {
				t.Fatal("mistake without words")
			}
			return
		}
		if !json.Valid([]byte(body)) {
			t.Fatal("bad JSON accepted")
		}
		for i := range calls {
			for _, e := range fuzzChannel.events(&calls[i], testNow) {
				if e.SourceID == "" || e.Kind == "" || len(e.Identities) == 0 || e.OccurredAt.After(testNow) {
					t.Fatalf("unusable event %+v", e)
				}
				for k, v := range e.Attrs {
					if _, _, found := findCard(v); found && !strings.HasPrefix(v, "+") {
						t.Fatalf("card number in %s", k)
					}
				}
			}
		}
	})
}

var fuzzChannel = func() *Channel {
	cfg := DefaultConfig()
	cfg.WriteKeys = []string{"shop-key"}
	c, err := New(cfg, Deps{Journey: &thread{}, Now: func() time.Time { return testNow }})
	if err != nil {
		panic(err)
	}
	return c
}()
