package transaction

import (
	"bytes"
	"hash/maphash"
	"strconv"
	"strings"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
)

// key names a transaction (RFC 3261 sections 17.1.3 and 17.2.3). It is a hash
// of 128 bits under secret seeds: nobody can make two requests collide.
type key struct{ hi, lo uint64 }

// hasher makes keys.
type hasher struct{ hi, lo maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed(), maphash.MakeSeed()} }

type keyHash struct{ hi, lo maphash.Hash }

func (k *keyHash) add(s string) {
	_, _ = k.hi.WriteString(s)
	_, _ = k.lo.WriteString(s)
	_ = k.hi.WriteByte(0)
	_ = k.lo.WriteByte(0)
}

func (k *keyHash) addBytes(s []byte) {
	_, _ = k.hi.Write(s)
	_, _ = k.lo.Write(s)
	_ = k.hi.WriteByte(0)
	_ = k.lo.WriteByte(0)
}

func (k *keyHash) sum() key { return key{k.hi.Sum64(), k.lo.Sum64()} }

func (h hasher) begin(k *keyHash) {
	k.hi.SetSeed(h.hi)
	k.lo.SetSeed(h.lo)
}

// request is the key of the transaction of a request, as if its method were
// method: ACK and CANCEL belong to an INVITE.
func (h hasher) request(req *gosip.Request, method gosip.RequestMethod) key {
	var k keyHash
	h.begin(&k)
	k.add(string(method))
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	if !strings.HasPrefix(branch, gosip.RFC3261BranchMagicCookie) {
		h.old(&k, req)
		return k.sum()
	}
	k.add(branch)
	k.add(strings.ToLower(via.Host))
	k.add(portText(via.Port))
	return k.sum()
}

// peeked is what request makes of the same request before it is parsed; ok is
// false for one that is older than RFC 3261. It allocates nothing.
func (h hasher) peeked(head transport.Head) (k key, ok bool) {
	if !bytes.HasPrefix(head.Branch, []byte(gosip.RFC3261BranchMagicCookie)) {
		return k, false
	}
	var sum keyHash
	h.begin(&sum)
	sum.addBytes(head.Method)
	sum.addBytes(head.Branch)
	if len(head.SentBy) <= len(lowered{}) {
		var l lowered
		sum.addBytes(l.of(head.SentBy))
	}
	sum.add(portText(head.Port))
	return sum.sum(), true
}

// lowered has room for a host name in lower case.
type lowered [256]byte

func (l *lowered) of(s []byte) []byte {
	for i, c := range s {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		l[i] = c
	}
	return l[:len(s)]
}

// portText is port as text; common ones cost nothing.
func portText(port int) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(port)
}

// old adds what identified a transaction before RFC 3261 (section 17.2.3). The
// To-tag is left out: an ACK has it, its INVITE had not.
func (h hasher) old(k *keyHash, req *gosip.Request) {
	k.add(req.Recipient.String())
	if from := req.From(); from != nil {
		k.add(from.Params.GetOr("tag", ""))
	}
	if id := req.CallID(); id != nil {
		k.add(id.Value())
	}
	if cseq := req.CSeq(); cseq != nil {
		k.add(strconv.FormatUint(uint64(cseq.SeqNo), 10))
	}
	via := req.Via()
	k.add(via.Host)
	k.add(strconv.Itoa(via.Port))
	k.add(via.Params.GetOr("branch", ""))
}

// tag is a hash of the To-tag of a response.
func (h hasher) tag(res *gosip.Response) uint64 {
	to := res.To()
	if to == nil {
		return 0
	}
	return maphash.String(h.lo, to.Params.GetOr("tag", ""))
}

// client is the key of a request of ours.
func (h hasher) client(branch string, method gosip.RequestMethod) key {
	var k keyHash
	h.begin(&k)
	k.add(branch)
	k.add(string(method))
	return k.sum()
}
