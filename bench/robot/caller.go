package robot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"filo/media"
	"filo/sip"
)

// Dial says how a caller robot calls.
type Dial struct {
	Server    string // host:port of the server's SIP listener
	Transport string // "udp" (default) or "tcp"
	From      string // calling number
	FromName  string
	To        string // called number
	Headers   map[string]string
	Say       media.Prompt      // what the caller says, over and over; the zero Prompt is silence
	Farewell  map[string]string // headers of the BYE
	Via       string            // flow of ConnectWS, for callers over WebSocket; then WebRTC is offered
	// Early, if not nil, gets the call when it is first heard before it is
	// answered (183); Call goes on to wait for the answer.
	Early chan<- *Call
}

// Call is one call of a caller robot.
type Call struct {
	Sent     time.Time // INVITE handed to the stack
	Answered time.Time
	Meter    *media.Meter
	leg      *sip.Leg
	ep       media.Endpoint
	stop     context.CancelFunc
	talking  chan struct{}
	farewell map[string]string
}

// Call places a call and returns when it was answered. A refusal is a
// *sip.StatusError.
func (k *Kit) Call(ctx context.Context, d Dial) (*Call, error) {
	kind, transport, dest := media.RTP, d.Transport, d.Server
	if d.Via != "" {
		kind, transport, dest = media.WebRTC, "WS", d.Via
	}
	ep, offer, err := k.Media.Offer(ctx, media.Options{Label: "caller"}, kind)
	if err != nil {
		return nil, fmt.Errorf("caller's media: %w", err)
	}
	tctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Call{ep: ep, Meter: k.Media.Meter(ep), Sent: time.Now(), stop: stop, talking: make(chan struct{}), farewell: d.Farewell}
	talk := sync.OnceFunc(func() {
		k.wg.Go(func() {
			defer close(c.talking)
			say(tctx, ep, d.Say)
		})
	})
	c.leg, err = k.UA.Invite(ctx, sip.Target{
		URI: "sip:" + d.To + "@" + k.Domain, Destination: dest, Transport: transport,
	}, sip.InviteOptions{
		From: d.From, FromName: d.FromName, SDP: offer, Headers: d.Headers,
		OnProvisional: func(_ int, sdp []byte) {
			if d.Early != nil && len(sdp) > 0 && ep.Accept(sdp) == nil {
				talk()
				select {
				case d.Early <- c:
				default: // it has the call already
				}
			}
		},
	})
	if err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("call: %w", err), ep.Close())
	}
	c.Answered = time.Now()
	c.leg.OnReoffer(ep.Reoffer)
	if err := ep.Accept(c.leg.RemoteSDP()); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("caller takes answer: %w", err), c.leg.Hangup(ctx, sip.Hangup{}), ep.Close())
	}
	talk()
	return c, nil
}

// Tone is what a robot says that only has to be heard.
func Tone(hz float64) media.Prompt { return media.Tone(hz, time.Second) }

// say repeats p until ctx ends.
func say(ctx context.Context, ep media.Endpoint, p media.Prompt) {
	if p.Duration() > 0 {
		_ = ep.Play(ctx, p.Looped()) // ends with ctx or with the endpoint
	}
}

// SendDigits presses keys; what the caller says pauses meanwhile.
func (c *Call) SendDigits(ctx context.Context, keys string) error {
	return c.ep.SendDigits(ctx, keys)
}

// hearEvery is how often Hear listens.
const hearEvery = 50 * time.Millisecond

// audible is the loudness above which there is more than noise on the line.
const audible = 200

// Hear waits until anything audible comes: a prompt, music, a voice.
func (c *Call) Hear(ctx context.Context) error {
	tick := time.NewTicker(hearEvery)
	defer tick.Stop()
	for {
		if c.Meter.RMS() > audible {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nothing heard: %w", context.Cause(ctx))
		case <-c.leg.Done():
			return fmt.Errorf("nothing heard: %w", c.leg.Cause())
		case <-tick.C:
		}
	}
}

// Digits are the keys that the call hears.
func (c *Call) Digits() <-chan media.Digit { return c.ep.Digits() }

// Done is closed when the far side has ended the call.
func (c *Call) Done() <-chan struct{} { return c.leg.Done() }

// Last are the context headers of the last message of the far side that had
// any: its BYE, once it is Done.
func (c *Call) Last() map[string]string { return c.leg.Headers() }

// Stats are the media counters.
func (c *Call) Stats() media.Stats { return c.ep.Stats() }

// Hangup ends the call and frees its port.
func (c *Call) Hangup(ctx context.Context) error {
	c.stop()
	<-c.talking
	return errors.Join(c.leg.Hangup(ctx, sip.Hangup{Headers: c.farewell}), c.ep.Close())
}
