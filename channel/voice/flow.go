package voice

import (
	"context"

	"filo/contact"
	"filo/ivr"
)

// plan decides between the skip, the question and the menu.
func (k *call) plan(ctx context.Context) (t contact.Target, ok bool) {
	d := k.context.Decision
	if k.number.Skip != nil && !*k.number.Skip {
		return k.menu(ctx)
	}
	switch d.Action {
	case contact.Skip:
		k.skipped, k.rule = true, d.Rule
		k.note(noteSkipped, d.Rule)
		return d.Target, true
	case contact.Ask:
		choice, err := ivr.Ask(ctx, k.port(), d.Choices, k.lang())
		if err != nil { // only the end of ctx
			return t, false
		}
		if choice != nil {
			k.rule = choice.Rule
			k.typed = append(k.typed, "reason="+choice.Reason)
			return choice.Target, true
		}
	case contact.Menu:
	}
	return k.menu(ctx)
}

// menu runs the flow of the called number. ok is false when the call is over:
// the flow or the caller said goodbye.
// A flow that breaks, or whose transfer fails, leaves the caller to the
// fallback queue.
func (k *call) menu(ctx context.Context) (t contact.Target, ok bool) {
	k.skipped, k.rule, k.result = false, "", contact.InFlowEnd
	name := k.flow()
	k.note(noteMenu, name)
	info := k.leg.Info()
	out, err := ivr.Run(ctx, k.c.deps.Flows[name], k.port(), ivr.Env{
		Caller: ivr.Caller{
			Number: k.peer, Name: info.FromName, Called: info.Called, Trunk: info.Trunk,
			Attestation: info.Attestation, Withheld: info.Withheld,
		},
		Context: k.context, Now: k.c.now(), Lang: k.lang(),
	})
	k.typed = append(k.typed, out.Digits...)
	for _, e := range out.Unplayed {
		k.log.Warn("prompt not played", "error", e)
	}
	switch {
	case ctx.Err() != nil:
		return t, false
	case err != nil:
		k.log.Error("flow failed", "flow", name, "error", err)
		return k.fallback(ctx)
	case out.Kind == ivr.Enqueue:
		return out.Target, true
	case out.Kind == ivr.Transfer:
		return k.transfer(ctx, out.TransferTo)
	}
	return t, false
}

// flow is what runs for the called number.
func (k *call) flow() string {
	if k.number.Flow != "" {
		return k.number.Flow
	}
	return k.c.cfg.DefaultFlow
}

// fallback is where a caller goes whom nothing else would serve: the first
// queue by name, with no requirements but the queue's own. A wrong desk is
// better than a dead line.
func (k *call) fallback(ctx context.Context) (t contact.Target, ok bool) {
	snap, err := k.c.deps.Router.Snapshot(ctx)
	if err != nil || len(snap.Queues) == 0 {
		k.log.Error("no queue to fall back to", "error", err)
		k.result = contact.Failed
		return t, false
	}
	return contact.Target{Queue: snap.Queues[0].Name, Lang: k.lang()}, true
}

// lang is the customer's language, else that of the called number; the flow
// may choose another.
func (k *call) lang() string {
	if k.context.Lang != "" {
		return k.context.Lang
	}
	return k.number.Lang
}
