package core

import "testing"

// A fuzz input is a head, from which the definitions are drawn, and commands of
// one length each: so a change of a byte changes one command and no other.
const (
	fuzzHead    = 256
	fuzzCommand = 20
)

// FuzzApply draws a world and commands from bytes and holds the State to the
// reference and to the invariants, as the property test does. Handles go
// beyond what is defined: nothing may panic.
func FuzzApply(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) { fuzzWorld(t, data) })
}

func fuzzWorld(t *testing.T, data []byte) *world {
	head := byteDice(data[:min(len(data), fuzzHead)])
	data = data[len(head):]
	w := newWorldOf(t, 0, &head)
	for len(data) > 0 && w.at < 200 {
		part := byteDice(data[:min(len(data), fuzzCommand)])
		data = data[len(part):]
		w.dice = &part
		w.step()
	}
	return w
}

// byteDice draws from bytes; when they are used up, the highest number.
type byteDice []byte

// IntN returns a number below n.
func (d *byteDice) IntN(n int) int {
	if len(*d) == 0 {
		return n - 1
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}
