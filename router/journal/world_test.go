package journal

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/router/core"
)

// world is a State with its journal and random commands for it: what the
// router's loop does, and a record of all that it did.
type world struct {
	r        *rand.Rand
	state    *core.State
	journal  *Journal // nil: none
	now      int64
	agents   int
	contacts int
	offers   []core.Effect
	effects  []core.Effect
	types    int
	plans    int
	classes  []core.Class

	patience time.Duration // with offers

	fixed  bool // no new definitions
	keep   bool // ops
	ops    []entry
	state0 uint64
	after  []uint64 // fingerprint of the State after each of ops
}

func testRules() core.Config {
	return core.Config{
		RONALimit: 2, PriorityStep: 7, MaxPriority: 3, MaxAgents: 1 << 10, MaxContacts: 1 << 17, Exclude: 25,
		Channels: []core.ChannelRule{{Weight: 6, Limit: 9}, {Weight: 2, Limit: 6}, {Weight: 1}},
	}
}

func newWorld(seed uint64, state *core.State, j *Journal) *world {
	return &world{
		r: rand.New(rand.NewPCG(seed, 7)), state: state, journal: j, now: 1_000_000, agents: 12, contacts: 60,
	}
}

func (w *world) keepOp(e entry) {
	if w.keep {
		w.ops = append(w.ops, e)
		w.after = append(w.after, fingerprint(w.state))
	}
}

func (w *world) define() {
	for range 5 {
		w.addPlan()
		w.addClass()
		w.addType()
	}
}

func (w *world) addType() {
	x := core.WorkType{
		Channel: core.Channel(w.r.IntN(3)), Select: core.Select(w.r.IntN(3)), Load: core.Load(w.r.IntN(3)),
		Patience: time.Duration(w.r.IntN(60)), OfferTimeout: w.patience + time.Duration(3+w.r.IntN(6)), WrapUp: time.Duration(w.r.IntN(2) * 9),
	}
	x.Queue, x.Wrap, x.WrapMax = core.Queue(w.r.IntN(3)), core.Wrap(w.r.IntN(4)), 40
	x.Rate, x.Promote, x.Saturate = uint8(8*w.r.IntN(4)), time.Duration(w.r.IntN(2)*20), time.Duration(w.r.IntN(2)*60)
	x.Reserve, x.Overload, x.Room = uint32(w.r.IntN(4)/3), uint32(w.r.IntN(2)*5), core.Room(w.r.IntN(2))
	if w.types > 0 && w.plans > 0 && w.r.IntN(2) == 0 {
		x.Overflow = core.Overflow{
			On: true, Type: core.Type(w.r.IntN(w.types)), Plan: core.Plan(w.r.IntN(w.plans)), After: time.Duration(w.r.IntN(2) * 30),
			AfterHold: w.r.IntN(2) == 0,
		}
	}
	h := w.state.WorkType(x)
	w.types++
	if w.journal != nil {
		w.journal.WorkType(x, h)
	}
	w.keepOp(entry{kind: typeRecord, text: encode(x), handle: uint32(h)})
}

func (w *world) addPlan() {
	var steps []core.Step
	for i := range w.r.IntN(3) {
		step := core.Step{After: time.Duration(i * w.r.IntN(40))}
		for range w.r.IntN(3) {
			var clause core.Clause
			for range 1 + w.r.IntN(2) {
				clause = append(clause, core.Requirement{Skill: core.Skill(w.r.IntN(5)), Min: uint8(20 * w.r.IntN(5))})
			}
			step.Needs = append(step.Needs, clause)
		}
		if w.r.IntN(8) == 0 {
			step.Agents = []core.Agent{core.Agent(w.r.IntN(w.agents))}
		}
		steps = append(steps, step)
	}
	h := w.state.Plan(steps)
	if w.journal != nil {
		w.journal.Plan(steps, h)
	}
	if int(h) == w.plans {
		w.plans++
		w.keepOp(entry{kind: planRecord, text: encode(steps), handle: uint32(h)})
	}
}

func (w *world) addClass() {
	p := core.Profile{Capacity: 6 + w.r.IntN(10), Caps: [core.MaxChannels]uint16{1, 3, 4}}
	for k := range 5 {
		if w.r.IntN(3) > 0 {
			p.Skills = append(p.Skills, core.Proficiency{
				Skill: core.Skill(k), Level: uint8(20 * w.r.IntN(6)), Reserve: w.r.IntN(6) == 0,
			})
		}
	}
	if w.r.IntN(3) == 0 {
		for q := range core.Queue(3) {
			p.Queues = append(p.Queues, core.QueueRule{Queue: q, Rank: uint8(w.r.IntN(3)), Delay: time.Duration(w.r.IntN(2) * 15)})
		}
	}
	h := w.state.Class(p)
	if w.journal != nil {
		w.journal.Class(p, h)
	}
	if !slices.Contains(w.classes, h) {
		w.classes = append(w.classes, h)
		w.keepOp(entry{kind: classRecord, text: encode(p), handle: uint32(h)})
	}
}

func (w *world) note() {
	e := entry{kind: noteRecord, note: NoteKind(w.r.IntN(3)), handle: uint32(w.r.IntN(30))}
	if w.r.IntN(4) > 0 {
		e.text = "note-" + string(rune('a'+w.r.IntN(26)))
	}
	if w.journal != nil {
		w.journal.Note(NoteKey{e.note, e.handle}, e.text)
	}
	w.keepOp(e)
}

// step does something at random and returns the seq of a command.
func (w *world) step() uint64 {
	switch n := w.r.IntN(100); {
	case w.fixed && n < 3:
	case n == 0:
		w.addPlan()
	case n == 1:
		w.addClass()
	case n == 2:
		w.addType()
	case n < 9:
		w.note()
	}
	w.now += int64(w.r.IntN(3))
	if w.r.IntN(40) == 0 {
		w.now += 40
	}
	return w.do(w.command())
}

func (w *world) do(cmd core.Command) (seq uint64) {
	w.effects = w.state.Apply(w.now, cmd, w.effects[:0])
	if w.journal != nil {
		seq = w.journal.Command(w.now, &cmd, w.effects)
	}
	w.observe()
	w.keepOp(entry{kind: commandRecord, now: w.now, cmd: cmd, digest: digest(w.effects)})
	return seq
}

// observe keeps the last offers, for commands to come.
func (w *world) observe() {
	for _, e := range w.effects {
		if e.Kind == core.Offer {
			w.offers = append(w.offers, e)
		}
	}
	if len(w.offers) > 200 {
		w.offers = append(w.offers[:0], w.offers[len(w.offers)-100:]...)
	}
}

func (w *world) command() core.Command {
	agent := core.Agent(w.r.IntN(w.agents))
	c := core.Contact(w.r.IntN(w.contacts))
	switch n := w.r.IntN(100); {
	case n < 8:
		return core.Command{Op: core.OpSignIn, Agent: agent, Class: w.classes[w.r.IntN(len(w.classes))], Channels: 7}
	case n < 10:
		return core.Command{Op: core.OpSignOut, Agent: agent}
	case n < 22:
		return core.Command{Op: core.OpReady, Agent: agent}
	case n < 25:
		return core.Command{Op: core.OpNotReady, Agent: agent, Reason: core.ReasonUser}
	case n < 27:
		return core.Command{Op: core.OpReach, Agent: agent, Channels: uint8(w.r.IntN(8))}
	case n < 28 && w.patience == 0:
		return core.Command{Op: core.OpVanish, Agent: agent}
	case n < 60:
		cmd := core.Command{
			Op: core.OpArrive, Contact: c, Type: core.Type(w.r.IntN(w.types)), Plan: core.Plan(w.r.IntN(w.plans)),
			Tier: 1, Priority: int16(w.r.IntN(7) - 3), Time: w.now - int64(w.r.IntN(100)), Agent: core.Nobody,
		}
		if w.r.IntN(3) == 0 {
			cmd.Agent, cmd.Dur = agent, int64(w.r.IntN(30))
		}
		return cmd
	case n < 80 && len(w.offers) > 0:
		o := w.offers[len(w.offers)-1-w.r.IntN(min(8, len(w.offers)))]
		op := core.OpAccept
		if w.r.IntN(4) == 0 {
			op = core.OpReject
		}
		return core.Command{Op: op, Contact: o.Contact, Offer: o.Offer, Agent: o.Agent}
	case n < 83:
		return core.Command{Op: core.OpWithdraw, Contact: c}
	case n < 92:
		return core.Command{Op: core.OpEnd, Contact: c}
	case n < 94:
		return core.Command{Op: core.OpRequeue, Contact: c, Agent: core.Nobody}
	case n < 96:
		return core.Command{Op: core.OpWrapEnd, Contact: c}
	case n < 97:
		return w.newCommand(agent, c)
	case n < 98:
		return core.Command{Op: core.OpWrapExtend, Contact: c, Dur: 5}
	default:
		return core.Command{Op: core.OpTick}
	}
}

// newCommand is one of the rarer ones.
func (w *world) newCommand(agent core.Agent, c core.Contact) core.Command {
	cmd := core.Command{
		Op:      []core.Op{core.OpTransfer, core.OpMove, core.OpPark, core.OpResume, core.OpRoom, core.OpHandOver}[w.r.IntN(6)],
		Contact: c, Type: core.Type(w.r.IntN(w.types)), Plan: core.Plan(w.r.IntN(w.plans)), Tier: uint8(w.r.IntN(4)), Agent: agent,
		Dur: int64(w.r.IntN(20)), Other: core.Contact(w.r.IntN(40)),
	}
	if cmd.Op == core.OpRoom {
		cmd = core.Command{Op: core.OpRoom, Room: 1, Size: uint32(w.r.IntN(40))}
	}
	return cmd
}

// fingerprint is a hash of all that a State is.
func fingerprint(s *core.State) uint64 {
	data, _ := s.AppendBinary(nil)
	return roll(1, 0, data, 0)
}

// testConfig returns settings for tests in a new directory.
func testConfig(t testing.TB) Config {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Dir = filepath.Join(t.TempDir(), "journal")
	cfg.SyncInterval, cfg.RetryInterval = 2*time.Millisecond, 5*time.Millisecond
	cfg.CommitTimeout = 10 * time.Second
	return cfg
}

// open opens and starts a journal, which the test closes.
func open(t testing.TB, cfg Config, deps Deps) (*Journal, *Recovered) {
	t.Helper()
	if deps.OnHealth == nil {
		deps.OnHealth = func(err error) { t.Errorf("health: %v", err) }
	}
	j, rec, err := Open(cfg, testRules(), deps)
	require.NoError(t, err)
	j.Start()
	t.Cleanup(func() { _ = j.Close() })
	return j, rec
}

// await waits until seq is settled.
func await(t testing.TB, j *Journal, seq uint64) {
	t.Helper()
	j.Sync(seq)
	limit := time.After(20 * time.Second)
	for j.Settled() < seq {
		select {
		case <-j.Changed():
		case <-limit:
			require.FailNow(t, "not durable in time", "seq %d, durable %d", seq, j.Durable())
		}
	}
}

// copyDir returns the files of a journal, as a crash at one moment would leave
// them: not with a file of before and one of after a snapshot.
func copyDir(t testing.TB, dir string) string {
	t.Helper()
	for {
		to := t.TempDir()
		before, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, n := range before {
			b, err := os.ReadFile(filepath.Join(dir, n.Name()))
			if os.IsNotExist(err) {
				continue
			}
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(to, n.Name()), b, 0o600))
		}
		after, err := os.ReadDir(dir)
		require.NoError(t, err)
		if slices.EqualFunc(before, after, func(a, b os.DirEntry) bool { return a.Name() == b.Name() }) {
			return to
		}
	}
}

// lastLog returns the newest log of a directory.
func lastLog(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, logPrefix+"*"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names[len(names)-1]
}

// offsets returns where each record of a log begins, and its end.
func offsets(t testing.TB, log []byte) []int {
	t.Helper()
	var list []int
	at := 0
	for at < len(log) {
		list = append(list, at)
		at += frameSize + int(binary.LittleEndian.Uint32(log[at+4:])&maxPayload)
	}
	require.Equal(t, len(log), at)
	return append(list, at)
}
