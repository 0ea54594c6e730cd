package voice

import (
	"context"
	"fmt"
	"sync"

	"filo/contact"
)

// command is an agent's wish on its way to the goroutine that owns the call.
type command struct {
	contact.CallCommand
	second *party       // of Consult by a phone: the agent's second leg
	done   chan<- error // buffered
}

// inbox takes the commands for one call while it waits or talks.
type inbox struct {
	commands chan command
	over     chan struct{} // closed when nobody reads any more
}

// inboxes finds the calls that take commands.
type inboxes struct {
	mu sync.Mutex
	m  map[contact.ID]inbox
	at map[contact.AgentID]contact.ID // the call that an agent's phone is on
}

// onCall notes that the agent's phone is on a call, until the returned
// function.
func (b *inboxes) onCall(agent contact.AgentID, id contact.ID) (over func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == nil {
		b.at = map[contact.AgentID]contact.ID{}
	}
	b.at[agent] = id
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.at[agent] == id {
			delete(b.at, agent)
		}
	}
}

// callOf is the call that the agent's phone is on.
func (b *inboxes) callOf(agent contact.AgentID) (contact.ID, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := b.at[agent]
	return id, ok
}

// open makes the inbox of a call; shut answers whoever still writes to it.
func (b *inboxes) open(id contact.ID) (commands <-chan command, shut func()) {
	in := inbox{commands: make(chan command), over: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.m[id] = in
	return in.commands, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.m, id)
		close(in.over)
	}
}

// share lets the commands for another contact come into the same inbox: a
// consultation is part of its call. There must be one.
func (b *inboxes) share(id, with contact.ID) (shut func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.m[with] = b.m[id]
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.m, with)
	}
}

func (b *inboxes) get(id contact.ID) (inbox, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in, ok := b.m[id]
	return in, ok
}

// Command passes an agent's wish to the goroutine that owns the call and
// returns what it said: contact.ErrNoContact, ErrNotYours, ErrBadCommand or nil.
func (c *Conductor) Command(ctx context.Context, id contact.ID, cmd contact.CallCommand) error {
	if err := c.send(ctx, id, command{CallCommand: cmd}); err != nil {
		return fmt.Errorf("%s call %s: %w", cmd.Verb, id, err)
	}
	return nil
}

func (c *Conductor) send(ctx context.Context, id contact.ID, cmd command) error {
	in, ok := c.inboxes.get(id)
	if !ok {
		return contact.ErrNoContact
	}
	done := make(chan error, 1)
	cmd.done = done
	select {
	case in.commands <- cmd:
	case <-in.over:
		return contact.ErrNoContact
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-done:
		return err
	case <-in.over:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select { // the answer may have come before the end
	case err := <-done:
		return err
	default:
		return contact.ErrNoContact
	}
}
