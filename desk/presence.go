package desk

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"filo/contact"
)

// never is longer than any timer of a seat.
const never = 24 * time.Hour

// attach joins a socket and returns what it gets first: the frames that it
// missed, or a snapshot.
func (s *seat) attach(ctx context.Context, sock *socket, after uint64) (backlog []frame, err error) {
	var fail error
	err = s.do(ctx, func(ctx context.Context) {
		if s.left {
			fail = ErrStopped
			return
		}
		missed, ok := s.stream.after(after)
		got := "replay"
		if !ok {
			got = "snapshot"
			s.refreshFailed(ctx)
			f, err := s.snapshot()
			if err != nil {
				fail = err
				return
			}
			missed = []frame{f}
		}
		s.d.metrics.resumes.WithLabelValues(got).Inc()
		s.stream.attach(sock)
		s.lost, s.goneSince = false, time.Time{}
		s.d.lookAgain()
		backlog = missed
		if !ok && s.user.hasLine() {
			s.push(frameLine, frameLine, upJSON{Up: s.d.lineUp(s.id)})
		}
	})
	return backlog, errors.Join(err, fail)
}

// detach forgets a socket whose connection ended.
func (s *seat) detach(ctx context.Context, sock *socket) {
	_ = s.do(ctx, func(context.Context) { // a seat that ended has forgotten it
		s.stream.detach(sock)
		s.sitting()
	})
}

// sitting notes the moment at which the last socket went.
func (s *seat) sitting() {
	if len(s.stream.sockets) > 0 {
		s.goneSince = time.Time{}
	} else if s.goneSince.IsZero() {
		s.goneSince = s.d.now()
	}
}

// snapshot is everything that the desk shows, under the number of the last frame.
func (s *seat) snapshot() (frame, error) {
	now := s.d.now()
	data := snapshotJSON{
		Agent: s.agentJSON(), Offers: []offerJSON{}, Contacts: []contactJSON{},
		Queues: s.queues(s.d.picture()), Monitor: s.monitor, Now: stamp(now),
	}
	for _, it := range s.sorted() {
		if it.offer != nil {
			data.Offers = append(data.Offers, s.offerJSON(it))
		}
		if it.had != nil {
			data.Contacts = append(data.Contacts, s.contactJSON(it))
		}
	}
	b, err := encodeFrame(s.stream.last, frameSnapshot, data)
	if err != nil {
		return frame{}, err
	}
	s.d.metrics.frames.WithLabelValues(frameSnapshot).Inc()
	return frame{seq: s.stream.last, data: b}, nil
}

// nextDue returns the time until something is due: a view to be read again, or
// the end of the patience with an empty seat.
func (s *seat) nextDue() time.Duration {
	now := s.d.now()
	next := never
	for _, it := range s.items {
		if !it.refreshAt.IsZero() {
			next = min(next, it.refreshAt.Sub(now))
		}
	}
	if at := s.emptyUntil(); !at.IsZero() {
		next = min(next, at.Sub(now))
	}
	return max(0, next)
}

// emptyUntil is when an agent without a socket is taken for gone; zero: not due.
func (s *seat) emptyUntil() time.Time {
	if s.goneSince.IsZero() || s.lost {
		return time.Time{}
	}
	for _, it := range s.items {
		if it.offer != nil {
			return s.goneSince.Add(s.d.cfg.Socket.LostOffered)
		}
	}
	return s.goneSince.Add(s.d.cfg.Socket.Lost)
}

// due does what is due.
func (s *seat) due(ctx context.Context) {
	now := s.d.now()
	for _, it := range s.sorted() {
		if !it.refreshAt.IsZero() && !now.Before(it.refreshAt) {
			s.refresh(ctx, it)
		}
	}
	if at := s.emptyUntil(); !at.IsZero() && !now.Before(at) {
		s.vanished(ctx)
	}
}

// vanished takes the agent for gone. With a contact, the agent only becomes
// not ready: its channel decides what happens to it (a call waits for the line
// to come back). Without one the agent is signed out and the seat ends.
func (s *seat) vanished(ctx context.Context) {
	s.lost = true
	had := s.hasContacts()
	if !s.user.takesContacts() || s.user.ReadyAtStart {
		s.left = !had // who works without a desk goes on without it
		return
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "agent's desk is gone", slog.Bool("has_contact", had))
	var err error
	if had {
		err = s.d.deps.Router.Vanished(ctx, s.id)
	} else {
		err = s.signOut(ctx)
	}
	if err != nil && !errors.Is(err, contact.ErrNoAgent) && ctx.Err() == nil {
		s.log.LogAttrs(ctx, slog.LevelError, "router was not told that the desk is gone", slog.String("error", err.Error()))
	}
}

// signOut ends the agent's work in the router, and the seat.
func (s *seat) signOut(ctx context.Context) error {
	s.left = true
	if !s.user.takesContacts() || s.user.ReadyAtStart {
		return nil
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "agent signed out")
	err := s.d.deps.Router.SignOut(ctx, s.id) // no more offers; what the agent has stays
	if m := s.d.deps.Messages; m != nil {
		err = errors.Join(err, m.Release(ctx, s.id))
	}
	return err
}

func (s *seat) hasContacts() bool {
	for _, it := range s.items {
		if it.had != nil {
			return true
		}
	}
	return false
}

// closeSession ends the sockets of a session that is over. With leave, and
// nobody of this user left at another one, the agent is signed out at once;
// otherwise that comes as for any desk that is gone.
func (d *Desk) closeSession(ctx context.Context, s *session, leave bool) error {
	seat := d.seatOf(contact.AgentID(s.user.User))
	if seat == nil {
		return nil
	}
	var fail error
	err := seat.do(ctx, func(ctx context.Context) {
		for sock := range seat.stream.sockets {
			if sock.session == s {
				seat.stream.detach(sock)
				sock.close(closeSignedOut, "signed out")
			}
		}
		seat.sitting()
		if leave && len(seat.stream.sockets) == 0 {
			fail = seat.signOut(ctx)
		}
	})
	if errors.Is(err, ErrStopped) || errors.Is(fail, contact.ErrNoAgent) {
		return nil // it has left already
	}
	return errors.Join(err, fail)
}
