package trunk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdentity(t *testing.T) {
	const ours, other = "+390612345678", "+390612345699"
	for _, c := range []struct {
		name     string
		id       CallerID
		format   string
		user     string
		from, by string
		want     Identity
	}{
		{name: "pass, not listed", id: CallerID{Number: ours, Name: "Shop"}, from: other, by: "Paola", want: Identity{User: ours, Name: "Shop"}},
		{name: "pass, listed", id: CallerID{Number: ours, Numbers: []string{"+3906123456"}}, from: other, by: "Paola", want: Identity{User: other, Name: "Paola"}},
		{name: "pass, listed, nationally asked", id: CallerID{Number: ours, Numbers: []string{"+39"}}, from: "06 12345699", want: Identity{User: other}},
		{name: "pass, any", id: CallerID{Policy: "pass", Number: ours, Numbers: []string{"+"}}, from: "+442079460000", want: Identity{User: "+442079460000"}},
		{name: "pass, no number", id: CallerID{Number: ours, Numbers: []string{"+"}}, from: "paola", by: "Paola", want: Identity{User: ours}},
		{name: "pass, injection", id: CallerID{Number: ours, Numbers: []string{"+"}}, from: "+390612345699\r\nX: 1", want: Identity{User: ours}},
		{name: "fixed", id: CallerID{Policy: "fixed", Number: ours, Name: "Shop", Numbers: []string{"+"}}, from: other, by: "Paola", want: Identity{User: ours, Name: "Shop"}},
		{name: "account", id: CallerID{}, user: "acct7", from: other, want: Identity{User: "acct7"}},
		{name: "anonymous", id: CallerID{Policy: "anonymous", Number: ours, Name: "Shop"}, from: other, want: Identity{}},
		{name: "anonymous, asserted", id: CallerID{Policy: "anonymous", Number: ours, Header: HeaderAsserted}, want: Identity{Header: HeaderAsserted, Asserted: ours}},
		{name: "asserted", id: CallerID{Policy: "fixed", Number: ours, Header: HeaderPreferred}, want: Identity{User: ours, Header: HeaderPreferred, Asserted: ours}},
		{name: "plain", id: CallerID{Policy: "fixed", Number: ours}, format: "plain", want: Identity{User: "390612345678"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := table(t, Config{Name: "a", Server: "a.example", Region: "IT", User: c.user, Numbers: Numbers{Format: c.format}, CallerID: c.id})
			got := tab.Trunks()[0].Identity(c.from, c.by)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want.User == "", got.Anonymous())
		})
	}
}
