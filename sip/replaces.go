package sip

import (
	"slices"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// replaces is the value of a Replaces header (RFC 3891 section 6.1): a dialog,
// as its recipient knows it.
type replaces struct {
	callID, toTag, fromTag string
	earlyOnly              bool
}

func parseReplaces(value string) (replaces, bool) {
	callID, params, _ := strings.Cut(value, ";")
	r := replaces{callID: strings.TrimSpace(callID)}
	for p := range strings.SplitSeq(params, ";") {
		name, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch strings.ToLower(name) {
		case "to-tag":
			r.toTag = v
		case "from-tag":
			r.fromTag = v
		case "early-only":
			r.earlyOnly = true
		}
	}
	return r, r.callID != "" && r.toTag != "" && r.fromTag != ""
}

// legOfReplaces finds our leg of that dialog; nil: there is none.
func (u *UA) legOfReplaces(r replaces) *Leg {
	l := u.legs.get(r.toTag)
	if l == nil || l.callID != r.callID {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if tag, ok := l.m.RemoteTag(); !ok || tag != r.fromTag {
		return nil
	}
	return l
}

// replaced is the leg that an INVITE wants to replace, or why it must not (RFC
// 3891 section 3).
func (u *UA) replaced(req *gosip.Request) (*Leg, refusal) {
	values := slices.Collect(headers(req, "Replaces"))
	if len(values) == 0 {
		return nil, refusal{}
	}
	r, ok := parseReplaces(values[0].Value())
	if !ok || len(values) > 1 {
		return nil, badRequest("Bad Replaces")
	}
	l := u.legOfReplaces(r)
	switch {
	case l == nil:
		return nil, refusal{code: statusNoDialog}
	case l.ctx.Err() != nil:
		return nil, refusal{code: statusDecline}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.earlyOnly && l.m.Confirmed():
		return nil, refusal{code: statusBusy}
	case l.m.Early(): // of ours it may only be one that we began, and then the tag is not known yet
		return nil, refusal{code: statusNoDialog}
	}
	return l, refusal{}
}

// appendReplaces adds the header to an INVITE.
func appendReplaces(req *gosip.Request, value string) {
	if value == "" {
		return
	}
	req.AppendHeader(gosip.NewHeader("Replaces", oneLine(value)))
	req.AppendHeader(gosip.NewHeader("Require", "replaces"))
}
