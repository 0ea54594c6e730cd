package core

import "slices"

// bitset is a dense set of small numbers. Sets over one kind of handle may
// differ in length: what lies beyond the end is not in the set.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b *bitset) grow(n int) {
	for len(*b) < (n+63)/64 {
		*b = append(*b, 0)
	}
}

// add grows the set when it must.
func (b *bitset) add(i int) {
	b.grow(i + 1)
	b.set(i)
}

func (b bitset) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) clear(i int)    { b[i>>6] &^= 1 << (i & 63) }
func (b bitset) has(i int) bool { return i>>6 < len(b) && b[i>>6]>>(i&63)&1 == 1 }

// word returns the numbers from 64 i on.
func (b bitset) word(i int) uint64 {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// set is a sparse set of numbers: the words of a bitset that are not 0, in
// their order. It takes what it holds, however large the numbers are, and is
// gone through almost as fast as a bitset.
type set []word

type word struct {
	bits uint64
	at   uint32 // it holds the numbers from 64 at on
}

// find returns where the word of i is, or belongs.
func (s set) find(i uint32) (pos int, found bool) {
	at := i >> 6
	if n := len(s); n == 0 || s[n-1].at < at {
		return n, false
	}
	return slices.BinarySearchFunc(s, at, func(w word, at uint32) int { return order(w.at, at) })
}

func (s *set) add(i uint32) {
	pos, found := s.find(i)
	if !found {
		*s = slices.Insert(*s, pos, word{at: i >> 6})
	}
	(*s)[pos].bits |= 1 << (i & 63)
}

func (s *set) remove(i uint32) {
	pos, found := s.find(i)
	if !found {
		return
	}
	(*s)[pos].bits &^= 1 << (i & 63)
	if (*s)[pos].bits == 0 {
		*s = slices.Delete(*s, pos, pos+1)
	}
}

func (s set) has(i uint32) bool {
	pos, found := s.find(i)
	return found && s[pos].bits>>(i&63)&1 == 1
}

// members is a set of handles twice: as a list in order, which is the faster
// one to go through where most of them count, and as a set.
type members[T ~uint32] struct {
	list []T
	set  set
}

func (m *members[T]) add(x T) {
	if pos, found := slices.BinarySearch(m.list, x); !found {
		m.list = slices.Insert(m.list, pos, x)
		m.set.add(uint32(x))
	}
}

func (m *members[T]) remove(x T) {
	if pos, found := slices.BinarySearch(m.list, x); found {
		m.list = slices.Delete(m.list, pos, pos+1)
		m.set.remove(uint32(x))
	}
}

func (m *members[T]) has(x T) bool { return m.set.has(uint32(x)) }
