package desk

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"filo/contact"
	"filo/router"
)

// Agents who work on a SIP phone alone, without a desk, are signed in by the
// program itself (User.ReadyAtStart).

// startPhones signs them in.
func (d *Desk) startPhones(ctx context.Context) {
	for _, name := range d.users.names {
		u := d.users.byName[name]
		if !u.ReadyAtStart {
			continue
		}
		if err := d.startPhone(ctx, u.agent()); err != nil && ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelError, "agent cannot be signed in at start",
				slog.String("agent_id", u.User), slog.String("error", err.Error()))
		}
	}
}

func (d *Desk) startPhone(ctx context.Context, a router.Agent) error {
	if err := d.deps.Router.SignIn(ctx, a); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return d.reachPhone(ctx, a.ID, true)
}

// reachPhone tells the router whether the phone can be reached. A phone that
// has just come, or come back, is ready: there is no desk to say so, and after
// calls that nobody answered this is how its agent returns to work.
func (d *Desk) reachPhone(ctx context.Context, id contact.AgentID, ready bool) error {
	if err := d.deps.Router.SetReachable(ctx, id, contact.Voice, d.lineUp(id)); err != nil {
		return fmt.Errorf("set reachable: %w", err)
	}
	if !ready {
		return nil
	}
	if err := d.deps.Router.SetReady(ctx, id, true, ""); err != nil {
		return fmt.Errorf("set ready: %w", err)
	}
	return nil
}

// phoneChanged notes that the line of an agent without a seat changed, for Run.
func (d *Desk) phoneChanged(id contact.AgentID) {
	if u, ok := d.users.Get(string(id)); !ok || !u.ReadyAtStart {
		return // whoever signs in later is asked for then
	}
	d.mu.Lock()
	d.rung[id] = true
	d.mu.Unlock()
	select {
	case d.nudged <- struct{}{}:
	default:
	}
}

// reachPhones takes what phoneChanged noted.
func (d *Desk) reachPhones(ctx context.Context) {
	d.mu.Lock()
	changed := slices.Sorted(maps.Keys(d.rung))
	clear(d.rung)
	d.mu.Unlock()
	for _, id := range changed {
		if d.seatOf(id) != nil {
			continue // it asked when it signed in
		}
		if err := d.reachPhone(ctx, id, d.lineUp(id)); err != nil && ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelWarn, "agent's line is not known to the router",
				slog.String("agent_id", string(id)), slog.String("error", err.Error()))
		}
	}
}
