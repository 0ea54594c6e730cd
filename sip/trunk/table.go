package trunk

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"filo/sip/number"
)

// ErrNoTrunk says that no trunk dials out.
var ErrNoTrunk = errors.New("no trunk dials out")

// Table are all trunks. It does not change; a reload makes another.
type Table struct {
	trunks []*Trunk
	region string
}

// NewTable reads the trunks and the files they name. The error is that
// of [Validate], or names the files that cannot be read.
func NewTable(configs []Config) (*Table, error) {
	if err := Validate(configs); err != nil {
		return nil, err
	}
	table := &Table{}
	var errs []error
	for i, c := range configs {
		t, err := newTrunk(c)
		errs = append(errs, placed(i, err)...)
		table.trunks = append(table.trunks, t)
		if table.region == "" && len(c.Dial.Allow) > 0 {
			table.region = c.Region
		}
	}
	return table, errors.Join(errs...)
}

// Validate reports every mistake of trunks at once; each begins with the
// trunk's place and the key: "[2].region: ".
func Validate(configs []Config) error {
	var errs []error
	seen := make(map[string]bool)
	for i, c := range configs {
		if seen[c.Name] {
			errs = append(errs, fmt.Errorf("[%d].name: %q is used twice", i, c.Name))
		}
		seen[c.Name] = true
		errs = append(errs, placed(i, c.Validate())...)
	}
	return errors.Join(errs...)
}

// placed says of each joined error that it is the i-th trunk's.
func placed(i int, err error) (errs []error) {
	for _, one := range parts(err) {
		errs = append(errs, fmt.Errorf("[%d].%w", i, one))
	}
	return errs
}

// Trunks are all trunks as configured; read only.
func (t *Table) Trunks() []*Trunk { return t.trunks }

// At is the first trunk whose configuration lets addr call; nil for none.
func (t *Table) At(addr netip.Addr) *Trunk {
	for _, one := range t.trunks {
		if one.Allows(addr) {
			return one
		}
	}
	return nil
}

// Candidate is a trunk that may dial a number.
type Candidate struct {
	*Trunk
	Number string // in E.164, or a short number
	User   string // how this trunk writes it

	particular int
	down       bool
	lot        float64
}

// Candidates are the trunks that may dial a number, in the order to try: those
// that are up; whose patterns say the most about the number; of the lowest
// priority; by lot, according to their weights. A number without a country is
// read in the region of the first trunk that dials out, whatever trunk takes it.
//
// The error is [number.ErrInvalid], [number.ErrNotAllowed] or ErrNoTrunk. draw
// returns a uniform number in [0, 1).
func (t *Table) Candidates(dialled string, up func(*Trunk) bool, draw func() float64) ([]Candidate, error) {
	candidates, err := t.allowed(dialled)
	if err != nil {
		return nil, err
	}
	for i := range candidates {
		c := &candidates[i]
		c.down = !up(c.Trunk)
		c.lot = -math.Log(1-draw()) / float64(max(c.Dial.Weight, 1)) // exponential clocks: the first to ring has its share
	}
	slices.SortStableFunc(candidates, Candidate.compare)
	return candidates, nil
}

func (c Candidate) compare(other Candidate) int {
	down := func(c Candidate) int {
		if c.down {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(down(c), down(other)),
		cmp.Compare(other.particular, c.particular),
		cmp.Compare(c.Dial.Priority, other.Dial.Priority),
		cmp.Compare(c.lot, other.lot),
	)
}

// allowed are the trunks whose rules let the number pass, in no order.
func (t *Table) allowed(dialled string) ([]Candidate, error) {
	var out []Candidate
	for _, one := range t.trunks {
		if one.rules.AllowsShort(dialled) {
			out = append(out, Candidate{Trunk: one, Number: dialled, User: dialled})
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	n, err := number.Parse(dialled, t.region)
	if err != nil {
		return nil, err
	}
	refused := ErrNoTrunk
	for _, one := range t.trunks {
		if len(one.Dial.Allow) == 0 {
			continue
		}
		particular, err := one.rules.Allows(n)
		if err != nil {
			refused = err
			continue
		}
		out = append(out, Candidate{Trunk: one, Number: n.String(), User: one.write(n), particular: particular})
	}
	if len(out) == 0 {
		return nil, refused
	}
	return out, nil
}

// write is a number as the trunk's carrier wants it.
func (t *Trunk) write(n number.Number) string {
	return t.Numbers.Prefix + t.style().Write(n, t.Region)
}
