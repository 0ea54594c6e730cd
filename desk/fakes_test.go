package desk

import (
	"context"
	"sync"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/router"
)

// fakeThread is a journey of one customer whose name is the canary.
type fakeThread struct {
	mu       sync.Mutex
	fail     error
	views    int
	verified map[contact.ID]bool
	marked   []string
	subs     []chan journey.Event
	contents map[string]journey.Content
	step     int // of the form
	reply    journey.Event
}

func newFakeThread() *fakeThread {
	return &fakeThread{verified: map[contact.ID]bool{}, contents: map[string]journey.Content{}, step: 3}
}

func (f *fakeThread) View(ctx context.Context, req journey.ViewRequest) (journey.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.views++
	if f.fail != nil {
		return journey.View{}, f.fail
	}
	tier := req.Context.Tier
	v := journey.View{
		Tier: tier.String(), Earlier: 2, LastWeb: &journey.WebStep{Form: "checkout", StepNo: f.step},
		Headline: journey.Headline{Reason: "abandoned-checkout", StepNo: f.step},
	}
	e := journey.ThreadEvent{ID: "e_1", At: time.Unix(1000, 0).UTC(), Channel: contact.Email, Dir: contact.Inbound, Kind: journey.KindMessage}
	if req.Before != "" {
		e.ID = "e_0"
		v.Earlier = 1
	}
	if tier >= contact.D2 {
		v.Name, v.Headline.Who = canary, canary
		e.Title, e.Text, e.Body = "Consegna?", canary+" writes", "b_"+e.ID
	} else {
		v.Closed, e.Closed = []string{"name", "bodies"}, true
	}
	v.Events = []journey.ThreadEvent{e}
	if f.reply.ID != "" {
		v.Events = append(v.Events, journey.ThreadEvent{ID: f.reply.ID, At: time.Unix(2000, 0).UTC(), Text: f.reply.Summary})
	}
	return v, ctx.Err()
}

func (f *fakeThread) ContentFor(_ context.Context, _ journey.ViewRequest, ref string) (journey.Content, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.contents[ref]
	if !ok {
		return journey.Content{}, journey.ErrUnknown
	}
	return c, nil
}

func (f *fakeThread) Subscribe(contact.CustomerID) (<-chan journey.Event, func()) {
	ch := make(chan journey.Event, 16)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs = append(f.subs, ch)
	return ch, func() {}
}

// happen tells every subscriber of an event.
func (f *fakeThread) happen(e journey.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ch := range f.subs {
		ch <- e
	}
}

func (f *fakeThread) Show(e journey.Event, tier contact.Tier) (journey.ThreadEvent, bool) {
	te := journey.ThreadEvent{ID: e.ID, At: e.OccurredAt, Channel: e.Channel, Kind: e.Kind, Closed: tier < contact.D2}
	if tier >= contact.D2 {
		te.Text = e.Summary
	}
	return te, e.Kind != "hidden"
}

func (f *fakeThread) Verify(_ context.Context, id contact.ID, _ contact.CustomerID, _ contact.AgentID, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verified[id] = true
	return nil
}

func (f *fakeThread) MarkAnswered(_ context.Context, events []string, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.marked = append(f.marked, events...)
	return nil
}

// set changes the fake under its lock.
func (f *fakeThread) set(change func(*fakeThread)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// fakeWork is the conductors of calls and messages, and the lines.
type fakeWork struct {
	mu       sync.Mutex
	commands []contact.CallCommand
	notes    []contact.WrapUpNote
	replies  []contact.Reply
	up       map[contact.AgentID]bool
	dropped  []contact.AgentID
	released []contact.AgentID
	dials    bool
	refuse   error // of every command
	onReply  func(contact.Reply) (string, error)
	onClose  func(contact.WrapUpNote) error
}

func (f *fakeWork) Command(_ context.Context, _ contact.ID, cmd contact.CallCommand) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commands = append(f.commands, cmd)
	return f.refuse
}

func (f *fakeWork) Dials() bool   { return f.dials }
func (f *fakeWork) Records() bool { return f.dials }

func (f *fakeWork) WrapUp(_ context.Context, _ *contact.Card, n contact.WrapUpNote) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, n)
	return nil
}

func (f *fakeWork) Reply(_ context.Context, r contact.Reply) (string, error) {
	f.mu.Lock()
	on := f.onReply
	f.replies = append(f.replies, r)
	f.mu.Unlock()
	if on != nil {
		return on(r)
	}
	return "e_reply", nil
}

func (f *fakeWork) Close(_ context.Context, n contact.WrapUpNote) error {
	f.mu.Lock()
	on := f.onClose
	f.notes = append(f.notes, n)
	f.mu.Unlock()
	if on != nil {
		return on(n)
	}
	return nil
}

func (f *fakeWork) Release(_ context.Context, id contact.AgentID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.released = append(f.released, id)
	return nil
}

func (f *fakeWork) Answered(context.Context, []string) error { return nil }

func (f *fakeWork) LineUp(id contact.AgentID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.up[id]
}

func (f *fakeWork) line(id contact.AgentID, up bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up[id] = up
}

// cutRouter is the real router whose watchers can be made to fall behind.
type cutRouter struct {
	*router.Router

	mu   sync.Mutex
	out  chan router.AgentEvent
	stop chan struct{}
	wg   sync.WaitGroup
	gate chan struct{} // closed: Watch may go on
}

func (c *cutRouter) Watch(id contact.AgentID) (<-chan router.AgentEvent, func()) {
	c.mu.Lock()
	gate := c.gate
	c.mu.Unlock()
	if gate != nil {
		<-gate
	}
	in, cancel := c.Router.Watch(id)
	out, stop := make(chan router.AgentEvent, 64), make(chan struct{})
	c.mu.Lock()
	c.out, c.stop = out, stop
	c.mu.Unlock()
	c.wg.Go(func() {
		defer cancel()
		defer close(out)
		for {
			select {
			case e, ok := <-in:
				if !ok {
					return
				}
				out <- e
			case <-stop:
				return
			}
		}
	})
	return out, sync.OnceFunc(func() { cancel() })
}

// cut ends the present watch; the next one waits for the returned function.
func (c *cutRouter) cut() (resume func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gate := make(chan struct{})
	c.gate = gate
	close(c.stop)
	return func() { close(gate) }
}
