package sip

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
	"filo/sip/trunk"
)

// Trunk is one trunk's configuration; see package sip/trunk.
type Trunk = trunk.Config

// trunkSet are the trunks of one configuration, and what runs on them. It is
// replaced as a whole by a reload.
type trunkSet struct {
	table *trunk.Table
	peers map[string]*trunkPeer
}

// trunkPeer is who is at the other end of a trunk: what outlives a reload.
type trunkPeer struct {
	name string
}

func newTrunkSet(configs []Trunk) (*trunkSet, error) {
	table, err := trunk.NewTable(configs)
	if err != nil {
		return nil, prefixed("trunks", err)
	}
	set := &trunkSet{table: table, peers: make(map[string]*trunkPeer)}
	for _, t := range table.Trunks() {
		set.peers[t.Name] = &trunkPeer{name: t.Name}
	}
	return set, nil
}

// trunkAt is the first trunk that allows addr.
func (u *UA) trunkAt(addr netip.Addr) *trunk.Trunk { return u.trunks.table.At(addr) }

// caller is who may place a call, and why.
type caller struct {
	trunk *trunk.Trunk
	user  string
}

// admit decides who calls; false when it has refused.
func (u *UA) admit(tx *transaction.Server) (caller, bool) {
	req, f := tx.Request(), tx.Flow()
	from := userOf(req.From().Address)
	if s := sessionOf(f); s != nil {
		switch {
		case s.ours:
			return caller{}, true
		case s.user == from && from != "":
			return caller{user: s.user}, true
		case s.user != "":
			return caller{}, u.forbid(tx)
		}
	}
	asUser := u.creds != nil && (req.GetHeader("Authorization") != nil || u.reg.boundFrom(from, f))
	if t := u.trunkAt(f.Remote().Addr()); t != nil && !f.Web() && !asUser {
		return caller{trunk: t}, true
	}
	if u.creds == nil {
		return caller{}, u.forbid(tx)
	}
	name, res := u.authenticate(u.life, tx)
	if res != nil {
		u.reply(tx, res)
		return caller{}, false
	}
	if name != from {
		return caller{}, u.forbid(tx)
	}
	return caller{user: name}, true
}

// knows tells whether a request comes from a trunk, a signed-in page or a
// registered phone.
func (u *UA) knows(tx *transaction.Server) bool {
	f := tx.Flow()
	return u.trunkAt(f.Remote().Addr()) != nil || sessionOf(f) != nil ||
		u.reg.boundFrom(userOf(tx.Request().From().Address), f)
}

// forbid sends 403; it returns false for its callers to return.
func (u *UA) forbid(tx *transaction.Server) bool {
	u.met.reject(rejectForbidden)
	u.refuse(tx, statusForbidden, "")
	return false
}

// inboundInfo reads who calls whom.
func (u *UA) inboundInfo(req *gosip.Request, h hop, who caller, received time.Time) Info {
	from := req.From()
	info := Info{
		CallID: req.CallID().Value(), User: who.user,
		From: userOf(from.Address), FromName: unescapeName(from.DisplayName),
		To: userOf(req.To().Address), Called: userOf(req.Recipient),
		Transport: h.network, Source: h.source(), Received: received, Inbound: true,
		Headers: passedHeaders(req, who.trunk),
	}
	anonymous := anonymousURI(from.Address)
	if t := who.trunk; t != nil {
		info.Trunk = t.Name
		info.Verstat = verstatNone
		if t.Numbers.Called == trunk.CalledTo {
			info.Called = info.To
		}
		if t.Trusted {
			caller := from.Address
			if uri, name, ok := asserted(req); ok {
				info.From, info.FromName = userOf(uri), name
				anonymous = anonymousURI(uri)
				caller = uri
			}
			info.Attestation, info.Verstat = verification(req, caller)
			info.Original = t.ReadNumber(originalCalled(req))
		}
		info.From, info.Called = t.ReadNumber(info.From), t.ReadNumber(info.Called)
	}
	if anonymous || wantsPrivacy(req) {
		info.Withheld, info.From, info.FromName = true, "", ""
	}
	return info
}

// passedHeaders are the headers that the application may see.
func passedHeaders(req *gosip.Request, t *trunk.Trunk) map[string]string {
	var out map[string]string
	for _, h := range req.Headers() {
		name := http.CanonicalHeaderKey(h.Name())
		pass := name == "User-To-User" || name == "Call-Info" || (t != nil && t.Passes(name)) ||
			(t == nil && strings.HasPrefix(name, "X-")) // a user of ours, who proved it
		if !pass || len(out) >= 32 {
			continue
		}
		value := oneLine(h.Value())
		if len(value) > 1024 {
			continue
		}
		if out == nil {
			out = make(map[string]string)
		}
		if name == "User-To-User" {
			name = "User-to-User" // as RFC 7433 writes it
		}
		out[name] = value
	}
	return out
}
