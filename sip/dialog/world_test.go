package dialog

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seedFlag  = flag.Uint64("dialog.seed", 0, "run the world of this seed only, and tell it")
	callsFlag = flag.Uint64("dialog.calls", 0, "calls of TestWorlds; 0: enough of them")
)

// TestWorlds plays calls with random users over random networks in virtual
// time. Whatever happens, both ends end, agree on what they have agreed on, and
// leave nothing behind. A failure names its seed: go test -dialog.seed=N.
func TestWorlds(t *testing.T) {
	if *seedFlag != 0 {
		g := newGame(*seedFlag)
		g.log = func(line string) { t.Log(line) }
		require.Empty(t, g.play(), "seed %d", *seedFlag)
		return
	}
	calls := *callsFlag
	switch {
	case calls != 0:
	case testing.Short() || raceEnabled:
		calls = 10_000
	default:
		calls = 100_000
	}
	var seen tally
	t.Run("calls", func(t *testing.T) {
		const groups = 4
		for group := range uint64(groups) {
			t.Run("group", func(t *testing.T) {
				t.Parallel()
				for seed := 1 + group; seed <= calls && !t.Failed(); seed += groups {
					g := newGame(seed)
					if faults := g.play(); len(faults) > 0 {
						t.Errorf("seed %d:\n%s", seed, strings.Join(faults, "\n"))
					}
					seen.add(g)
				}
			})
		}
	})
	t.Logf("seeds 1 to %d: %s", calls, seen.String())
	require.True(t, t.Failed() || calls < 50_000 || seen.enough(), "the worlds are too dull: %s", seen.String())
}

// tally counts what the worlds have seen, so that a dull one is noticed.
type tally struct {
	calls, confirmed, agreed, messages atomic.Int64
	ends                               [NoSession + 1]atomic.Int64
	statuses                           [700]atomic.Int64 // that machines have sent
}

func (s *tally) add(g *game) {
	s.calls.Add(1)
	s.messages.Add(int64(g.w.sent))
	s.agreed.Add(int64(g.agreed))
	for _, p := range g.players {
		if p.confirmed {
			s.confirmed.Add(1)
		}
		if p.ended != nil {
			s.ends[p.ended.Cause].Add(1)
		}
		for status, n := range p.judge.statuses {
			s.statuses[status].Add(int64(n))
		}
	}
}

// enough: every way to end a call was taken.
func (s *tally) enough() bool {
	for c := HungUp; c <= NoSession; c++ {
		if c != Unreachable && c != Unacceptable && s.ends[c].Load() == 0 {
			return false
		}
	}
	for _, status := range []int{180, 183, 200, 202, 422, 481, 486, 487, 488, 491, 500, 504, 603} {
		if s.statuses[status].Load() == 0 {
			return false
		}
	}
	return s.agreed.Load() > s.calls.Load()/10
}

func (s *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d messages, %d ends confirmed, %d times in agreement; ended by", s.messages.Load(), s.confirmed.Load(), s.agreed.Load())
	for c := HungUp; c <= NoSession; c++ {
		fmt.Fprintf(&b, " %s: %d", strings.ReplaceAll(c.String(), " ", "_"), s.ends[c].Load())
	}
	b.WriteString("; sent")
	for status := range s.statuses {
		if n := s.statuses[status].Load(); n > 0 {
			fmt.Fprintf(&b, " %d: %d", status, n)
		}
	}
	return b.String()
}

// game is one call.
type game struct {
	w       *world
	rand    *rand.Rand
	players []*player // the caller first
	agreed  int
	faults  []string
	log     func(line string)
}

// player uses one station.
type player struct {
	*station
	g         *game
	name      string
	judge     *judge
	confirmed bool
	ended     *Ended
	sdps      int
	mood      mood
}

// mood is how one player behaves in one call.
type mood struct {
	rings, early, answers, rejects bool
	answerAfter                    time.Duration
	crashAfter                     time.Duration // 0: never
	hangupAfter                    time.Duration
	offers                         int
	slow                           time.Duration // to answer offers
}

func newGame(seed uint64) *game {
	r := rand.New(rand.NewPCG(seed, 0))
	w := &world{rand: r, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), forked: map[int]*forking{}}
	w.base = time.Duration(r.IntN(60)) * time.Millisecond
	if r.IntN(3) > 0 {
		w.drop = []float64{0.02, 0.1, 0.3, 0.5}[r.IntN(4)]
	}
	if r.IntN(3) > 0 {
		w.dup = []float64{0.02, 0.1, 0.3}[r.IntN(3)]
	}
	if r.IntN(2) > 0 {
		w.jitter = []time.Duration{20 * time.Millisecond, 300 * time.Millisecond, 3 * time.Second}[r.IntN(3)]
	}
	g := &game{w: w, rand: r}
	callees := 1
	if r.IntN(8) == 0 {
		callees = 2 + r.IntN(2)
	}
	for i := range 1 + callees {
		g.join(i)
	}
	w.caller = g.players[0].station
	for _, p := range g.players[1:] {
		w.callees = append(w.callees, p.station)
	}
	return g
}

func (g *game) chance(n int) bool { return g.rand.IntN(n) == 0 }

// moment is a time up to max that is often short.
func (g *game) moment(max time.Duration) time.Duration {
	f := g.rand.Float64()
	return time.Duration(f * f * f * float64(max))
}

func (g *game) join(i int) {
	r := g.rand
	p := &player{g: g, name: fmt.Sprint("callee", i), judge: newJudge()}
	if i == 0 {
		p.name = "caller"
	}
	cfg := Config{
		Tag: p.name, Seq: uint32(1 + r.IntN(1000)), Seed: r.Uint64(), Reliable: r.IntN(2) == 0,
		MaxEarly: 3 * time.Minute, MaxDuration: 20 * time.Minute,
	}
	if r.IntN(4) == 0 {
		cfg.Session = []time.Duration{90 * time.Second, 2 * time.Minute, 5 * time.Minute}[r.IntN(3)]
	}
	if r.IntN(8) == 0 {
		cfg.MinSession = 3 * time.Minute
	}
	p.mood = mood{
		rings: r.IntN(2) == 0, early: r.IntN(3) == 0, rejects: r.IntN(10) == 0, answers: r.IntN(20) > 0,
		answerAfter: g.moment(20 * time.Second), hangupAfter: g.moment(time.Minute), offers: r.IntN(3),
	}
	switch r.IntN(40) {
	case 0:
		p.mood.hangupAfter = time.Hour // never
	case 1, 2, 3:
		p.mood.hangupAfter = g.moment(10 * time.Minute)
	}
	if r.IntN(30) == 0 {
		p.mood.crashAfter = g.moment(10 * time.Minute)
	}
	if r.IntN(4) == 0 {
		p.mood.slow = g.moment(30 * time.Second)
	}
	p.station = &station{w: g.w, tag: p.name, cfg: cfg}
	p.station.user = p.told
	p.station.watch = p.watched
	g.players = append(g.players, p)
}

func (p *player) watched(in bool, ev any) {
	if p.g.log != nil {
		p.g.log(fmt.Sprintf("%12v %-8s %s %s", p.g.w.now.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), p.name, map[bool]string{true: ">", false: "<"}[in], show(ev)))
	}
	if r, ok := ev.(*Request); ok && in && r.Method == INVITE && r.ToTag == "" {
		p.judge.reset() // a new try is a new call
		p.ended, p.confirmed = nil, false
	}
	before := len(p.judge.faults)
	p.judge.message(in, ev)
	if len(p.judge.faults) > before && p.g.log != nil {
		p.g.log("            FAULT " + p.judge.faults[before])
	}
	if r, ok := ev.(*Request); ok && in && r.Method == INVITE && r.ToTag == "" {
		p.invited()
	}
}

func show(ev any) string {
	switch m := ev.(type) {
	case *Request:
		return writeRequest(m)
	case *Response:
		s := writeResponse(m)
		if m.Local {
			s += " local"
		}
		return s
	}
	return fmt.Sprintf("%T%+v", ev, ev)
}

func (p *player) sdp() []byte {
	p.sdps++
	return []byte(fmt.Sprintf("%s.%d", p.name, p.sdps))
}

// command gives the machine a command, if there is one.
func (p *player) command(ev Event) {
	if p.m == nil {
		return
	}
	if p.g.log != nil {
		p.g.log(fmt.Sprintf("%12v %-8s   %T", p.g.w.now.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), p.name, ev))
	}
	p.apply(ev)
}

func (p *player) later(d time.Duration, do func()) { p.g.w.after(d, do) }

// call begins the game.
func (p *player) call() {
	p.m = New(p.cfg)
	var sdp []byte
	if !p.g.chance(5) {
		sdp = p.sdp()
	}
	p.command(Invite{Target: "sip:callee", SDP: sdp})
	p.hangsUp()
}

func (p *player) hangsUp() {
	if p.mood.crashAfter > 0 {
		p.later(p.mood.crashAfter, func() { p.dead = true })
	}
	p.later(p.mood.hangupAfter, func() {
		p.g.compare()
		p.command(Hangup{Status: 486})
	})
}

// invited is what a callee does about a call.
func (p *player) invited() {
	mood := p.mood
	if mood.rings {
		p.later(mood.answerAfter/4, func() { p.command(Ring{}) })
	}
	if mood.early {
		p.later(mood.answerAfter/2, func() { p.command(Progress{SDP: p.sdp()}) })
	}
	if mood.rejects {
		p.later(mood.answerAfter, func() { p.command(Hangup{Status: 603}) })
	} else if mood.answers {
		p.later(mood.answerAfter, func() { p.command(Answer{SDP: p.sdp()}) })
	}
	p.hangsUp()
}

// told is what the application does about what it hears.
func (p *player) told(e Effect) {
	if p.g.log != nil {
		p.g.log(fmt.Sprintf("%12v %-8s * %T%+v", p.g.w.now.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), p.name, e, e))
	}
	p.judge.told(e)
	switch e := e.(type) {
	case Offered:
		p.decide(e)
	case Confirmed:
		p.confirmed = true
		p.talk()
	case Provisional:
		if p.g.chance(8) {
			p.later(p.g.moment(2*time.Second), func() { p.command(Offer{SDP: p.sdp()}) })
		}
	case Transferred:
		for _, status := range []int{180, 183, 200} {
			p.later(p.g.moment(10*time.Second), func() { p.command(Notify{Status: status}) })
		}
	case Ended:
		p.ended = &e
		p.justified(e)
	}
}

// justified checks the ends that only a bad network or a bad peer can cause.
func (p *player) justified(e Ended) {
	if len(p.g.players) > 2 {
		return // a fork that lost is told nothing more
	}
	// A response that is given late, and then takes seconds, may come too late.
	silent, alive := p.g.w.drop > 0.1 || p.g.w.jitter > time.Second, false
	for _, other := range p.g.players {
		silent = silent || other.dead
		alive = alive || other != p && other.m != nil && !other.m.Ended()
	}
	switch {
	case e.Cause == NoACK || e.Cause == NoPRACK || e.Cause == Gone && e.Status == 408:
		if !silent {
			p.g.fault("%s: %v, but messages arrive", p.name, e.Cause)
		}
	case e.Cause == Gone && alive:
		p.g.fault("%s: %v, but the far side is there", p.name, e.Cause)
	}
}

func (p *player) decide(e Offered) {
	if p.g.chance(20) {
		return // never
	}
	p.later(p.g.moment(p.mood.slow+time.Millisecond), func() {
		if p.g.chance(8) {
			p.command(Decline{Tag: e.Tag})
			return
		}
		p.command(Accept{Tag: e.Tag, SDP: p.sdp()})
	})
}

// talk is what happens in a call that is up.
func (p *player) talk() {
	for range p.mood.offers {
		at := p.g.moment(30 * time.Second)
		p.later(at, func() { p.command(Offer{SDP: p.sdp()}) })
		if p.g.chance(6) {
			p.later(at+p.g.moment(5*time.Second), func() { p.command(Withdraw{}) })
		}
	}
	if p.g.chance(3) {
		p.later(p.g.moment(30*time.Second), p.offerByUpdate)
	}
	if p.g.chance(6) {
		p.later(p.g.moment(30*time.Second), func() { p.command(Refer{To: "sip:somebody"}) })
	}
	p.later(15*time.Second, p.g.compare)
}

// offerByUpdate makes an offer in an UPDATE, which the machine itself would do in
// an early dialog only.
func (p *player) offerByUpdate() {
	m := p.m
	if m == nil || m.state != confirmed || m.d.talk != agreed || m.sent != nil || m.ours != nil || !m.d.idle() {
		return
	}
	r := Request{Method: UPDATE}
	r.SDP = p.sdp()
	m.sent = &reoffer{sdp: r.SDP}
	m.d.talk, m.d.in = offering, inUpdate
	m.enqueueUpdate(m.d, r)
	p.command(Tick{})
}

// compare checks that both ends have the same session, when nothing is going on
// that could still change it.
func (g *game) compare() {
	caller := g.players[0]
	if g.w.flying > 0 || caller.dead || !caller.quiet() || caller.m == nil || caller.m.state != confirmed {
		return
	}
	tag, _ := caller.m.RemoteTag()
	for _, callee := range g.players[1:] {
		if callee.tag != tag {
			continue
		}
		if callee.dead || !callee.quiet() || callee.m == nil || callee.m.state != confirmed {
			return
		}
		a, b := caller.m.d, callee.m.d
		if a.talk != agreed || b.talk != agreed || caller.m.theirs != nil || callee.m.theirs != nil {
			return
		}
		g.agreed++
		if string(a.local) != string(b.remote) || string(a.remote) != string(b.local) {
			g.fault("sessions differ: caller %s/%s, callee %s/%s", a.local, a.remote, b.local, b.remote)
		}
	}
}

func (g *game) fault(format string, a ...any) { g.faults = append(g.faults, fmt.Sprintf(format, a...)) }

// play runs the call to its end and says what was wrong.
func (g *game) play() []string {
	g.players[0].call()
	g.w.run(g.w.now.Add(40 * time.Minute))
	for _, p := range g.players {
		p.verdict()
	}
	return g.faults
}

// verdict checks one end after everything is over.
func (p *player) verdict() {
	for _, f := range p.judge.faults {
		p.g.fault("%s: %s", p.name, f)
	}
	if p.m == nil || p.dead {
		return
	}
	if p.ended == nil || !p.m.Done() {
		p.g.fault("%s: state %d, deadline %v", p.name, p.m.state, p.m.Deadline())
	}
	if p.m.ours != nil || p.m.theirs != nil || p.m.byed != nil || p.m.acks != nil || p.m.forks != nil {
		p.g.fault("%s: something is left: ours %v theirs %v bye %v acks %v forks %v", p.name, p.m.ours, p.m.theirs, p.m.byed, p.m.acks, p.m.forks)
	}
	for _, t := range p.servers {
		if t.finals != 1 && t.req.Method != ACK {
			p.g.fault("%s: %d final responses to %s %d", p.name, t.finals, t.req.Method, t.req.CSeq)
		}
	}
	for _, c := range p.clients {
		if c.active() {
			p.g.fault("%s: %s %d is still open", p.name, c.req.Method, c.req.CSeq)
		}
	}
}
