package sip

import (
	"net/netip"
	"slices"
	"sync"

	"filo/sip/resolve"
	"filo/sip/trunk"
)

// Trunk is one trunk's configuration; see package sip/trunk.
type Trunk = trunk.Config

// trunkSet are the trunks of one configuration. It is replaced as a whole by a
// reload; the peers stay.
type trunkSet struct {
	table *trunk.Table
	peers map[string]*trunkPeer // by the trunk's name
}

// trunkPeer is who is at the other end of a trunk, and what goes on with him.
type trunkPeer struct {
	inbound, outbound trunk.Gate
	health            trunk.Health

	mu    sync.Mutex
	addrs map[resolve.Target][]netip.Addr // what his hosts resolve to
}

// newTrunkSet makes the trunks of a configuration; before are those until now,
// nil at the start.
func newTrunkSet(configs []Trunk, before *trunkSet) (*trunkSet, error) {
	table, err := trunk.NewTable(configs)
	if err != nil {
		return nil, prefixed("trunks", err)
	}
	set := &trunkSet{table: table, peers: make(map[string]*trunkPeer)}
	for _, t := range table.Trunks() {
		p := &trunkPeer{addrs: make(map[resolve.Target][]netip.Addr)}
		if before != nil && before.peers[t.Name] != nil {
			p = before.peers[t.Name]
		}
		set.peers[t.Name] = p
	}
	return set, nil
}

// at is the trunk over which addr may call: the first that allows it by its
// configuration, else by the name of a server; nil for none.
func (s *trunkSet) at(addr netip.Addr) *trunk.Trunk {
	if t := s.table.At(addr); t != nil {
		return t
	}
	for _, t := range s.table.Trunks() {
		if s.peers[t.Name].isAt(t, addr) {
			return t
		}
	}
	return nil
}

func (s *trunkSet) up(t *trunk.Trunk) bool { return s.peers[t.Name].health.Up() }

// isAt tells whether one of the trunk's hosts has the address.
func (p *trunkPeer) isAt(t *trunk.Trunk, addr netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, host := range t.Hosts() {
		if slices.Contains(p.addrs[host], addr) {
			return true
		}
	}
	return false
}

// learn notes to what a host of the trunk resolves.
func (p *trunkPeer) learn(host resolve.Target, hops []resolve.Hop) {
	addrs := make([]netip.Addr, len(hops))
	for i, h := range hops {
		addrs[i] = h.Addr.Addr()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addrs[host] = addrs
}

// Trunk is the configuration in force of the trunk with the name.
func (u *UA) Trunk(name string) (t Trunk, ok bool) {
	for _, one := range u.trunks.Load().table.Trunks() {
		if one.Name == name {
			return one.Config, true
		}
	}
	return Trunk{}, false
}
