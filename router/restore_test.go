package router

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/router/core"
	"filo/router/journal"
)

// journalled is a centre that is started over a directory, killed and started
// again. Its agents are held places for half a minute.
type journalled struct {
	*centre
	cfg  Config
	stop func()
}

// inJournalled runs a test against a router with a journal, in a bubble.
func inJournalled(t *testing.T, test func(j *journalled)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.Queues["checkout"] = Queue{Skills: []contact.Skill{{Name: "checkout", Min: 50}}}
		cfg.Journal.Dir = filepath.Join(dir, "0")
		j := &journalled{centre: &centre{t: t}, cfg: cfg}
		j.start()
		defer func() { j.stop() }()
		test(j)
	})
}

func (j *journalled) start() {
	j.t.Helper()
	ctx, cancel := context.WithCancel(j.t.Context())
	j.ctx, j.reg = ctx, prometheus.NewRegistry()
	var err error
	epoch := uint32(1)
	if j.Router != nil {
		epoch = j.epoch + 1
	}
	j.Router, err = New(j.cfg, Deps{Registry: j.reg, Epoch: epoch, RestartHold: 30 * time.Second})
	require.NoError(j.t, err)
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(j.t, j.Run(ctx)) })
	j.stop = func() { cancel(); wg.Wait() }
}

// kill goes on in a copy of what is on disk, as after a kill -9; with changes
// of the configuration.
func (j *journalled) kill(change ...func(*Config)) {
	j.t.Helper()
	for settled := false; !settled; time.Sleep(time.Millisecond) {
		require.NoError(j.t, j.do(j.ctx, func(l *loop) error {
			l.journal.Sync(l.seq)
			settled = l.journal.Settled() >= l.seq
			require.False(j.t, j.Router.journal.Degraded(), "the shadow does the same")
			return nil
		}))
	}
	dir := j.cfg.Journal.Dir + "+"
	require.NoError(j.t, os.CopyFS(dir, os.DirFS(j.cfg.Journal.Dir)))
	j.stop()
	j.cfg.Journal.Dir = dir
	for _, f := range change {
		f(&j.cfg)
	}
	j.start()
}

func (j *journalled) accept(id contact.AgentID, tk *Ticket) {
	j.t.Helper()
	e := j.next(tk, Offered)
	require.Equal(j.t, id, e.Agent)
	require.NoError(j.t, j.Accept(j.ctx, e.Offer, id))
	j.next(tk, Accepted)
}

func (j *journalled) mail(id contact.ID) *Ticket {
	j.t.Helper()
	return j.place(id, contact.Email, contact.Target{Queue: "general"})
}

func (j *journalled) waiting(queue string) (ids []contact.ID) {
	j.t.Helper()
	s, err := j.Snapshot(j.ctx)
	require.NoError(j.t, err)
	for _, q := range s.Queues {
		if q.Name == queue {
			for _, w := range q.Waiting {
				ids = append(ids, w.Contact)
			}
		}
	}
	return ids
}

func TestRestartKeepsOrderAgeAndOwners(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		j.ready("paola", 90)
		taken := j.mail("c_1")
		j.accept("paola", taken)
		old := j.mail("c_2") // offered: paola has room for two
		offer := j.next(old, Offered).Offer
		var want []contact.ID
		for _, id := range []contact.ID{"c_3", "c_4", "c_5"} {
			time.Sleep(time.Second)
			j.mail(id)
			want = append(want, id)
		}
		since := old.Enqueued()
		time.Sleep(10 * time.Second)
		j.kill()

		require.Equal(t, []contact.ID{"c_1", "c_2", "c_3", "c_4", "c_5"}, j.Orphans())
		require.Equal(t, contact.NotReady, j.state("paola").State)
		require.ErrorIs(t, j.Accept(j.ctx, offer, "paola"), contact.ErrOfferGone)
		require.Equal(t, append([]contact.ID{"c_1", "c_2"}, want...), j.waiting("general"))
		j.ready("marta", 90) // the gate is shut: no offer
		tickets := map[contact.ID]*Ticket{}
		for _, id := range []contact.ID{"c_5", "c_4", "c_3", "c_2", "c_1"} { // in any order
			tickets[id] = j.mail(id)
			j.silent(tickets[id])
		}
		require.Equal(t, since, tickets["c_2"].Enqueued())
		require.Equal(t, append([]contact.ID{"c_1", "c_2"}, want...), j.waiting("general"))
		_, err := j.Place(j.ctx, Request{Card: &contact.Card{Contact: "c_3", Channel: contact.Email}, Target: contact.Target{Queue: "general"}})
		require.ErrorIs(t, err, ErrAlreadyPlaced)
		j.Reconciled()
		require.Equal(t, contact.AgentID("marta"), j.next(tickets["c_2"], Offered).Agent, "the oldest that is not paola's")
		require.Equal(t, contact.AgentID("marta"), j.next(tickets["c_3"], Offered).Agent)
		j.silent(tickets["c_1"])
		j.ready("paola", 90)
		require.Equal(t, contact.AgentID("paola"), j.next(tickets["c_1"], Offered).Agent, "what was accepted is hers")
		require.Equal(t, contact.AgentID("paola"), j.next(tickets["c_4"], Offered).Agent)
		require.Empty(t, j.Lost())
	})
}

func TestRestartHoldEnds(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		j.ready("paola", 90)
		j.accept("paola", j.mail("c_1"))
		j.kill()
		tk := j.mail("c_1")
		j.Reconciled()
		j.ready("marta", 90)
		time.Sleep(29 * time.Second)
		j.silent(tk)
		require.Equal(t, contact.NotReady, j.state("paola").State)
		time.Sleep(2 * time.Second)
		require.Equal(t, contact.AgentID("marta"), j.next(tk, Offered).Agent)
		require.Equal(t, contact.LoggedOut, j.state("paola").State)
	})
}

func TestGate(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		first, second := j.mail("c_1"), j.mail("c_2")
		require.NotNil(t, first)
		require.NotNil(t, second)
		j.kill()
		j.ready("paola", 90)
		j.ready("marta", 90)
		require.NoError(t, j.SetReady(j.ctx, "paola", false, "lunch"))
		tk := j.mail("c_2")
		later := j.mail("c_3")
		time.Sleep(gateTime - time.Millisecond)
		j.silent(tk)
		time.Sleep(2 * time.Millisecond)
		require.Equal(t, contact.AgentID("marta"), j.next(tk, Offered).Agent, "c_1 has no owner")
		require.Equal(t, contact.AgentID("marta"), j.next(later, Offered).Agent)
		require.Empty(t, j.waiting("support"))
		require.Equal(t, contact.NotReady, j.state("paola").State)
		require.Equal(t, "lunch", j.state("paola").Reason)
		late := j.mail("c_1") // an ordinary arrival
		require.Equal(t, []contact.ID{"c_2", "c_3", "c_1"}, j.waiting("general"))
		require.NotNil(t, late)
	})
}

func TestCallsAreLostAndRegainTheirPlace(t *testing.T) {
	call := func(j *journalled, id contact.ID, peer string) *Ticket {
		tk, err := j.Place(j.ctx, Request{Card: &contact.Card{Contact: id, Channel: contact.Voice, Peer: peer}, Target: checkout})
		require.NoError(t, err)
		return tk
	}
	inJournalled(t, func(j *journalled) {
		j.ready("paola", 90)
		talking := call(j, "c_1", "+391")
		j.accept("paola", talking)
		time.Sleep(time.Second)
		waiting := call(j, "c_2", "+392")
		time.Sleep(time.Second)
		call(j, "c_3", "+393")
		call(j, "c_4", "") // withheld
		j.kill()

		require.Empty(t, j.waiting("checkout"))
		lost := j.Lost()
		require.Len(t, lost, 4)
		require.Equal(t, contact.AgentID("paola"), lost[0].Agent)
		require.Equal(t, Lost{Contact: "c_2", Queue: "checkout", Peer: "+392", EnqueuedAt: waiting.Enqueued(), At: lost[1].At}, lost[1])
		time.Sleep(time.Minute)
		call(j, "d_new", "+399")
		call(j, "d_4", "")
		call(j, "d_3", "+393")
		again := call(j, "d_2", "+392")
		call(j, "d_1", "+391")
		require.Equal(t, []contact.ID{"d_1", "d_2", "d_3", "d_new", "d_4"}, j.waiting("checkout"), "who talked is first, who waited has the old place")
		require.Equal(t, waiting.Enqueued(), again.Enqueued())
		require.NoError(t, again.Withdraw(j.ctx, contact.Abandoned))
		call(j, "e_2", "+392")
		require.Equal(t, []contact.ID{"d_1", "d_3", "d_new", "d_4", "e_2"}, j.waiting("checkout"), "once")
		j.kill()
		j.kill() // a place survives one more restart, but no more than ten minutes
		require.Empty(t, j.Lost())
		call(j, "f_new", "+390")
		call(j, "f_3", "+393")
		require.Equal(t, []contact.ID{"f_3", "f_new"}, j.waiting("checkout"))
		time.Sleep(regainFor)
		call(j, "f_1", "+391")
		require.Equal(t, []contact.ID{"f_3", "f_new", "f_1"}, j.waiting("checkout"))
	})
}

// other settings, some of which need a new State.
func TestRestartWithOtherSettings(t *testing.T) {
	tests := map[string]func(*Config){
		"the same": func(*Config) {},
		"a queue": func(c *Config) {
			q := c.Queues["general"]
			q.Skills = []contact.Skill{{Name: "en"}}
			c.Queues["general"] = q
		},
		"a room":      func(c *Config) { c.Rooms = map[string]int{"lobby": 100} },
		"constants":   func(c *Config) { c.PriorityStep = time.Hour },
		"max":         func(c *Config) { c.MaxContacts = 100 },
		"channels":    func(c *Config) { delete(c.Channels, contact.Channel("web")) },
		"fewer queue": func(c *Config) { delete(c.Queues, "checkout") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			inJournalled(t, func(j *journalled) {
				j.ready("paola", 90)
				j.accept("paola", j.mail("c_1"))
				require.NoError(t, j.SetReady(j.ctx, "paola", false, "lunch"))
				j.place("c_x", contact.Email, checkout)
				for _, id := range []contact.ID{"c_2", "c_3", "c_4"} {
					j.mail(id)
				}
				j.kill(change)
				for range 2 {
					require.Equal(t, []contact.ID{"c_1", "c_2", "c_3", "c_4"}, j.waiting("general"))
					require.Equal(t, contact.NotReady, j.state("paola").State)
					require.Equal(t, "Name of paola", j.state("paola").Name)
					j.kill() // once more: the journal has it now
				}
				tickets := map[contact.ID]*Ticket{}
				for _, id := range []contact.ID{"c_4", "c_3", "c_2", "c_1"} {
					tickets[id] = j.mail(id)
				}
				j.Reconciled()
				require.Equal(t, []contact.ID{"c_1", "c_2", "c_3", "c_4"}, j.waiting("general"))
				require.NoError(t, j.SignIn(j.ctx, Agent{ID: "paola", Skills: map[string]uint8{"en": 50}}))
				require.Equal(t, "signed_in", j.state("paola").Reason)
				require.NoError(t, j.SetReady(j.ctx, "paola", true, ""))
				j.next(tickets["c_1"], Offered)
				j.next(tickets["c_2"], Offered)
			})
		})
	}
}

// A clean stop and start is a restart, too; a second router finds the
// directory in use.
func TestStopAndStart(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		j.mail("c_1")
		_, err := New(j.cfg, Deps{})
		require.ErrorIs(t, err, journal.ErrLocked)
		j.stop()
		j.start()
		require.Equal(t, []contact.ID{"c_1"}, j.Orphans())
		require.Equal(t, uint32(2), j.epoch)
	})
}

// TestReplayIsTheState: whatever the router does, the journal knows of it.
func TestReplayIsTheState(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		j.stop()
		j.cfg.RONALimit = 0
		j.start()
		everybodyAtOnce(j.centre)
		cfg := j.cfg
		cfg.Rooms = map[string]int{"lobby": 1}
		cfg.Profiles = map[string]Profile{"front": {Queues: map[string]ProfileQueue{"general": {Delay: time.Minute}}}}
		cfg.Queues = map[string]Queue{
			"general":  {Room: "lobby", Overflow: Overflow{Queue: "vip", After: time.Hour}, Select: LeastFlexible},
			"checkout": {Skills: []contact.Skill{{Name: "rare"}}, Steps: []Step{{After: time.Minute, Agents: []contact.AgentID{"carla"}}}},
			"vip":      {Tier: 1, Rate: 2},
		}
		require.NoError(t, j.Reconfigure(j.ctx, cfg))
		require.NoError(t, j.SignIn(j.ctx, Agent{ID: "carla", Profile: "front", Reserve: []string{"rare"}, Skills: map[string]uint8{"rare": 3}}))
		require.NoError(t, j.SetReady(j.ctx, "carla", true, ""))
		tk := j.mail("c_1")
		time.Sleep(2 * time.Minute)
		j.mail("c_2")
		j.place("c_3", contact.SMS, contact.Target{Queue: "checkout", Skills: []contact.Skill{{Name: "new"}}, Preferred: "nobody", Hold: time.Hour})
		require.NoError(t, tk.Move(j.ctx, contact.Target{Queue: "vip", Priority: 5}, contact.Email))
		time.Sleep(2 * time.Hour)
		var before []byte
		require.NoError(t, j.do(j.ctx, func(l *loop) (err error) {
			before, err = l.core.AppendBinary(nil)
			return err
		}))
		j.stop()
		own, rec, err := journal.Open(j.cfg.Journal, j.cfg.rules(), journal.Deps{})
		require.NoError(t, err)
		require.NoError(t, own.Close())
		after, err := rec.State.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, before, after)
		p, err := readNotes(rec)
		require.NoError(t, err)
		require.NotEmpty(t, p.contacts)
		require.Len(t, p.rooms, 1)
		require.Contains(t, p.skills, "new")
	})
}

func TestDamagedJournalIsSaid(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		j.mail("c_1")
		j.stop()
		snaps, err := filepath.Glob(filepath.Join(j.cfg.Journal.Dir, "snap-*"))
		require.NoError(t, err)
		require.Len(t, snaps, 1)
		require.NoError(t, os.Truncate(snaps[0], 100))
		_, err = New(j.cfg, Deps{})
		require.ErrorIs(t, err, journal.ErrCorrupt)
		require.ErrorContains(t, err, filepath.Base(snaps[0]))
		require.ErrorContains(t, err, "move the directory away")
	})
}

func TestForcedWrapUpGoesOn(t *testing.T) {
	inJournalled(t, func(j *journalled) {
		forced := func(c *Config) {
			q := c.Queues["general"]
			q.Wrap, q.WrapUp = ForcedWrap, time.Minute
			c.Queues["general"] = q
		}
		j.kill(forced)
		j.ready("paola", 90)
		tk := j.mail("c_1")
		j.accept("paola", tk)
		require.NoError(t, tk.End(j.ctx, contact.Handled))
		time.Sleep(20 * time.Second)
		j.kill()
		require.Equal(t, contact.AgentWrapUp, j.state("paola").State)
		require.Empty(t, j.Orphans())
		time.Sleep(41 * time.Second)
		require.Equal(t, contact.LoggedOut, j.state("paola").State, "absent, and done")
		require.Equal(t, core.PhaseFree, j.loop.core.Contact(0).Phase)
	})
}
