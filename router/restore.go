package router

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"filo/contact"
	"filo/router/core"
	"filo/router/journal"
)

// restored is what a restart has found; it does not change after New.
type restored struct {
	orphans []contact.ID
	lost    []Lost
}

// Lost is a voice contact that ended with the process, as
// [contact.LostRestart]: its legs died.
type Lost struct {
	Contact    contact.ID
	Queue      string
	Peer       string
	Agent      contact.AgentID // who talked, "" if it waited
	EnqueuedAt time.Time
	At         time.Time // the last that is known of the router before
}

// Orphans are the contacts that wait, with their place, since before the
// restart. Place lets their owner have them again; see Reconciled.
func (r *Router) Orphans() []contact.ID { return r.past.orphans }

// Lost are the calls that ended with the router before.
func (r *Router) Lost() []Lost { return r.past.lost }

// Reconciled says that the owners have placed all that is still open of
// Orphans: the rest is withdrawn, and agents get offers. Until then, but for
// at most a second, nobody is ready.
func (r *Router) Reconciled() {
	r.post(func(l *loop) error { l.openGate(); return nil })
}

// past is what the journal tells of the router before.
type past struct {
	*journal.Recovered
	channels []contact.Channel
	agents   []Agent // by handle
	skills   []string
	queues   map[core.Type]string
	rooms    map[core.Room]string
	contacts map[core.Contact]noted
	lost     []lostPlace
	voided   int // offers
}

// recover goes on from the journal.
func (r *Router) recover(deps Deps) error {
	j, rec, err := journal.Open(r.cfg.Journal, r.cfg.rules(), journal.Deps{Log: deps.Log, Registry: deps.Registry})
	if errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrDiverged) || errors.Is(err, journal.ErrFormat) {
		return fmt.Errorf("%w; to start without the places that wait in it, move the directory away", err)
	}
	if err != nil {
		return err //nolint:wrapcheck // New says what was tried
	}
	r.journal = j
	p, err := readNotes(rec)
	if err != nil {
		return err
	}
	l := r.loop
	l.origin = max(l.origin, rec.Last)
	if r.goesOn(p) {
		j.Start()
		l.journal = j
		err = l.resume(p)
	} else {
		err = l.rebuild(p, j)
	}
	if err != nil {
		return err
	}
	if n := len(p.contacts) + len(r.past.lost); n > 0 || p.voided > 0 {
		r.log.Info("router goes on after a restart", "waiting", len(r.past.orphans), "lost_calls", len(r.past.lost),
			"offers_void", p.voided, "took", r.now().Sub(l.base))
	}
	return nil
}

// goesOn reports whether the State can go on under the present configuration.
func (r *Router) goesOn(p *past) bool {
	rooms := map[string]bool{}
	for _, name := range p.rooms {
		rooms[name] = true
	}
	for name := range r.cfg.Rooms {
		rooms[name] = true
	}
	known := len(p.channels) == 0 || slices.Equal(p.channels, r.cfg.sortedChannels())
	return known && len(rooms) <= maxRooms && reflect.DeepEqual(p.Rules, r.cfg.rules())
}

// readNotes sorts what handles stood for.
func readNotes(rec *journal.Recovered) (*past, error) {
	p := &past{
		Recovered: rec, queues: map[core.Type]string{}, rooms: map[core.Room]string{}, contacts: map[core.Contact]noted{},
	}
	keys := slices.SortedFunc(maps.Keys(rec.Notes), func(a, b journal.NoteKey) int { return cmp.Compare(a.Handle, b.Handle) })
	for _, k := range keys {
		if err := p.read(k, rec.Notes[k]); err != nil {
			return nil, fmt.Errorf("note %d of handle %d: %w", k.Kind, k.Handle, err)
		}
	}
	return p, nil
}

func (p *past) read(k journal.NoteKey, value string) (err error) {
	switch k.Kind {
	case contactNote:
		var n noted
		err = json.Unmarshal([]byte(value), &n)
		p.contacts[core.Contact(k.Handle)] = n
	case agentNote:
		var a Agent
		err = json.Unmarshal([]byte(value), &a)
		p.agents = append(p.agents, a)
	case skillNote:
		p.skills = append(p.skills, value)
	case typeNote:
		p.queues[core.Type(k.Handle)] = value
	case roomNote:
		p.rooms[core.Room(k.Handle)] = value //nolint:gosec // a room went in
	case channelNote:
		p.channels = append(p.channels, contact.Channel(value))
	case lostNote:
		var lost lostPlace
		err = json.Unmarshal([]byte(value), &lost)
		lost.note = k.Handle
		p.lost = append(p.lost, lost)
	}
	return err //nolint:wrapcheck // the caller says what was read
}

// restart is the restart rule, on the State as it was: agents stay signed in
// but are not ready, so open offers are void and nothing is offered on the way;
// wrap-ups end; calls end, and messages that had an agent wait for that agent
// again. It is made of commands, so that a kill in its middle is made good by
// the next restart.
func (l *loop) restart(p *past) {
	then := l.time(p.Last) // before the timers that were due meanwhile
	for c := range p.contacts {
		if l.core.Contact(c).Phase == core.PhaseOffered {
			p.voided++
		}
	}
	for _, cmd := range []core.Command{
		{Op: core.OpNotReady, Reason: core.ReasonVanished},
		{Op: core.OpVanish},
		{Op: core.OpReach, Channels: reachable(p.channels)},
	} {
		for a := range p.agents {
			cmd.Agent = core.Agent(a) //nolint:gosec // as many as there were
			if l.core.Agent(cmd.Agent).State != core.LoggedOut {
				l.decide(then, cmd)
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(p.contacts)) {
		if l.core.Contact(c).Phase == core.PhaseWrapUp {
			l.decide(then, core.Command{Op: core.OpWrapEnd, Contact: c}) // refused when it is forced: it ends by its timer
		}
	}
	now := l.r.now()
	l.decide(now, core.Command{Op: core.OpTick})
	for _, c := range slices.Sorted(maps.Keys(p.contacts)) {
		l.restartContact(p, c, now)
	}
}

func (l *loop) restartContact(p *past, c core.Contact, now time.Time) {
	v := l.core.Contact(c)
	switch talked := v.Phase == core.PhaseConnected || v.Phase == core.PhaseParked; {
	case v.Phase == core.PhaseFree:
		delete(p.contacts, c)
		l.note(contactNote, uint32(c), "")
	case v.Phase == core.PhaseWrapUp:
	case p.channels[l.core.Settings(v.Type).Channel] == contact.Voice:
		l.loseCall(p, c, v, talked, now)
	case talked:
		l.decide(now, core.Command{
			Op: core.OpTransfer, Contact: c, Type: v.Type, Plan: v.Plan, Priority: v.Priority,
			Agent: v.Agent, Dur: int64(l.r.hold),
		})
	}
}

// loseCall ends a call, whose place its number can regain.
func (l *loop) loseCall(p *past, c core.Contact, v core.ContactView, talked bool, now time.Time) {
	n := p.contacts[c]
	lost := Lost{
		Contact: n.ID, Queue: p.queues[v.Type], Peer: n.Peer, EnqueuedAt: l.time(v.Enqueued), At: l.time(p.Last),
	}
	place := lostPlace{Peer: n.Peer, Enqueued: v.Enqueued, Tier: v.Tier, Until: l.nanos(now.Add(regainFor))}
	if talked {
		lost.Agent, place.Tier = p.agents[v.Agent].ID, 0
		l.decide(now, core.Command{Op: core.OpRequeue, Contact: c, Agent: core.Nobody})
	}
	if place.Peer != "" {
		l.lose(&place)
	}
	l.decide(now, core.Command{Op: core.OpWithdraw, Contact: c})
	l.note(contactNote, uint32(c), "")
	delete(p.contacts, c)
	if !n.Consult {
		l.r.past.lost = append(l.r.past.lost, lost)
	}
}

// reachable are the channels that need no line.
func reachable(channels []contact.Channel) (set uint8) {
	for i, ch := range channels {
		if ch != contact.Voice {
			set |= 1 << i
		}
	}
	return set
}

// resume goes on with the State as it is.
func (l *loop) resume(p *past) error {
	l.core = p.State
	for i, ch := range l.channels[len(p.channels):] { // the first time
		l.note(channelNote, uint32(i), string(ch)) //nolint:gosec // at most eight
	}
	p.channels = l.channels
	l.recallPlaces(p.lost)
	l.restart(p)
	l.recall(p)
	l.defineQueues(l.r.cfg)
	for _, c := range slices.SortedFunc(maps.Keys(p.contacts), l.older) {
		l.recallContact(c, p.contacts[c])
	}
	return l.recallAgents(p)
}

// older orders contacts by age, those of one age by their place.
func (l *loop) older(a, b core.Contact) int {
	if d := cmp.Compare(l.core.Contact(a).Enqueued, l.core.Contact(b).Enqueued); d != 0 {
		return d
	}
	if l.core.Before(a, b) {
		return -1
	}
	return 1
}

// recall takes over the names.
func (l *loop) recall(p *past) {
	for k, name := range p.skills {
		l.skills[name] = core.Skill(k) //nolint:gosec // as many as there were
	}
	l.skillNames = p.skills
	for room, name := range p.rooms {
		l.rooms[name] = room
	}
	for _, t := range slices.Sorted(maps.Keys(p.queues)) { // the last of a queue and channel is in use
		w, name := l.core.Settings(t), p.queues[t]
		for int(w.Queue) >= len(l.queueByID) {
			l.queueByID = append(l.queueByID, nil)
		}
		q := l.queueByID[w.Queue]
		if q == nil {
			q = l.newQueue(name)
			l.queueByID[w.Queue], l.queueIDs[name], l.queueBy[name] = q, w.Queue, q
		}
		q.types[w.Channel] = t
	}
	for _, spec := range p.agents {
		l.newAgent(spec)
	}
	for c := range p.contacts {
		for len(l.tickets) <= int(c) {
			l.tickets = append(l.tickets, nil)
		}
	}
	for c := len(l.tickets) - 1; c >= 0; c-- {
		if _, ok := p.contacts[core.Contact(c)]; !ok { //nolint:gosec // a handle
			l.idle = append(l.idle, core.Contact(c)) //nolint:gosec // a handle
		}
	}
}

// recallAgents takes over what agents do.
func (l *loop) recallAgents(p *past) error {
	for a := range p.agents {
		e := l.byHandle[a]
		v := l.core.Agent(e.handle)
		e.state, e.ready, e.code = v.State, v.Ready, v.Reason
		l.m.agents[e.state].Inc()
		if e.state == core.LoggedOut {
			continue
		}
		e.absent = true
		if !v.Leaving {
			if err := l.enrol(e); err != nil { // settings may have changed
				return fmt.Errorf("agent %q: %w", e.spec.ID, err)
			}
		}
		if l.r.onState != nil {
			l.r.onState(e.spec.ID, e.word(), e.since)
		}
	}
	return nil
}

// recallContact makes a Ticket for a contact that nobody owns yet.
func (l *loop) recallContact(c core.Contact, n noted) {
	v := l.core.Contact(c)
	w := l.core.Settings(v.Type)
	t := l.ghost(n, v, l.queueByID[w.Queue], w.Channel)
	t.handle, t.patience = c, w.Patience
	if t.queue.depth == nil { // the queue is no more
		t.queue.depth, t.queue.waits = l.m.queue(t.queue.name)
	}
	l.tickets[c], l.contacts[n.ID] = t, t
	if v.Phase == core.PhaseWrapUp {
		t.agent, t.wrapEnds = l.byHandle[v.Agent], l.time(v.Deadline)
		t.move(contact.WrapUp, l.r.now())
		return
	}
	t.move(contact.Queued, l.r.now())
	if l.queueBy[t.queue.name] == nil { // its owner will be told so
		_ = l.finish(t, contact.LostRestart) // it waits, so it can be
		return
	}
	l.orphaned(t)
}

// ghost is the Ticket of a contact that nobody owns yet.
func (l *loop) ghost(n noted, v core.ContactView, q *queue, ch core.Channel) *Ticket {
	return &Ticket{
		r: l.r, queue: q, channel: ch, target: contact.Target{Queue: n.Queue}, priority: v.Priority, enqueued: l.time(v.Enqueued),
		card: &contact.Card{Contact: n.ID, Channel: l.channels[ch], Queue: n.Queue, Peer: n.Peer},
	}
}

func (l *loop) orphaned(t *Ticket) {
	l.gate.shut = true
	l.r.past.orphans = append(l.r.past.orphans, t.card.Contact)
}

// rebuild begins with a new State, for other channels or constants than
// before: who was signed in or waits comes again, in order.
func (l *loop) rebuild(p *past, j *journal.Journal) error {
	was := p.State
	l.core = was
	l.restart(p)
	contacts := slices.SortedFunc(maps.Keys(p.contacts), l.older)
	rules, notes := l.r.cfg.rules(), draft{notes: map[journal.NoteKey]string{}}
	l.core, l.journal = core.New(rules), notes
	for i, ch := range l.channels {
		l.note(channelNote, uint32(i), string(ch)) //nolint:gosec // at most eight
	}
	l.defineQueues(l.r.cfg)
	for a, spec := range p.agents {
		if was.Agent(core.Agent(a)).State == core.LoggedOut { //nolint:gosec // as many as there were
			continue
		}
		e, err := l.agent(spec.ID)
		if err != nil {
			return err
		}
		e.spec, e.absent = spec, true
		l.noteAgent(e)
		if err := l.enrol(e); err != nil {
			return fmt.Errorf("agent %q: %w", spec.ID, err)
		}
	}
	for _, c := range contacts {
		if err := l.comesAgain(p, c, was.Contact(c)); err != nil {
			l.r.log.Warn("contact has no place after the restart", "contact_id", p.contacts[c].ID, "error", err)
		}
	}
	for _, place := range slices.Concat(p.lost, slices.Collect(maps.Values(l.lost.byPeer))) {
		l.lose(&place)
	}
	if err := j.Begin(l.core, rules, notes.notes); err != nil {
		return fmt.Errorf("begin with other rules: %w", err)
	}
	j.Start()
	l.journal = j
	return nil
}

// comesAgain lets a contact that waits in the State before arrive in the new one.
func (l *loop) comesAgain(p *past, c core.Contact, v core.ContactView) error {
	n, w := p.contacts[c], p.State.Settings(v.Type)
	q := l.queueBy[p.queues[v.Type]]
	if q == nil {
		return ErrNoQueue
	}
	ch, err := l.channel(p.channels[w.Channel])
	if err != nil || v.Phase != core.PhaseWaiting {
		return err // who wraps up need not any more
	}
	t := l.ghost(n, v, q, ch)
	if !l.newHandle(t) {
		return ErrFull
	}
	cmd := l.ask(t, core.OpArrive, &t.target)
	cmd.Time, cmd.Tier, cmd.Priority = v.Enqueued, min(cmd.Tier, v.Tier), v.Priority
	if v.Held {
		if a := l.agents[p.agents[v.Prefers].ID]; a != nil {
			cmd.Agent, cmd.Dur = a.handle, l.remaining(v)
		}
	}
	l.tickets[t.handle], l.contacts[n.ID] = t, t
	l.noteContact(t)
	if err := l.apply(cmd); err != nil {
		return err
	}
	if t.full {
		return ErrQueueFull
	}
	l.orphaned(t)
	return nil
}

// draft takes the notes of a journal that is to begin anew.
type draft struct {
	nowhere
	notes map[journal.NoteKey]string
}

func (d draft) Note(k journal.NoteKey, value string) (seq uint64) {
	if d.notes[k] = value; value == "" {
		delete(d.notes, k)
	}
	return 0
}
