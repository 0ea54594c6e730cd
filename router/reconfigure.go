package router

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"filo/contact"
	"filo/router/core"
)

// Reconfigure lets the router go on with other settings, and nobody lose a
// place: contacts that wait keep their age and order of arrival and are asked
// for anew by the new settings of their queues, offers and conversations go
// on. An invalid configuration changes nothing; nor does one that changes what
// needs a restart (errors wrap ErrRestart): the channels' weights, limits and
// interrupts, priority_step, rona_limit, refusal_pause and max_contacts. A queue
// that still has contacts cannot be removed. The journal stays as it is.
func (r *Router) Reconfigure(ctx context.Context, cfg Config) error {
	err := cfg.Validate()
	if err == nil {
		err = r.do(ctx, func(l *loop) error { return l.reconfigure(cfg) })
	}
	if err != nil {
		return fmt.Errorf("reconfigure router: %w", err)
	}
	return nil
}

func (l *loop) reconfigure(cfg Config) error {
	if err := errors.Join(l.fixed(cfg), l.removable(cfg)); err != nil {
		return err
	}
	l.r.cfg = cfg
	l.defineQueues(cfg)
	for _, a := range l.byHandle {
		if a.state == core.LoggedOut {
			continue
		}
		if err := l.enrol(a); err != nil {
			l.r.log.Error("agent not reconfigured", "agent_id", a.spec.ID, "error", err)
		}
	}
	for _, t := range l.tickets {
		if t == nil {
			continue
		}
		if err := l.refresh(t); err != nil {
			l.r.log.Error("contact not reconfigured", "contact_id", t.card.Contact, "error", err)
		}
	}
	return nil
}

// fixed returns what of the configuration cannot change while running.
func (l *loop) fixed(cfg Config) error {
	old := l.r.cfg
	var errs []error
	check := func(key string, was, is any) {
		if !reflect.DeepEqual(was, is) {
			errs = append(errs, fmt.Errorf("%s: %w", key, ErrRestart))
		}
	}
	check("rona_limit", old.RONALimit, cfg.RONALimit)
	check("refusal_pause", old.RefusalPause, cfg.RefusalPause)
	check("priority_step", old.PriorityStep, cfg.PriorityStep)
	check("max_contacts", old.MaxContacts, cfg.MaxContacts)
	check("channels", len(old.Channels), len(cfg.Channels))
	for _, name := range l.channels {
		a, b := old.Channels[name], cfg.Channels[name]
		key := "channels." + string(name)
		check(key+".weight", a.Weight, b.Weight)
		check(key+".limit", a.Limit, b.Limit)
		check(key+".interrupts", a.Interrupts, b.Interrupts)
	}
	rooms := len(l.rooms)
	for name := range cfg.Rooms {
		if _, ok := l.rooms[name]; !ok {
			rooms++
		}
	}
	if rooms > maxRooms {
		errs = append(errs, fmt.Errorf("rooms: %d since the start: %w", rooms, ErrRestart))
	}
	return errors.Join(errs...)
}

// removable returns an error for each queue that is to go and has contacts.
func (l *loop) removable(cfg Config) error {
	var errs []error
	for _, q := range l.queues {
		n := 0
		for _, k := range q.count {
			n += k
		}
		if _, ok := cfg.Queues[q.name]; !ok && n > 0 {
			errs = append(errs, fmt.Errorf("queues.%s: still has %d contacts: %w", q.name, n, contact.ErrBadCommand))
		}
	}
	return errors.Join(errs...)
}

// remaining is how long the contact is still held.
func (l *loop) remaining(v core.ContactView) int64 {
	if v.HeldTill == int64(core.Forever) {
		return v.HeldTill
	}
	return max(1, v.HeldTill-l.nanos(l.r.now()))
}

// refresh lets a contact ask for the same by the present settings.
func (l *loop) refresh(t *Ticket) error {
	v, tier := l.core.Contact(t.handle), t.tier
	cmd := l.ask(t, core.OpMove, &t.target)
	cmd.Dur = 0
	if v.Phase == core.PhaseWaiting && v.Tier == 0 {
		cmd.Tier = 0 // it lost its agent, and still goes first
	}
	if v.Held {
		cmd.Dur = l.remaining(v)
	}
	if cmd.Type == v.Type && cmd.Plan == v.Plan && cmd.Priority == v.Priority && t.tier == tier {
		return nil
	}
	return l.apply(cmd)
}
