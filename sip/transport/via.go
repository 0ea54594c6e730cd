package transport

import (
	"net/netip"
	"strconv"

	gosip "github.com/emiago/sipgo/sip"
)

// stampVia writes into the top Via where the request really came from (RFC
// 3261 section 18.2.1, RFC 3581 section 4), so that responses, which copy it,
// find their way.
func stampVia(req *gosip.Request, f Flow) {
	via := req.Via()
	if via == nil || !f.remote.IsValid() {
		return
	}
	_, wants := via.Params.Get("rport")
	if wants {
		via.Params.Add("rport", strconv.Itoa(int(f.remote.Port())))
	}
	if wants || !isAddr(via.Host, f.remote.Addr()) {
		via.Params.Add("received", f.remote.Addr().String())
	}
}

func isAddr(host string, addr netip.Addr) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap() == addr
}
