package trunk

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"filo/sip/number"
)

// out is a trunk that dials out.
func out(name string, change ...func(*Config)) Config {
	c := Config{Name: name, Server: name + ".example", Region: "IT", CallerID: CallerID{Number: "+390612345678"}, Dial: Dial{Allow: []string{"+39"}}}
	for _, f := range change {
		f(&c)
	}
	return c
}

func allow(patterns ...string) func(*Config) {
	return func(c *Config) { c.Dial.Allow = patterns }
}

func table(t *testing.T, configs ...Config) *Table {
	t.Helper()
	table, err := NewTable(configs)
	require.NoError(t, err)
	return table
}

func allUp(*Trunk) bool { return true }

func half() float64 { return 0.5 }

// TestCandidates: which trunks, in which order, and what each one dials.
func TestCandidates(t *testing.T) {
	prefer := func(c *Config) { c.Dial.Priority = 0 }
	backup := func(c *Config) { c.Dial.Priority = 10 }
	for _, c := range []struct {
		name    string
		trunks  []Config
		down    string
		dialled string
		want    []string // trunk and what it dials
		err     error
	}{
		{name: "no trunk", dialled: "+390612345678", err: ErrNoTrunk},
		{name: "one that takes calls only", trunks: []Config{{Name: "in", Allow: []string{"192.0.2.1"}}}, dialled: "+390612345678", err: ErrNoTrunk},
		{name: "one", trunks: []Config{out("a")}, dialled: "06 1234 5678", want: []string{"a +390612345678"}},
		{name: "no number", trunks: []Config{out("a")}, dialled: "paola", err: number.ErrInvalid},
		{name: "not in the list", trunks: []Config{out("a")}, dialled: "+442079460000", err: number.ErrNotAllowed},
		{name: "premium", trunks: []Config{out("a", allow("+"))}, dialled: "+39899123456", err: number.ErrNotAllowed},
		{name: "denied by default", trunks: []Config{out("a", allow("+"))}, dialled: "+8816123456789", err: number.ErrNotAllowed},
		{
			name: "shared cost, wanted", trunks: []Config{out("a", func(c *Config) { c.Dial.Deny = []string{"premium"} })},
			dialled: "840123456", want: []string{"a +39840123456"},
		},
		{name: "priority", trunks: []Config{out("a", backup), out("b", prefer)}, dialled: "+390612345678", want: []string{"b +390612345678", "a +390612345678"}},
		{name: "down is last", trunks: []Config{out("a", backup), out("b", prefer)}, down: "b", dialled: "+390612345678", want: []string{"a +390612345678", "b +390612345678"}},
		{
			name: "who says more about the number", trunks: []Config{out("a", prefer, allow("+")), out("b", backup, allow("+", "+44"))},
			dialled: "+442079460000", want: []string{"b +442079460000", "a +442079460000"},
		},
		{
			name: "each in its style", trunks: []Config{
				out("a", prefer, func(c *Config) { c.Numbers = Numbers{Format: "plain", Prefix: "99"} }),
				out("b", backup, func(c *Config) { c.Numbers.Format = "national" }),
			},
			dialled: "+390612345678", want: []string{"a 99390612345678", "b 0612345678"},
		},
		{
			name: "abroad in the national style", trunks: []Config{out("a", allow("+"), func(c *Config) { c.Numbers.Format = "national" })},
			dialled: "+442079460000", want: []string{"a 00442079460000"},
		},
		{name: "short number", trunks: []Config{out("a"), out("b", allow("112"))}, dialled: "112", want: []string{"b 112"}},
		{name: "short number of nobody", trunks: []Config{out("a")}, dialled: "112", err: number.ErrInvalid},
		{
			name: "one reading for all", trunks: []Config{out("a", allow("+")), out("b", allow("+"), backup, func(c *Config) { c.Region = "DE" })},
			dialled: "0612345678", want: []string{"a +390612345678", "b +390612345678"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := table(t, c.trunks...).Candidates(c.dialled, func(t *Trunk) bool { return t.Name != c.down }, half)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				return
			}
			require.NoError(t, err)
			var names []string
			for _, g := range got {
				names = append(names, g.Name+" "+g.User)
			}
			require.Equal(t, c.want, names)
		})
	}
}

// TestWeights: trunks of one priority share by their weights.
func TestWeights(t *testing.T) {
	tab := table(t, out("a", func(c *Config) { c.Dial.Weight = 3 }), out("b"))
	first := map[string]int{}
	const draws = 4000
	for i := range draws {
		n := 0
		got, err := tab.Candidates("+390612345678", allUp, func() float64 { // two coordinates of a regular sequence
			n++
			_, frac := split(float64(i+1) * []float64{0.7548776662466927, 0.5698402909980532}[n-1])
			return frac
		})
		require.NoError(t, err)
		first[got[0].Name]++
	}
	require.InDelta(t, 0.75, float64(first["a"])/draws, 0.02)
}

func split(x float64) (int, float64) { return int(x), x - float64(int(x)) }

// TestNothingPremiumIsPlaced: whatever is dialled over trunks that allow all,
// what leaves is the number that was judged, and it is of no denied kind.
func TestNothingPremiumIsPlaced(t *testing.T) {
	styles := func(style, region string) func(*Config) {
		return func(c *Config) { c.Numbers.Format, c.Region, c.Dial.Allow = style, region, []string{"+"} }
	}
	tab := table(t, out("e", styles("e164", "IT")), out("p", styles("plain", "IT")), out("n", styles("national", "IT")), out("us", styles("national", "US")))
	rapid.Check(t, func(t *rapid.T) {
		dialled := rapid.OneOf(
			rapid.StringMatching(`(\+|00|)(39|49|44|1|)( |0|\(0\)|00|)(899|892|900|0900|166|906|1440|06|881|979)[0-9 ]{3,9}`),
			rapid.StringMatching(`[+0-9 ./()-]{4,20}`),
			rapid.String(),
		).Draw(t, "dialled")
		candidates, err := tab.Candidates(dialled, allUp, half)
		if err != nil {
			return
		}
		for _, c := range candidates {
			n, err := number.Parse(c.Number, "")
			require.NoError(t, err)
			require.Equal(t, number.Plain, n.Kind(), "%q dials %s", dialled, c.Number)
			read := c.ReadNumber(c.User)
			if c.Name != "us" { // who reads +1 nationally needs all ten digits
				require.Equal(t, c.Number, read, "%q is written %q on %s", dialled, c.User, c.Name)
			}
		}
	})
}

func TestAt(t *testing.T) {
	tab := table(t, Config{Name: "a", Allow: []string{"192.0.2.0/28", "2001:db8::1"}}, Config{Name: "b", Allow: []string{"192.0.2.0/24"}})
	for addr, want := range map[string]string{"192.0.2.3": "a", "192.0.2.99": "b", "2001:db8::1": "a", "2001:db8::2": "", "127.0.0.1": ""} {
		got := ""
		if one := tab.At(netip.MustParseAddr(addr)); one != nil {
			got = one.Name
		}
		require.Equal(t, want, got, addr)
	}
}
