package robot

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"filo/media"
	"filo/sip"
)

// PhoneConfig says how an agent with a SIP phone behaves.
type PhoneConfig struct {
	Server    string // registrar's host:port
	Transport string // "udp" (default) or "tcp"
	User      string
	Password  string
	Delay     time.Duration                   // before answering
	Refuse    int                             // answer INVITEs with this code instead, 0 for none
	Ignore    bool                            // ring for ever
	Say       media.Prompt                    // what the agent says, over and over; the zero Prompt is silence
	Once      bool                            // say it once, and be silent then
	Talk      time.Duration                   // hang up after it; 0 leaves that to the caller
	Farewell  map[string]string               // headers of the BYE
	Ringing   func(from string, at time.Time) // an INVITE arrived; may be nil
	Ended     func(PhoneCall)                 // an answered call is over; may be nil
}

// PhoneCall is one call that reached a phone.
type PhoneCall struct {
	From     string
	Called   string
	Headers  map[string]string
	Received time.Time // INVITE's bytes arrived
	Answered time.Time
	Stats    media.Stats       // at the end
	Last     map[string]string // headers of the last message that had any: INVITE or BYE
}

// Phone is a registered agent's phone.
type Phone struct {
	cfg  PhoneConfig
	kit  *Kit
	stop func(context.Context) error

	mu      sync.Mutex
	meter   *media.Meter
	hangup  context.CancelFunc // of the call in progress; nil without one
	keys    <-chan media.Digit
	rings   int
	cancels int
}

// Phone registers an agent's phone and lets it answer calls until Unregister.
func (k *Kit) Phone(ctx context.Context, cfg PhoneConfig) (*Phone, error) {
	p := &Phone{cfg: cfg, kit: k}
	k.mu.Lock()
	k.phones[cfg.User] = p
	k.mu.Unlock()
	stop, err := k.UA.Register(ctx, sip.Registration{
		Registrar: cfg.Server, Transport: cfg.Transport, Domain: k.Domain,
		User: cfg.User, Password: cfg.Password, Expires: 10 * time.Minute,
	})
	if err != nil {
		k.mu.Lock()
		delete(k.phones, cfg.User)
		k.mu.Unlock()
		return nil, fmt.Errorf("register phone %s: %w", cfg.User, err)
	}
	p.stop = stop
	return p, nil
}

// Number lets a phone outside answer calls to a number at Address, without
// registration, until the Kit is closed.
func (k *Kit) Number(number string, cfg PhoneConfig) *Phone {
	p := &Phone{cfg: cfg, kit: k}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.phones[number] = p
	return p
}

// Address is the host:port at which the robots take calls over UDP.
func (k *Kit) Address() string { return k.UA.Addr("udp") }

// Unregister removes the phone's binding.
func (p *Phone) Unregister(ctx context.Context) error {
	p.kit.mu.Lock()
	delete(p.kit.phones, p.cfg.User)
	p.kit.mu.Unlock()
	return p.stop(ctx)
}

// Meter listens to the call in progress; nil without one.
func (p *Phone) Meter() *media.Meter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meter
}

// Digits are the keys that the call in progress hears; nil without one.
func (p *Phone) Digits() <-chan media.Digit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys
}

// Hangup ends the call in progress, if there is one.
func (p *Phone) Hangup() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hangup != nil {
		p.hangup()
	}
}

// Rings is how many INVITEs the phone has had.
func (p *Phone) Rings() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rings
}

// Cancels is how many INVITEs the server took back while the phone rang.
func (p *Phone) Cancels() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cancels
}

var errRefused = errors.New("phone refuses")

func (p *Phone) serve(ctx context.Context, leg *sip.Leg) {
	p.mu.Lock()
	p.rings++
	p.mu.Unlock()
	info := leg.Info()
	if p.cfg.Ringing != nil {
		p.cfg.Ringing(info.From, info.Received)
	}
	call := PhoneCall{From: info.From, Called: info.Called, Headers: info.Headers, Received: info.Received}
	ep, err := p.answer(ctx, leg)
	if err != nil {
		if errors.Is(context.Cause(ctx), sip.ErrCancelled) {
			p.mu.Lock()
			p.cancels++
			p.mu.Unlock()
		}
		if !errors.Is(err, errRefused) && ctx.Err() == nil {
			p.kit.log.Warn("phone did not answer", "error", err)
		}
		return
	}
	call.Answered = time.Now()
	tctx, stop := context.WithCancel(ctx)
	defer stop()
	p.talks(ep, stop)
	if p.cfg.Talk > 0 {
		tctx, stop = context.WithTimeout(tctx, p.cfg.Talk)
		defer stop()
	}
	if p.cfg.Once {
		_ = ep.Play(tctx, p.cfg.Say) // ends with tctx or with the endpoint
	} else {
		say(tctx, ep, p.cfg.Say)
	}
	<-tctx.Done()
	call.Stats = ep.Stats()
	p.setMeter(nil)
	hctx := context.WithoutCancel(ctx)
	call.Last = leg.Headers()
	if err := errors.Join(leg.Hangup(hctx, sip.Hangup{Headers: p.cfg.Farewell}), ep.Close()); err != nil {
		p.kit.log.Debug("phone hangs up", "error", err)
	}
	if p.cfg.Ended != nil {
		p.cfg.Ended(call)
	}
}

func (p *Phone) answer(ctx context.Context, leg *sip.Leg) (media.Endpoint, error) {
	if p.cfg.Refuse != 0 {
		return nil, errors.Join(errRefused, leg.Reject(ctx, p.cfg.Refuse, ""))
	}
	if p.cfg.Ignore || p.cfg.Delay > 0 {
		if err := leg.Ring(ctx); err != nil {
			return nil, fmt.Errorf("ring: %w", err)
		}
		var pickUp <-chan time.Time
		if !p.cfg.Ignore {
			pickUp = time.After(p.cfg.Delay)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-pickUp:
		}
	}
	ep, sdp, err := p.kit.Media.Answer(ctx, leg.Offer(), media.Options{Label: "phone", Source: sourceOf(leg)})
	if err != nil {
		return nil, fmt.Errorf("phone's media: %w", err)
	}
	leg.OnReoffer(ep.Reoffer)
	p.setMeter(p.kit.Media.Meter(ep))
	if err := leg.Answer(ctx, sdp); err != nil {
		p.setMeter(nil)
		return nil, errors.Join(fmt.Errorf("answer: %w", err), ep.Close())
	}
	return ep, nil
}

// talks makes the call one that Hangup ends.
func (p *Phone) talks(ep media.Endpoint, hangup context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangup, p.keys = hangup, ep.Digits()
}

func (p *Phone) setMeter(m *media.Meter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meter = m
}

// sourceOf is the host that the call came from, also behind a NAT.
func sourceOf(leg *sip.Leg) netip.Addr {
	ap, err := netip.ParseAddrPort(leg.Info().Source)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}
