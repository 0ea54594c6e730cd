package desk

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"filo/router"
)

// board is one picture of the queues and, for supervisors, of the floor. It
// does not change after it was made.
type board struct {
	version uint64
	snap    router.Snapshot
	floor   *floorJSON // newest, maybe older than snap; nil before the first
	floorAt time.Time
}

// picture returns the newest board.
func (d *Desk) picture() *board {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.board
}

// followBoard takes pictures while anybody looks.
func (d *Desk) followBoard(ctx context.Context) {
	tick := time.NewTicker(d.cfg.QueuesEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.look:
		}
		seats, supervised := d.audience()
		if len(seats) == 0 {
			continue
		}
		if err := d.takePicture(ctx, supervised); err != nil {
			if ctx.Err() == nil {
				d.log.LogAttrs(ctx, slog.LevelWarn, "queues not shown", slog.String("error", err.Error()))
			}
			continue
		}
		for _, s := range seats {
			s.nudge()
		}
	}
}

// lookAgain asks for a new picture when the newest is old: before the first
// seat, and while nobody sat, none was taken.
func (d *Desk) lookAgain() {
	if b := d.picture(); d.now().Sub(b.snap.At) < 2*d.cfg.QueuesEvery {
		return
	}
	select {
	case d.look <- struct{}{}:
	default:
	}
}

// audience returns all seats, and whether a supervisor is among them.
func (d *Desk) audience() (seats []*seat, supervised bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.seats {
		seats = append(seats, s)
		supervised = supervised || s.user.supervises()
	}
	return seats, supervised
}

func (d *Desk) takePicture(ctx context.Context, supervised bool) error {
	ctx, cancel := context.WithTimeout(ctx, boardTimeout)
	defer cancel()
	snap, err := d.deps.Router.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("queues: %w", err)
	}
	old := d.picture()
	b := &board{version: old.version + 1, snap: snap, floor: old.floor, floorAt: old.floorAt}
	if now := d.now(); supervised && now.Sub(b.floorAt) >= d.cfg.FloorEvery {
		if b.floor, err = d.floorOf(ctx, snap); err != nil {
			return err
		}
		b.floorAt = now
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.board = b
	return nil
}

const boardTimeout = 2 * time.Second

// showBoard sends the queues, and the floor, when they changed.
func (s *seat) showBoard() {
	b := s.d.picture()
	if b.version == s.shownBoard {
		return
	}
	s.shownBoard = b.version
	queues := s.queues(b)
	if key := waitKey(queues, b.snap); key != s.shownWait {
		s.shownWait = key
		s.push(frameQueues, frameQueues, queues)
	}
	if s.user.supervises() && b.floor != nil && b.floor.key != s.shownFloor {
		s.shownFloor = b.floor.key
		s.push(frameFloor, frameFloor, b.floor)
	}
}

// queues are those that the user could serve; everything for who serves none.
func (s *seat) queues(b *board) []queueJSON {
	skills := s.user.agent().Skills
	list := []queueJSON{}
	for _, q := range b.snap.Queues {
		if s.user.takesContacts() && !s.user.supervises() && !s.d.serves(skills, q.Name) {
			continue
		}
		list = append(list, queueJSON{ID: q.Name, Label: s.d.queueLabel(q.Name), Waiting: len(q.Waiting), LongestMS: ms(q.Longest)})
	}
	return list
}

// serves reports whether skills are enough for a queue.
func (d *Desk) serves(skills map[string]uint8, queue string) bool {
	for _, need := range d.deps.Routing.Queues[queue].Skills {
		if level, ok := skills[need.Name]; !ok || level < need.Min {
			return false
		}
	}
	return true
}

// waitKey changes when the queues do, but not while time passes: the desk
// counts seconds by itself.
func waitKey(queues []queueJSON, snap router.Snapshot) string {
	oldest := map[string]time.Time{}
	for _, q := range snap.Queues {
		for _, w := range q.Waiting {
			if t, ok := oldest[q.Name]; !ok || w.Since.Before(t) {
				oldest[q.Name] = w.Since
			}
		}
	}
	var b strings.Builder
	for _, q := range queues {
		fmt.Fprintf(&b, "%s %d %d;", q.ID, q.Waiting, oldest[q.ID].UnixMilli())
	}
	return b.String()
}

// supervises reports whether u may see the floor.
func (u *User) supervises() bool { return slices.Contains([]Role{Supervisor, Admin}, u.Role) }
