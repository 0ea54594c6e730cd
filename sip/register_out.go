package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
)

// Registration is what a phone tells its registrar.
type Registration struct {
	Registrar string // host:port, or the connection that ConnectWS returned
	Transport string // "UDP" (default), "TCP" or "WS"
	Domain    string // "": our own
	User      string
	Password  string
	Expires   time.Duration // asked for; 0: 5 minutes
	Instance  string        // +sip.instance, e.g. "<urn:uuid:...>"; may be ""
}

// registration is a phone's registration while it lasts.
type registration struct {
	Registration
	u      *UA
	d      dialog // Call-ID, tag and number stay the same over all refreshes
	life   time.Duration
	cancel context.CancelFunc
	done   chan struct{}
}

// Register registers a user as a phone does, and keeps the registration alive
// until stop, which removes it at the registrar.
func (u *UA) Register(ctx context.Context, r Registration) (stop func(context.Context) error, err error) {
	if !u.enter() {
		return nil, ErrNotServing
	}
	defer u.leave()
	if r.Domain == "" {
		r.Domain = u.cfg.Domain
	}
	if r.Expires <= 0 {
		r.Expires = 5 * time.Minute
	}
	uri := "sip:" + r.Domain
	_, h, err := u.resolve(Target{URI: uri, Destination: r.Registrar, Transport: r.Transport})
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	aor := gosip.Uri{Scheme: "sip", User: escapeUser(r.User), Host: r.Domain}
	reg := &registration{Registration: r, u: u, done: make(chan struct{}), d: dialog{
		callID: newToken(), localTag: newToken(), local: aor, remote: aor,
		remoteTarget: gosip.Uri{Scheme: "sip", Host: r.Domain}, contact: u.contactURI(r.User, h), hop: h,
	}}
	if reg.life, err = reg.send(ctx, r.Expires); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	life, cancel := context.WithCancel(u.life)
	reg.cancel = cancel
	u.wg.Go(func() { reg.refresh(life) })
	return reg.stop, nil
}

// refresh repeats the registration before it expires.
func (r *registration) refresh(ctx context.Context) {
	defer close(r.done)
	wait := refreshAfter(r.life)
	for {
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		case <-r.u.stopping:
			t.Stop()
			return
		}
		sctx, cancel := context.WithTimeout(ctx, transaction.TimeoutAfter)
		life, err := r.send(sctx, r.Expires)
		cancel()
		if err != nil {
			if errors.Is(err, ErrFlowGone) {
				return // there is no way back to that registrar
			}
			r.u.log.Debug("registration not refreshed", "err", err)
			wait = 2 * time.Second
			continue
		}
		wait = refreshAfter(life)
	}
}

func refreshAfter(life time.Duration) time.Duration {
	return max(time.Second, life*8/10)
}

func (r *registration) stop(ctx context.Context) error {
	r.cancel()
	<-r.done
	if !r.u.enter() {
		return ErrNotServing
	}
	defer r.u.leave()
	if _, err := r.send(ctx, 0); err != nil {
		return fmt.Errorf("unregister: %w", err)
	}
	return nil
}

// send does one REGISTER, with digest when challenged, and returns for how long
// it was granted.
func (r *registration) send(ctx context.Context, expires time.Duration) (time.Duration, error) {
	if r.d.hop = r.u.refreshed(r.d.hop); !r.d.hop.flow.Alive() {
		return 0, ErrFlowGone
	}
	res, err := r.u.roundTrip(ctx, r.d.hop, r.request(expires, "", ""))
	if err != nil {
		return 0, err
	}
	if (res.StatusCode == statusUnauthorized || res.StatusCode == 407) && r.Password != "" {
		name, value, err := answerChallenge(res, string(gosip.REGISTER), r.d.remoteTarget.String(), r.User, r.Password)
		if err != nil {
			return 0, err
		}
		if res, err = r.u.roundTrip(ctx, r.d.hop, r.request(expires, name, value)); err != nil {
			return 0, err
		}
	}
	if !res.IsSuccess() {
		return 0, &StatusError{Code: res.StatusCode, Reason: oneLine(res.Reason)}
	}
	return r.granted(res, expires), nil
}

func (r *registration) request(expires time.Duration, name, value string) *gosip.Request {
	r.d.localSeq++
	req := r.d.request(r.u, gosip.REGISTER, r.d.localSeq)
	c := &gosip.ContactHeader{Address: r.d.contact}
	if r.Instance != "" {
		c.Params.Add("+sip.instance", `"`+oneLine(r.Instance)+`"`)
	}
	c.Params.Add("expires", strconv.Itoa(int(expires.Seconds())))
	req.AppendHeader(c)
	if name != "" {
		req.AppendHeader(gosip.NewHeader(name, value))
	}
	return req
}

// granted is the time that the registrar gave to our contact.
func (r *registration) granted(res *gosip.Response, asked time.Duration) time.Duration {
	for _, h := range res.GetHeaders("contact") {
		c, ok := h.(*gosip.ContactHeader)
		if !ok || !strings.EqualFold(c.Address.User, r.d.contact.User) || c.Address.Host != r.d.contact.Host {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				return time.Duration(n) * time.Second
			}
		}
	}
	return asked
}
