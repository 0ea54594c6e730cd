package sip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/number"
	"filo/sip/trunk"
)

const (
	// usualAnswer is how long a server may take for any answer at all, 100
	// included, while there is another one to try: four transmissions over UDP.
	usualAnswer = 4 * time.Second
	// maxRedirects bounds the 3xx that one call follows.
	maxRedirects = 2
	// maxContacts bounds the alternatives in one 3xx that are tried.
	maxContacts = 3
)

// Dialable says whether a trunk may dial the number: nil, ErrBadNumber,
// ErrNotAllowed or ErrNoTrunk. Whether one can at this moment is for Invite to
// find out.
func (u *UA) Dialable(number string) error {
	_, err := u.trunks.Load().table.Candidates(number, func(*trunk.Trunk) bool { return true }, func() float64 { return 0 })
	return err //nolint:wrapcheck // says it all
}

// Dials reports whether a trunk dials out.
func (u *UA) Dials() bool {
	return slices.ContainsFunc(u.trunks.Load().table.Trunks(), func(t *trunk.Trunk) bool { return len(t.Dial.Allow) > 0 })
}

// dial places a call to a telephone number by the trunks that may have it.
func (u *UA) dial(ctx context.Context, dialled string, o InviteOptions) (*Leg, error) {
	d := &dialling{UA: u, set: u.trunks.Load(), opts: o}
	d.opts.OnProvisional = func(code int, sdp []byte) {
		if len(sdp) > 0 {
			d.heard.Store(true)
		}
		if o.OnProvisional != nil {
			o.OnProvisional(code, sdp)
		}
	}
	return d.dial(ctx, dialled, 0)
}

// dialling is one call on its way out.
type dialling struct {
	*UA
	set   *trunkSet
	opts  InviteOptions
	heard atomic.Bool // the caller may hear the far side already: no other is tried
}

// dial tries the trunks that may dial the number, one after the other.
func (d *dialling) dial(ctx context.Context, dialled string, redirects int) (*Leg, error) {
	candidates, err := d.set.table.Candidates(dialled, d.set.up, rand.Float64)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	for i, c := range candidates {
		var leg *Leg
		leg, err = d.by(ctx, c, i == len(candidates)-1)
		if err == nil {
			return leg, nil
		}
		if classOf(err) == 3 {
			return d.redirected(ctx, err, redirects)
		}
		if !d.goesOn(ctx, err) {
			break
		}
		d.met.trunks.failovers.WithLabelValues(c.Name).Inc()
	}
	return nil, fmt.Errorf("dial: %w", err)
}

// goesOn tells whether another server or trunk may serve where this one did
// not: nobody was reached who could say no (RFC 3261 section 21.5: the server
// failed, not the request), and the caller has heard nothing yet.
func (d *dialling) goesOn(ctx context.Context, err error) bool {
	switch {
	case ctx.Err() != nil, d.heard.Load(), errors.Is(err, ErrStopped):
		return false
	case classOf(err) == 0: // no answer, no connection, no room on the trunk
		return true
	}
	return classOf(err) == 5 || StatusOf(err) == statusTimeout
}

// by dials by one trunk: its servers, one after the other, within its limits.
func (d *dialling) by(ctx context.Context, c trunk.Candidate, lastTrunk bool) (*Leg, error) {
	use := trunkUse{u: d.UA, trunk: c.Name, direction: directionOut, gate: &d.set.peers[c.Name].outbound}
	if err := use.enter(c.Limits.Outbound); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrunkBusy, err)
	}
	leg, err := d.at(ctx, c, lastTrunk)
	d.met.trunks.placed.WithLabelValues(c.Name, placedResult(err)).Inc()
	if err != nil {
		use.leave()
		return nil, err
	}
	context.AfterFunc(leg.ctx, use.leave)
	return leg, nil
}

func (d *dialling) at(ctx context.Context, c trunk.Candidate, lastTrunk bool) (*Leg, error) {
	servers, err := d.servers(ctx, c.Trunk)
	if err != nil {
		return nil, fmt.Errorf("trunk %s: %w", c.Name, err)
	}
	for i, s := range servers {
		var leg *Leg
		leg, err = d.attempt(ctx, c, s, lastTrunk && i == len(servers)-1)
		if err == nil {
			d.resolver.Served(s.at)
			return leg, nil
		}
		if !serverFailed(err) || !d.goesOn(ctx, err) {
			break
		}
		d.resolver.Failed(s.at)
	}
	return nil, fmt.Errorf("trunk %s: %w", c.Name, err)
}

// serverFailed tells whether the next server of the same peer is to be tried
// (RFC 3263 section 4.3).
func serverFailed(err error) bool {
	class := classOf(err)
	code := StatusOf(err)
	return class == 0 || code == statusTimeout || code == statusOverloaded
}

// attempt places the call at one server. Silence ends it early unless it is
// the last one.
func (d *dialling) attempt(ctx context.Context, c trunk.Candidate, s server, last bool) (*Leg, error) {
	h, err := d.trunkHop(c.Trunk, s.at)
	if err != nil {
		return nil, err
	}
	p := d.placing(c, s, h)
	if last {
		return d.invite(ctx, p)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(time.Duration(d.answerWithin.Load()), func() { cancel(errSilent) })
	defer silence.Stop()
	p.heard = sync.OnceFunc(func() { silence.Stop() })
	leg, err := d.invite(ctx, p)
	if errors.Is(err, errSilent) {
		return nil, fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return leg, err
}

// placing is the INVITE as the trunk wants it.
func (d *dialling) placing(c trunk.Candidate, s server, h hop) placing {
	id := c.Identity(d.opts.From, d.opts.FromName)
	uri := s.uri(c.User)
	p := placing{
		uri: uri, to: uri, hop: h, opts: d.opts.described(h), called: c.Number,
		from: d.ourURI(c.Trunk, id.User), fromName: escapeName(id.Name),
	}
	p.opts.Headers = d.headers(c.Trunk, id)
	if account := c.Account(); account.Password != "" {
		p.opts.User, p.opts.Password = account.User, account.Password
	}
	if id.Anonymous() {
		p.from, p.fromName = anonymous, "Anonymous"
	}
	return p
}

// anonymous is the caller who is not shown (RFC 3323 section 4.1.1.3).
var anonymous = gosip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}

// ourURI is our own address on the trunk: at the provider, if we have an
// account there.
func (u *UA) ourURI(t *trunk.Trunk, user string) gosip.Uri {
	host := u.cfg.Domain
	if r, ok := t.Registration(); ok {
		host = r.Domain
	}
	return gosip.Uri{Scheme: "sip", User: escapeUser(user), Host: host}
}

// headers are those of the call, of which none says who calls: the trunk does.
func (d *dialling) headers(t *trunk.Trunk, id trunk.Identity) map[string]string {
	out := maps.Clone(d.opts.Headers)
	maps.DeleteFunc(out, func(name, _ string) bool { return saysWho(name) })
	if id.Header == "" && !id.Anonymous() {
		return out
	}
	if out == nil {
		out = make(map[string]string)
	}
	if id.Asserted != "" {
		uri := d.ourURI(t, id.Asserted)
		out[id.Header] = "<" + uri.String() + ">"
	}
	if id.Anonymous() {
		out["Privacy"] = "id"
	}
	return out
}

// redirected follows a 3xx, as far as it leads to telephone numbers that may be
// dialled: to an address of the far side's choice nothing is sent.
func (d *dialling) redirected(ctx context.Context, refused error, redirects int) (*Leg, error) {
	var se *StatusError
	if !errors.As(refused, &se) || redirects >= maxRedirects {
		return nil, fmt.Errorf("dial: %w", refused)
	}
	err := error(se)
	for _, contact := range se.contacts[:min(len(se.contacts), maxContacts)] {
		to, bad := number.Parse(userOf(contact), "")
		if bad != nil {
			continue
		}
		leg, failed := d.dial(ctx, to.String(), redirects+1)
		if failed == nil {
			return leg, nil
		}
		if err = failed; !errors.Is(failed, ErrNotAllowed) && !d.goesOn(ctx, failed) {
			break
		}
	}
	return nil, fmt.Errorf("redirected: %w", err)
}

// redirection are the contacts of a 3xx.
func redirection(res *gosip.Response) []gosip.Uri {
	if res.StatusCode/100 != 3 {
		return nil
	}
	var out []gosip.Uri
	for _, h := range res.GetHeaders("Contact") {
		if c, ok := h.(*gosip.ContactHeader); ok && !c.Address.Wildcard {
			out = append(out, c.Address)
		}
	}
	return out
}
