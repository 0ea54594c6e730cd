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
	done chan<- error // buffered
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
	if err := c.command(ctx, id, cmd); err != nil {
		return fmt.Errorf("%s call %s: %w", cmd.Verb, id, err)
	}
	return nil
}

func (c *Conductor) command(ctx context.Context, id contact.ID, cmd contact.CallCommand) error {
	in, ok := c.inboxes.get(id)
	if !ok {
		return contact.ErrNoContact
	}
	done := make(chan error, 1)
	select {
	case in.commands <- command{CallCommand: cmd, done: done}:
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
