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
	d      series // Call-ID, tag and number stay the same over all refreshes
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
	reg := u.newRegistration(r, h)
	if reg.life, err = reg.send(ctx, r.Expires); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	life, cancel := context.WithCancel(u.life)
	reg.cancel = cancel
	u.wg.Go(func() { reg.refresh(life) })
	return reg.stop, nil
}

// newRegistration makes a registration that was not sent yet.
func (u *UA) newRegistration(r Registration, h hop) *registration {
	aor := gosip.Uri{Scheme: "sip", User: escapeUser(r.User), Host: r.Domain}
	return &registration{Registration: r, u: u, done: make(chan struct{}), d: series{
		callID: newToken(), localTag: newToken(), local: aor, remote: aor,
		remoteTarget: gosip.Uri{Scheme: "sip", Host: r.Domain}, contact: u.contactURI(r.User, h), hop: h,
	}}
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
	name, value := "", "" // of the header that answers a challenge
	for range maxRegisterTries {
		res, err := r.u.roundTrip(ctx, r.d.hop, r.request(expires, name, value))
		if err != nil {
			return 0, err
		}
		least, brief := tooBrief(res)
		switch {
		case res.IsSuccess():
			return r.granted(res, expires), nil
		case brief && least > expires: // RFC 3261 section 10.2.8
			expires = least
		case challenged(res, name != "") && r.Password != "":
			if name, value, err = answerChallenge(res, string(gosip.REGISTER), r.d.remoteTarget.String(), r.User, r.Password); err != nil {
				return 0, err
			}
		default:
			return 0, &StatusError{Code: res.StatusCode, Reason: oneLine(res.Reason)}
		}
	}
	return 0, &StatusError{Code: statusForbidden, Reason: "asked again and again"}
}

// maxRegisterTries bounds a REGISTER that is challenged, found too brief and
// challenged anew.
const maxRegisterTries = 4

// challenged tells whether a response asks for a password that was not given,
// or for a newer nonce (RFC 7616 section 3.3: stale).
func challenged(res *gosip.Response, given bool) bool {
	if res.StatusCode != statusUnauthorized && res.StatusCode != statusProxyAuth {
		return false
	}
	if !given {
		return true
	}
	for _, h := range append(res.GetHeaders("WWW-Authenticate"), res.GetHeaders("Proxy-Authenticate")...) {
		if strings.Contains(strings.ToLower(h.Value()), "stale=true") {
			return true
		}
	}
	return false
}

// tooBrief is the least time that a registrar grants which refused ours.
func tooBrief(res *gosip.Response) (least time.Duration, brief bool) {
	h := res.GetHeader("Min-Expires")
	if res.StatusCode != statusIntervalTooBrief || h == nil {
		return 0, false
	}
	least = seconds(h.Value(), 0)
	return least, least > 0
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

// granted is the time that the registrar gave to our contact: its parameter,
// else the header, else what we asked for (RFC 3261 section 10.2.4).
func (r *registration) granted(res *gosip.Response, asked time.Duration) time.Duration {
	for _, h := range res.GetHeaders("contact") {
		c, ok := h.(*gosip.ContactHeader)
		if !ok || !strings.EqualFold(c.Address.User, r.d.contact.User) || c.Address.Host != r.d.contact.Host {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			return seconds(v, asked)
		}
	}
	if h := res.GetHeader("Expires"); h != nil {
		return seconds(h.Value(), asked)
	}
	return asked
}

// seconds reads a number of seconds, 1 to a day; otherwise is for any other text.
func seconds(text string, otherwise time.Duration) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > 86_400 {
		return otherwise
	}
	return time.Duration(n) * time.Second
}
