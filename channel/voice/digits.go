package voice

import (
	"context"
	"errors"
	"strings"

	"filo/contact"
	"filo/media"
)

const (
	keypad  = "0123456789*#ABCD"
	maxKeys = 32 // in one command
	maxSent = 16 // commands whose keys wait: a key takes 180 ms
)

// press is what an agent presses, and to whom.
type press struct {
	ep   media.Endpoint
	keys string
}

// sendDigits plays an agent's keys to the far side of ep, in the background and
// in the order in which they were pressed.
func (k *call) sendDigits(ctx context.Context, ep media.Endpoint, keys string) error {
	if keys == "" || len(keys) > maxKeys || strings.Trim(keys, keypad) != "" {
		return contact.ErrBadCommand
	}
	if k.keys == nil {
		k.keys = make(chan press, maxSent)
		k.wg.Go(func() { k.pressKeys(ctx) })
	}
	select {
	case k.keys <- press{ep, keys}:
		k.noteAt(nil, noteKeysSent)
		return nil
	default:
		return contact.ErrBadCommand
	}
}

func (k *call) pressKeys(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-k.keys:
			if err := p.ep.SendDigits(ctx, p.keys); err != nil && ctx.Err() == nil && !errors.Is(err, media.ErrClosed) {
				k.log.Warn("send digits", "error", err)
			}
		}
	}
}

// pumpDigits joins the keys that come as RTP events and those that come as
// SIP INFO into one channel. The oldest go when nobody wants them.
func (k *call) pumpDigits(ctx context.Context) {
	for {
		var keys string
		select {
		case <-ctx.Done():
			return
		case d := <-k.ep.Digits():
			keys = string(d.Key)
		case keys = <-k.leg.Digits():
		}
		for _, key := range keys {
			k.noteAt(nil, noteKey) // not which: it may be of a card
			k.pressed(key)
		}
	}
}

// pressed never waits: the reader may have emptied a full channel meanwhile.
func (k *call) pressed(key rune) {
	for {
		select {
		case k.digits <- key:
			return
		default:
		}
		select {
		case <-k.digits:
		default:
		}
	}
}
