package sip

import (
	"math"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/dialog"
)

// FuzzReplaces: what is taken for a dialog has an identity of three parts, each
// from the value.
func FuzzReplaces(f *testing.F) {
	f.Add("425928@phone.example.org;to-tag=7743;from-tag=6472;early-only")
	f.Add(";to-tag=;from-tag=")
	f.Add("a;TO-TAG=b;from-tag=c;from-tag=d")
	f.Fuzz(func(t *testing.T, value string) {
		r, ok := parseReplaces(value)
		if !ok {
			return
		}
		for _, part := range []string{r.callID, r.toTag, r.fromTag} {
			if part == "" || !strings.Contains(value, part) {
				t.Fatalf("%q is not of %q", part, value)
			}
		}
	})
}

// FuzzRAck: three words, or nothing.
func FuzzRAck(f *testing.F) {
	f.Add("776656 1 INVITE")
	f.Add("4294967296 -1 INVITE")
	f.Add("1 2")
	f.Fuzz(func(t *testing.T, value string) {
		if r := readRAck(value); r != (dialog.RAck{}) && len(strings.Fields(value)) != 3 {
			t.Fatalf("%+v of %q", r, value)
		}
	})
}

// FuzzSessionTimer: intervals are never below zero and never wrap.
func FuzzSessionTimer(f *testing.F) {
	f.Add("1800;refresher=uac", "90")
	f.Add("99999999999;Refresher = UAS", ";;")
	f.Fuzz(func(t *testing.T, expires, least string) {
		req := fuzzedHeader("Session-Expires", expires)
		req.AppendHeader(gosip.NewHeader("Min-SE", least))
		timer := readTimer(req)
		for _, d := range []time.Duration{timer.Expires, timer.Min} {
			if d < 0 || d > math.MaxUint32*time.Second {
				t.Fatalf("%v of %q and %q", d, expires, least)
			}
		}
	})
}

// FuzzNotify: a body that is no status line of SIP says nothing (RFC 3420).
func FuzzNotify(f *testing.F) {
	f.Add("refer;id=93809824", "terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
	f.Add("refer", "active;expires=60", "SIP/2.0 100 Trying\r\nTo: <sip:a@b>\r\n\r\n")
	f.Add("presence", "", "")
	f.Fuzz(func(t *testing.T, event, state, body string) {
		req := fuzzedHeader("Event", event)
		req.AppendHeader(gosip.NewHeader("Subscription-State", state))
		req.SetBody([]byte(body))
		var r dialog.Request
		readNotify(&r, req)
		if r.Status != 0 && !strings.HasPrefix(strings.TrimSpace(body), "SIP/") {
			t.Fatalf("status %d of %q", r.Status, body)
		}
		if r.Status < 0 || r.Expires < 0 {
			t.Fatalf("%d, %v", r.Status, r.Expires)
		}
	})
}

// FuzzReferTo: what we are asked to call is a URI without headers of its own,
// and nothing that comes along breaks a line.
func FuzzReferTo(f *testing.F) {
	f.Add("<sip:marta@filo.local?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994&X-Cart=1>", "<sip:paola@filo.local>")
	f.Add("sip:a@b;method=INVITE", "x\r\ny")
	f.Add("<tel:+390455550101>", "")
	f.Fuzz(func(t *testing.T, referTo, referredBy string) {
		req := fuzzedHeader("Refer-To", referTo)
		req.AppendHeader(gosip.NewHeader("Referred-By", referredBy))
		l := &Leg{u: &UA{}}
		transfer := l.readTransfer(req)
		var uri gosip.Uri
		if transfer.To != "" && gosip.ParseUri(transfer.To, &uri) == nil && len(uri.Headers) > 0 {
			t.Fatalf("%q of %q has headers", transfer.To, referTo)
		}
		for _, s := range []string{transfer.ReferredBy, transfer.ReplacesOther} {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Fatalf("%q breaks a line", s)
			}
		}
		for name, value := range transfer.Headers {
			if !goodHeaderName(name) || strings.ContainsAny(value, "\r\n\x00") {
				t.Fatalf("header %q: %q", name, value)
			}
		}
	})
}
