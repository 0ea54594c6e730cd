package core

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seedFlag   = flag.Uint64("router.seed", 0, "run the property test with this seed only")
	worldsFlag = flag.Int("router.worlds", 120, "worlds of the property test")
)

// TestReference runs random commands in random worlds through the State and
// the reference: every effect must be equal, and the invariants hold after
// every command. A failure names the seed: go test -router.seed=N.
func TestReference(t *testing.T) {
	first, n := uint64(1), uint64(*worldsFlag) //nolint:gosec // a count
	if *seedFlag != 0 {
		first, n = *seedFlag, 1
	} else if testing.Short() {
		n = 10
	}
	decisions := 0
	for seed := first; seed < first+n; seed++ {
		w := newWorld(t, seed)
		for range 2600 {
			w.step()
		}
		decisions += w.decisions
	}
	t.Logf("%d decisions equal to the reference, seeds %d to %d", decisions, first, first+n-1)
	if *seedFlag == 0 && !testing.Short() {
		require.Greater(t, decisions, 100_000)
	}
}

// world is one random centre with its State, its reference and what an
// observer of the effects believes.
type world struct {
	t         *testing.T
	r         *rand.Rand
	seed      uint64
	steps     int
	state     *State
	ref       *reference
	now       int64
	offers    []Effect          // made; may be over
	phases    map[Contact]Phase // by the effects alone
	ends      map[uint64]int64  // pending offers, by deadline
	agents    int
	contacts  int
	decisions int
	buf       []Effect
}

func newWorld(t *testing.T, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable on purpose
	cfg := Config{
		RONALimit: r.IntN(3), PriorityStep: 7, MaxPriority: 3, MaxAgents: 32, MaxContacts: 256,
		Channels: []ChannelRule{{Weight: 6, Limit: r.IntN(2) * 9}, {Weight: 2, Limit: 4 + r.IntN(3)}, {Weight: 1}},
	}
	if r.IntN(2) == 0 {
		cfg.Exclude = 25
	}
	w := &world{
		t: t, r: r, seed: seed, now: 1000, state: New(cfg), ref: &reference{cfg: cfg},
		phases: map[Contact]Phase{}, ends: map[uint64]int64{}, agents: 1 + r.IntN(14), contacts: 4 + r.IntN(60),
	}
	skills := 1 + r.IntN(6)
	for range 2 + r.IntN(4) {
		w.addType()
	}
	for range 1 + r.IntN(5) {
		w.addSig(skills)
	}
	for range 1 + r.IntN(8) {
		w.addClass(skills)
	}
	return w
}

func (w *world) addType() {
	x := WorkType{
		Channel: Channel(w.r.IntN(3)), Select: Select(w.r.IntN(3)), Load: Load(w.r.IntN(3)),
		Patience: time.Duration(w.r.IntN(60)), OfferTimeout: time.Duration(3 + w.r.IntN(6)),
	}
	if w.r.IntN(2) == 0 {
		x.WrapUp = 9
	}
	w.ref.types = append(w.ref.types, x)
	require.EqualValues(w.t, len(w.ref.types)-1, w.state.WorkType(x))
}

func (w *world) addSig(skills int) {
	var needs []Requirement
	for range w.r.IntN(3) {
		needs = append(needs, Requirement{Skill: Skill(w.r.IntN(skills)), Min: uint8(20 * w.r.IntN(5))}) //nolint:gosec // small
	}
	sig := w.state.Signature(needs)
	if int(sig) == len(w.ref.sigs) {
		w.ref.sigs = append(w.ref.sigs, needs)
	}
}

func (w *world) addClass(skills int) {
	p := Profile{Capacity: 2 + w.r.IntN(10)}
	for ch := range 3 {
		p.Caps[ch] = uint16(w.r.IntN(4)) //nolint:gosec // small
	}
	for k := range skills {
		if w.r.IntN(3) > 0 {
			p.Skills = append(p.Skills, Proficiency{Skill: Skill(k), Level: uint8(20 * w.r.IntN(6))}) //nolint:gosec // small
		}
	}
	cl := w.state.Class(p)
	if int(cl) == len(w.ref.classes) {
		w.ref.classes = append(w.ref.classes, p)
	}
}

func (w *world) step() {
	w.steps++
	if w.r.IntN(200) == 0 { // definitions while running
		w.addSig(4)
		w.addClass(4)
	}
	w.now += int64(w.r.IntN(3))
	if w.r.IntN(40) == 0 {
		w.now += 40
	}
	cmd := w.command()
	w.buf = w.state.Apply(w.now, cmd, w.buf[:0])
	want := w.ref.apply(w.now, cmd)
	if len(want) == 0 {
		want = w.buf[:0]
	}
	if !equalEffects(want, w.buf) {
		require.Equal(w.t, want, w.buf, "seed %d step %d %s %+v", w.seed, w.steps, cmd.Op, cmd)
	}
	for _, e := range w.buf {
		w.observe(e)
	}
	require.Empty(w.t, w.ref.overload, "seed %d step %d", w.seed, w.steps)
	w.invariants()
}

// equalEffects compares all fields, but Considered only where it counts agents:
// for contacts it counts what the lanes hold.
func equalEffects(want, got []Effect) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		x := got[i]
		if x.Kind == Offer && x.Chose == ChoseContact {
			x.Considered = want[i].Considered
		}
		if x != want[i] {
			return false
		}
	}
	return true
}

var opWeights = []struct {
	op Op
	n  int
}{
	{OpTick, 4},
	{OpSignIn, 6},
	{OpSignOut, 1},
	{OpReady, 10},
	{OpNotReady, 2},
	{OpReach, 2},
	{OpVanish, 1},
	{OpArrive, 34},
	{OpAccept, 20},
	{OpReject, 5},
	{OpWithdraw, 5},
	{OpEnd, 14},
	{OpRequeue, 3},
	{OpWrapEnd, 4},
	{OpWrapExtend, 1},
	{opEnd, 1},
}

func (w *world) op() Op {
	total := 0
	for _, x := range opWeights {
		total += x.n
	}
	k := w.r.IntN(total)
	for _, x := range opWeights {
		if k -= x.n; k < 0 {
			return x.op
		}
	}
	return OpTick
}

//nolint:gosec // small numbers throughout
func (w *world) command() Command {
	cmd := Command{
		Op: w.op(), Agent: Agent(w.r.IntN(w.agents)), Contact: Contact(w.r.IntN(w.contacts)),
		Type: Type(w.r.IntN(len(w.ref.types))), Sig: Sig(w.r.IntN(len(w.ref.sigs))),
		Class: Class(w.r.IntN(len(w.ref.classes))), Channels: 7, Reason: ReasonUser,
	}
	switch cmd.Op {
	case OpReach:
		cmd.Channels = uint8(w.r.IntN(8))
	case OpArrive:
		cmd.Contact = w.freeContact()
		cmd.Time = w.now - int64(w.r.IntN(4)/3*w.r.IntN(60))
		cmd.Priority, cmd.Tier = int16(w.r.IntN(8)-4), uint8(1+w.r.IntN(8)/7)
		if w.r.IntN(3) > 0 {
			cmd.Agent = Nobody
		} else if w.r.IntN(2) == 0 {
			cmd.Dur = int64(w.r.IntN(30))
		}
	case OpAccept, OpReject:
		if n := len(w.offers); n > 0 {
			e := w.offers[max(0, n-1-w.r.IntN(6))]
			cmd.Contact, cmd.Offer = e.Contact, e.Offer
			if w.r.IntN(20) > 0 {
				cmd.Agent = e.Agent
			}
		}
	case OpEnd, OpRequeue, OpWrapEnd, OpWrapExtend:
		cmd.Contact = w.contactIn(map[Op]Phase{OpEnd: PhaseConnected, OpRequeue: PhaseConnected}[cmd.Op], cmd.Contact)
		cmd.Dur = int64(w.r.IntN(5))
		if w.r.IntN(2) == 0 {
			cmd.Agent = Nobody
		}
	}
	return cmd
}

func (w *world) freeContact() Contact {
	from := w.r.IntN(w.contacts)
	for i := range w.contacts {
		c := Contact((from + i) % w.contacts) //nolint:gosec // small
		if w.phases[c] == PhaseFree {
			return c
		}
	}
	return Contact(from) //nolint:gosec // small
}

// contactIn returns a contact in the phase (wrap-up when p is zero), else other.
func (w *world) contactIn(p Phase, other Contact) Contact {
	if p == PhaseFree {
		p = PhaseWrapUp
	}
	from := w.r.IntN(w.contacts)
	for i := range w.contacts {
		c := Contact((from + i) % w.contacts) //nolint:gosec // small
		if w.phases[c] == p {
			return c
		}
	}
	return other
}

// observe checks that the effects alone tell a legal story.
func (w *world) observe(e Effect) {
	move := func(to Phase, from ...Phase) {
		require.Contains(w.t, from, w.phases[e.Contact], "seed %d: %+v", w.seed, e)
		w.phases[e.Contact] = to
	}
	switch e.Kind {
	case Waiting:
		w.decisions++
		move(PhaseWaiting, PhaseFree, PhaseWaiting)
	case Offer:
		w.decisions++
		w.offers = append(w.offers, e)
		w.ends[e.Offer] = e.Time
		move(PhaseOffered, PhaseFree, PhaseWaiting)
	case OfferEnded:
		delete(w.ends, e.Offer)
		to := PhaseWaiting
		if e.How == Accepted {
			to = PhaseConnected
		}
		move(to, PhaseOffered)
	case Released:
		move(PhaseWaiting, PhaseConnected)
	case WrapUp:
		move(PhaseWrapUp, PhaseConnected, PhaseWrapUp)
	case Closed:
		move(PhaseFree, PhaseWaiting, PhaseConnected, PhaseWrapUp)
	case AgentState, Refused:
	}
}

// invariants hold after every command.
func (w *world) invariants() {
	for a := range w.ref.agents {
		id := Agent(a) //nolint:gosec // small
		if list := w.ref.candidates(id); len(list) > 0 {
			require.Fail(w.t, "an eligible pair was left", "seed %d step %d: agent %d contact %d", w.seed, w.steps, a, list[0])
		}
		v := w.state.Agent(id)
		units, count := w.ref.used(id)
		if int(v.Used) != units || v.Count != count || v.State != w.ref.status(id) || v.Stamp != w.ref.agents[a].stamp {
			require.Fail(w.t, "agents differ", "seed %d step %d: agent %d %+v", w.seed, w.steps, a, v)
		}
	}
	for c := range w.ref.contacts {
		v := w.state.Contact(Contact(c)) //nolint:gosec // small
		x := &w.ref.contacts[c]
		if v.Phase != x.phase || v.Agent != x.agent || v.Phase != w.phases[Contact(c)] { //nolint:gosec // small
			require.Fail(w.t, "contacts differ", "seed %d step %d: contact %d %+v, want %+v", w.seed, w.steps, c, v, x)
		}
	}
	for n, end := range w.ends {
		if end <= w.now {
			require.Fail(w.t, "an offer did not end", "seed %d step %d: offer %d", w.seed, w.steps, n)
		}
	}
	at, ok := w.state.NextDeadline()
	if ok != (len(w.ref.timers) > 0) || ok && at <= w.now {
		require.Fail(w.t, "timers differ", "seed %d step %d: next %d, %d of the reference", w.seed, w.steps, at, len(w.ref.timers))
	}
}
