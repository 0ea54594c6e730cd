package core

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	seedFlag   = flag.Uint64("router.seed", 0, "run the property test with this seed only")
	worldsFlag = flag.Int("router.worlds", 0, "worlds of the property test; 0: enough of them")
	seenFlag   = flag.Bool("router.seen", false, "log what decided something in the property test, and how often")
)

const stepsOfWorld = 2500

// TestReference runs random commands in random worlds through the State and
// the reference: every effect must be equal, and the invariants hold after
// every command. A failure names the seed: go test -router.seed=N.
func TestReference(t *testing.T) {
	worlds := *worldsFlag
	switch {
	case *seedFlag != 0:
		runWorld(t, *seedFlag)
		return
	case worlds == 0 && testing.Short():
		worlds = 12
	case worlds == 0 && raceEnabled:
		worlds = 60
	case worlds == 0:
		worlds = 960
	}
	const groups = 4
	var total tally
	t.Run("worlds", func(t *testing.T) {
		for g := range groups {
			t.Run("group", func(t *testing.T) {
				t.Parallel()
				for seed := 1 + g; seed <= worlds; seed += groups {
					total.add(runWorld(t, uint64(seed)))
				}
			})
		}
	})
	t.Logf("%d decisions equal to the reference, seeds 1 to %d", total.decisions, worlds)
	if *seenFlag {
		for _, feature := range slices.Sorted(maps.Keys(total.seen)) {
			t.Logf("%9d %s", total.seen[feature], feature)
		}
	}
	if t.Failed() || worlds < 60 {
		return
	}
	require.True(t, worlds < 960 || total.decisions > 500_000)
	for _, feature := range features() {
		require.NotZero(t, total.seen[feature], "nothing was decided by: %s", feature)
	}
}

// tally is what several worlds have reached together.
type tally struct {
	sync.Mutex
	decisions int
	seen      map[string]int
}

func (s *tally) add(w *world) {
	s.Lock()
	defer s.Unlock()
	s.decisions += w.decisions
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	for feature, n := range w.ref.seen {
		s.seen[feature] += n
	}
}

func runWorld(t *testing.T, seed uint64) *world {
	w := newWorld(t, seed)
	for range stepsOfWorld {
		w.step()
	}
	require.True(t, w.interned(), "seed %d", seed)
	return w
}

// world is one random centre with its State, its reference and what an
// observer of the effects believes.
type world struct {
	*pair
	draws
	*observer
	t         *testing.T
	seed      uint64
	at        int // commands so far
	now       int64
	years     int // that were skipped
	agents    int
	contacts  int
	skills    int
	planned   [][]Step
	profiled  []Profile
	decisions int
}

func newWorld(t *testing.T, seed uint64) *world {
	return newWorldOf(t, seed, rand.New(rand.NewPCG(seed, 0)))
}

// newWorldOf draws the world from the source; the seed is for messages only.
func newWorldOf(t *testing.T, seed uint64, source dice) *world {
	d := draws{dice: source}
	d.even = d.chance(3)
	w := &world{
		draws: d, pair: newPair(d.config()), t: t, seed: seed, now: 1000,
		agents: 1 + d.IntN(10), contacts: 3 + d.IntN(30), skills: 1 + d.IntN(4),
	}
	w.observer = newObserver(w)
	if d.chance(2) { // empty lanes go, else they stay in so small a world
		w.state.laneLimit = d.pick(1, 8, 40)
	}
	if d.chance(3) {
		w.now = 20 * year
	}
	plans, types, classes := 1+d.IntN(5), 2+d.IntN(5), 1+d.IntN(7)
	if d.chance(40) { // a large one, with sets of several words
		w.agents, w.contacts, w.skills = 40, 120, 5
		plans, types, classes = 20, 10, 90
	}
	for range plans {
		w.addPlan()
	}
	for range types {
		w.define()
	}
	for range classes {
		w.addClass()
	}
	return w
}

// addPlan and addClass make new ones, or change one thing in one that is there.
func (w *world) addPlan() {
	steps := w.draws.steps(w.skills)
	if n := len(w.planned); n > 0 && w.chance(3) {
		steps = w.like(w.planned[w.IntN(n)])
	}
	w.planned = append(w.planned, steps)
	w.plan(steps)
}

func (w *world) addClass() {
	p := w.profile(w.skills)
	if n := len(w.profiled); n > 0 && w.chance(3) {
		p = w.alike(w.profiled[w.IntN(n)])
	}
	w.profiled = append(w.profiled, p)
	w.class(p)
}

// define makes a work type, and what it was given stands.
func (w *world) define() {
	a, b := w.pair.workType(w.draws.workType(len(w.ref.types), len(w.plans)))
	require.Equal(w.t, b, a, "seed %d", w.seed)
	got, want := w.state.Settings(a), w.ref.types[b]
	if want.Overflow.On {
		require.True(w.t, w.samePlan(got.Overflow.Plan, want.Overflow.Plan), "seed %d", w.seed)
		got.Overflow.Plan = want.Overflow.Plan
	} else {
		want.Overflow = Overflow{}
	}
	require.Equal(w.t, want, got, "seed %d", w.seed)
}

func (w *world) step() {
	w.at++
	if w.chance(150) { // definitions while running
		switch w.IntN(3) {
		case 0:
			w.addPlan()
		case 1:
			w.addClass()
		case 2:
			if len(w.ref.types) < 14 {
				w.define()
			}
		}
	}
	w.pass()
	cmd := w.command()
	if cmd.Op == OpSignIn || cmd.Op == OpMove {
		w.do(Command{})
	}
	w.do(cmd)
	w.invariants()
}

// do lets both engines do the command and the observer see what happens.
func (w *world) do(cmd Command) {
	if !w.apply(w.now, cmd) {
		require.Failf(w.t, "the effects differ", "seed %d command %d, %d decisions, at %d: %s %+v\nwant\n%sgot\n%s",
			w.seed, w.at, w.decisions, w.now, cmd.Op, cmd, inWords(w.want), inWords(w.buf))
	}
	w.observe(cmd, w.buf)
}

// pass lets some time go by; seldom a year.
func (w *world) pass() {
	switch {
	case w.years < 5 && w.chance(2500):
		w.years++
		w.now += year - int64(w.IntN(20))
	case w.chance(40):
		w.now += int64(w.IntN(40))
	default:
		w.now += int64(w.pick(0, 0, 1, 2))
	}
}

// --- commands

var opWeights = [NumOp + 1]int{
	OpTick: 2, OpSignIn: 6, OpSignOut: 1, OpReady: 10, OpNotReady: 2, OpReach: 2, OpVanish: 1, OpArrive: 36,
	OpAccept: 14, OpReject: 5, OpWithdraw: 3, OpEnd: 10, OpRequeue: 3, OpTransfer: 4, OpMove: 4, OpPark: 3, OpResume: 3,
	OpWrapEnd: 4, OpWrapExtend: 2, OpRoom: 1, OpHandOver: 4, opEnd: 1,
}

// opPhases are those of the contacts that an operation is for.
var opPhases = map[Op][]Phase{
	OpAccept: {PhaseOffered}, OpReject: {PhaseOffered}, OpEnd: {PhaseConnected, PhaseParked}, OpPark: {PhaseConnected},
	OpRequeue: {PhaseConnected, PhaseParked}, OpTransfer: {PhaseConnected, PhaseParked}, OpResume: {PhaseParked},
	OpWrapEnd: {PhaseWrapUp}, OpWrapExtend: {PhaseWrapUp}, OpHandOver: {PhaseConnected},
}

func (w *world) op() Op {
	total := 0
	for _, n := range opWeights {
		total += n
	}
	k := w.IntN(total)
	for op, n := range opWeights {
		if k -= n; k < 0 {
			return Op(op)
		}
	}
	return OpTick
}

func (w *world) command() Command {
	cmd := Command{
		Op: w.op(), Agent: Agent(w.IntN(w.agents)), Contact: Contact(w.IntN(w.contacts)),
		Type: Type(w.IntN(len(w.ref.types))), Plan: Plan(w.IntN(len(w.plans))), Class: Class(w.IntN(len(w.classes))),
		Channels: 7, Reason: ReasonUser, Room: Room(w.IntN(3)), Size: uint32(w.IntN(5)),
	}
	if w.chance(4) {
		cmd.Channels = uint8(w.IntN(8))
	}
	switch cmd.Op {
	case OpArrive, OpTransfer, OpMove, OpHandOver:
		w.ask(&cmd)
	case OpAccept, OpReject:
		w.answer(&cmd)
	case OpEnd, OpPark:
		cmd.Contact = w.contactIn(cmd.Contact, PhaseConnected)
		cmd.Dur = w.extent(0, 3, 8, 20)
	case OpRequeue:
		cmd.Contact = w.contactIn(cmd.Contact, PhaseConnected, PhaseParked)
		if w.chance(2) {
			cmd.Agent = Nobody
		}
	case OpResume:
		cmd.Contact = w.contactIn(cmd.Contact, PhaseParked)
	case OpWrapEnd, OpWrapExtend:
		cmd.Contact = w.contactIn(cmd.Contact, PhaseWrapUp)
		cmd.Dur = w.extent(0, 2, 4, 9)
	}
	if needs, ok := opPhases[cmd.Op]; ok && !slices.Contains(needs, w.phaseOf(cmd.Contact)) && !w.chance(8) {
		cmd.Op = OpReady // there is none for it
	}
	if w.chance(100) { // nonsense
		cmd.Agent += Agent(w.pick(0, 20, 1<<30))
		cmd.Contact += Contact(w.pick(0, 100, 1000))
		cmd.Other += Contact(w.pick(0, 1, 1000))
		cmd.Type, cmd.Plan, cmd.Class = cmd.Type+Type(w.IntN(3)), cmd.Plan+Plan(w.IntN(3)), cmd.Class+Class(w.IntN(3))
	}
	return cmd
}

// answer names a pending offer, seldom one that is over or another agent.
func (w *world) answer(cmd *Command) {
	cmd.Contact = w.contactIn(cmd.Contact, PhaseOffered)
	if l := w.lives[cmd.Contact]; l != nil {
		cmd.Offer, cmd.Agent = l.offer.Offer, l.offer.Agent
	}
	if n := len(w.made); n > 0 && w.chance(20) {
		e := w.made[n-1-w.IntN(min(n, 8))]
		cmd.Contact, cmd.Offer, cmd.Agent = e.Contact, e.Offer, Agent(w.pick(int(e.Agent), 0))
	}
}

// extent is a duration of a command, seldom one beyond all bounds.
func (w *world) extent(of ...int) int64 {
	if w.chance(60) {
		return int64(w.pick(int(Forever)-1, int(Forever), -1<<63, -1, int(year)))
	}
	return int64(w.pick(of...))
}

// ask fills what an arrival, transfer or move asks for.
func (w *world) ask(cmd *Command) {
	switch cmd.Op {
	case OpArrive:
		if w.contactIn(Nothing, PhaseFree) == Nothing && !w.chance(8) {
			cmd.Op, cmd.Contact = OpWithdraw, w.contactIn(cmd.Contact, PhaseWaiting)
			return
		}
		cmd.Contact = w.contactIn(cmd.Contact, PhaseFree)
	case OpTransfer:
		cmd.Contact = w.contactIn(cmd.Contact, PhaseConnected, PhaseParked)
	case OpHandOver:
		cmd.Contact = w.contactIn(cmd.Contact, PhaseConnected)
		cmd.Other = w.contactIn(cmd.Contact, PhaseFree)
	default:
		cmd.Contact = w.contactIn(w.contactIn(cmd.Contact, PhaseWaiting), Phase(1+w.IntN(5)))
		if w.chance(2) { // to another type of its channel
			cmd.Type = w.sameChannel(cmd.Contact, cmd.Type)
		}
	}
	cmd.Tier, cmd.Priority = uint8(w.pick(0, 1, 2, 3, 4, 200)), int16(w.pick(0, 0, 0, 1, 2, 3, 4, -1, -4))
	cmd.Time = w.now - int64(w.pick(0, 3, 11, 40, int(w.now%16)))
	if w.chance(3) { // V as of others, by another priority
		cmd.Time = w.now - w.now%16 + int64(cmd.Priority)*min(int64(w.cfg.PriorityStep), 7)
	}
	if cmd.Op == OpHandOver {
		cmd.Time = w.extent(0, 3, 8, 20)
	} else if w.chance(100) {
		cmd.Time = int64(w.pick(-1<<63, 1<<63-1, int(w.now-year), int(w.now-2*year)))
	}
	switch w.IntN(5) {
	case 0:
		cmd.Dur = w.extent(3, 8, 20, 40)
	case 1:
		cmd.Dur = int64(Forever)
	case 2:
		cmd.Dur = 0
	default:
		cmd.Agent = Nobody
		cmd.Dur = w.extent(0, 8)
	}
}

// sameChannel returns a work type of the contact's channel, else other.
func (w *world) sameChannel(c Contact, other Type) Type {
	l := w.lives[c]
	from := w.IntN(len(w.ref.types))
	for i := range w.ref.types {
		t := Type((from + i) % len(w.ref.types))
		if l != nil && w.ref.types[t].Channel == w.ref.types[l.typ].Channel {
			return t
		}
	}
	return other
}

// contactIn returns a contact in one of the phases, else other.
func (w *world) contactIn(other Contact, phases ...Phase) Contact {
	from := w.IntN(w.contacts)
	for i := range w.contacts {
		c := Contact((from + i) % w.contacts)
		if slices.Contains(phases, w.phaseOf(c)) {
			return c
		}
	}
	return other
}

// --- invariants

// invariants hold after every command.
func (w *world) invariants() {
	fail := func(format string, args ...any) {
		require.Failf(w.t, "invariant", "seed %d command %d, %d decisions: "+format, append([]any{w.seed, w.at, w.decisions}, args...)...)
	}
	if len(w.ref.broken) > 0 {
		fail("offers against the load rule: %v", w.ref.broken)
	}
	for i := range w.ref.agents {
		a := Agent(i)
		got, want := w.state.Agent(a), w.ref.Agent(a)
		if got != want {
			fail("agent %d is %+v, want %+v", a, got, want)
		}
		if want.Room == 0 {
			continue
		}
		if list := w.ref.candidates(a); len(list) > 0 {
			fail("an eligible pair was left: agent %d contact %d", a, list[0])
		}
	}
	for i := range w.ref.contacts {
		c := Contact(i)
		got, want := w.state.Contact(c), w.ref.Contact(c)
		if got.Phase != PhaseFree && !w.samePlan(got.Plan, want.Plan) || !sameContact(got, want) {
			fail("contact %d is %+v, want %+v", c, got, want)
		}
		if w.phaseOf(c) != want.Phase || w.agentOf(c) != want.Agent {
			fail("contact %d is %+v, but the effects tell of %s with %d", c, want, w.phaseOf(c), w.agentOf(c))
		}
	}
	if w.at%8 == 0 {
		w.listsEqual(fail)
		w.queuesEqual(fail)
	}
	at, ok := w.state.NextDeadline()
	if wantAt, want := w.ref.NextDeadline(); ok != want || ok && (at != wantAt || at <= w.now) {
		fail("the next deadline is %d %t, want %d %t", at, ok, wantAt, want)
	}
}

// sameContact compares all but the plan, whose handles differ, and Virtual,
// which the State counts from elsewhere.
func sameContact(x, y ContactView) bool {
	return x.Phase == y.Phase && x.Held == y.Held && x.Tier == y.Tier && x.Priority == y.Priority &&
		x.Type == y.Type && x.Agent == y.Agent && x.Prefers == y.Prefers && x.Offer == y.Offer &&
		x.Enqueued == y.Enqueued && x.Deadline == y.Deadline && x.HeldTill == y.HeldTill
}

func (w *world) listsEqual(fail func(string, ...any)) {
	for i := range w.ref.agents {
		var got []Contact
		w.state.Has(Agent(i), func(c Contact) bool { got = append(got, c); return true })
		if !slices.Equal(got, w.ref.agents[i].has) {
			fail("agent %d has %v, want %v", i, got, w.ref.agents[i].has)
		}
	}
}

func (w *world) queuesEqual(fail func(string, ...any)) {
	for i := range w.ref.types {
		t := Type(i)
		got, want := w.state.WaitingIn(t), w.ref.WaitingIn(t)
		if got != want || w.state.Overloaded(t) != w.ref.Overloaded(t) {
			fail("%d wait in type %d, want %d", got, t, want)
		}
	}
	c, d := w.contactIn(0, PhaseWaiting), w.contactIn(0, PhaseWaiting)
	limit := w.pick(1, 3, 1000)
	if got, want := w.state.Position(c, limit), w.ref.Position(c, limit); got != want {
		fail("contact %d has position %d, want %d (limit %d)", c, got, want, limit)
	}
	if w.phaseOf(c) == PhaseWaiting && w.phaseOf(d) == PhaseWaiting && w.state.Before(c, d) != w.ref.Before(c, d) {
		fail("contact %d before %d: %t is wrong", c, d, w.state.Before(c, d))
	}
}
