package dialog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flow is a call of which every step leaves time to repair one fault.
type flow struct {
	name           string
	caller, callee Config
	offer          bool // in the INVITE
	steps          []step
	races          bool // one fault may decide it the other way
}

// step is a command at a time.
type step struct {
	at     time.Duration
	callee bool
	do     Event
}

func caller(at time.Duration, do Event) step { return step{at, false, do} }
func callee(at time.Duration, do Event) step { return step{at, true, do} }

var flows = []flow{
	{name: "the caller hangs up", offer: true, steps: []step{callee(5*time.Second, Ring{}), callee(20*time.Second, Answer{}), caller(40*time.Second, Hangup{})}},
	{name: "the callee hangs up", offer: true, steps: []step{callee(5*time.Second, Answer{}), callee(40*time.Second, Hangup{})}},
	{name: "late offer", steps: []step{callee(5*time.Second, Answer{}), caller(40*time.Second, Hangup{})}},
	{name: "cancelled", offer: true, steps: []step{callee(5*time.Second, Ring{}), caller(20*time.Second, Hangup{})}},
	{name: "refused", offer: true, steps: []step{callee(5*time.Second, Ring{}), callee(20*time.Second, Hangup{Status: 486})}},
	{
		name: "early media, reliably", offer: true, caller: Config{Reliable: true},
		steps: []step{callee(5*time.Second, Progress{}), callee(20*time.Second, Answer{}), callee(40*time.Second, Hangup{})},
	},
	{
		name: "early media and answer at once", offer: true, caller: Config{Reliable: true},
		steps: []step{callee(5*time.Second, Progress{}), callee(5*time.Second, Answer{}), callee(40*time.Second, Hangup{})},
	},
	{
		name: "late offer in early media", caller: Config{Reliable: true},
		steps: []step{callee(5*time.Second, Progress{}), callee(20*time.Second, Answer{}), caller(40*time.Second, Hangup{})},
	},
	{
		name: "early media, and cancelled", offer: true, caller: Config{Reliable: true},
		steps: []step{callee(5*time.Second, Progress{}), caller(20*time.Second, Hangup{})},
	},
	{
		name: "an offer in early media", offer: true, caller: Config{Reliable: true},
		steps: []step{callee(5*time.Second, Progress{}), caller(15*time.Second, Offer{}), callee(25*time.Second, Offer{}), callee(35*time.Second, Answer{}), caller(60*time.Second, Hangup{})},
	},
	{
		name: "hold and resume by the caller", offer: true,
		steps: []step{callee(5*time.Second, Answer{}), caller(20*time.Second, Offer{}), caller(40*time.Second, Offer{}), caller(60*time.Second, Hangup{})},
	},
	{
		name: "hold and resume by the callee", offer: true,
		steps: []step{callee(5*time.Second, Answer{}), callee(20*time.Second, Offer{}), callee(40*time.Second, Offer{}), caller(60*time.Second, Hangup{})},
	},
	{
		name: "both change the session at once", offer: true,
		steps: []step{callee(5*time.Second, Answer{}), caller(20*time.Second, Offer{}), callee(20*time.Second, Offer{}), caller(70*time.Second, Hangup{})},
	},
	{
		name: "transfer", offer: true,
		steps: []step{
			callee(5*time.Second, Answer{}), caller(20*time.Second, Refer{To: "sip:c"}), callee(30*time.Second, Notify{180}),
			callee(40*time.Second, Notify{200}), caller(60*time.Second, Hangup{}),
		},
	},
	{
		name: "the session is refreshed", offer: true, caller: Config{Session: 2 * time.Minute}, callee: Config{Session: 3 * time.Minute},
		steps: []step{callee(5*time.Second, Answer{}), caller(5*time.Minute, Hangup{})},
	},
	{
		name: "the interval is too short", offer: true, caller: Config{Session: 2 * time.Minute}, callee: Config{MinSession: 4 * time.Minute},
		steps: []step{callee(20*time.Second, Answer{}), caller(3*time.Minute, Hangup{})},
	},
	{
		name: "both hang up at once", offer: true, races: true,
		steps: []step{callee(5*time.Second, Answer{}), caller(20*time.Second, Hangup{}), callee(20*time.Second, Hangup{})},
	},
	{
		name: "the answer crosses the CANCEL", offer: true, races: true,
		steps: []step{callee(5*time.Second, Ring{}), callee(20*time.Second, Answer{}), caller(20*time.Second, Hangup{})},
	},
	{
		name: "hung up right behind the answer", offer: true,
		steps: []step{callee(5*time.Second, Answer{}), callee(5*time.Second, Hangup{})}, races: true,
	},
	{
		name: "an offer crosses the hang-up", offer: true, races: true,
		steps: []step{callee(5*time.Second, Answer{}), caller(20*time.Second, Offer{}), callee(20*time.Second, Hangup{})},
	},
}

// TestMatrix plays each flow as it should go, and then once for every message
// in it: lost, doubled and late. One such fault changes nothing that anybody
// would notice.
func TestMatrix(t *testing.T) {
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			want, n := f.play(t, func(*world) {})
			require.Greater(t, n, 3)
			for i := 1; i <= n; i++ {
				for fault, set := range map[string]func(*world){
					"lost":    func(w *world) { w.lose = i },
					"doubled": func(w *world) { w.double = i },
					"late":    func(w *world) { w.late = i },
				} {
					got, _ := f.play(t, set)
					if !f.races {
						require.Equal(t, want, got, "message %d %s", i, fault)
					}
				}
			}
		})
	}
}

// play runs the flow and tells what both ends were told, and how many messages
// it took.
func (f *flow) play(t *testing.T, fault func(*world)) (string, int) {
	r := rand.New(rand.NewPCG(1, 2))
	w := &world{rand: r, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), forked: map[int]*forking{}, base: 20 * time.Millisecond}
	g := &game{w: w, rand: r}
	ends := [2]*actor{}
	for i, cfg := range []Config{f.caller, f.callee} {
		g.join(i)
		p := g.players[i]
		cfg.Tag, cfg.Seq, cfg.Seed, cfg.MaxDuration = p.tag, 1, uint64(i+1), time.Hour
		p.cfg, p.mood = cfg, mood{hangupAfter: 2 * time.Hour}
		ends[i] = &actor{player: p}
		p.station.user = ends[i].told
	}
	w.caller, w.callees = g.players[0].station, []*station{g.players[1].station}
	fault(w)
	for _, s := range f.steps {
		a := ends[0]
		if s.callee {
			a = ends[1]
		}
		w.after(s.at, func() { a.command(a.described(s.do)) })
	}
	invite := Invite{Target: "sip:callee"}
	if f.offer {
		invite.SDP = ends[0].sdp()
	}
	ends[0].m = New(ends[0].cfg)
	ends[0].command(invite)
	w.run(w.now.Add(3 * time.Hour))
	for _, p := range g.players {
		p.verdict()
	}
	require.Empty(t, g.faults)
	return ends[0].heard() + "\n" + ends[1].heard(), w.sent
}

// actor is a player who keeps to a script, and accepts what is offered.
type actor struct {
	*player
	lines []string
}

// described gives a command that needs one a session description.
func (a *actor) described(ev Event) Event {
	switch ev.(type) {
	case Answer:
		return Answer{SDP: a.sdp()}
	case Progress:
		return Progress{SDP: a.sdp()}
	case Offer:
		return Offer{SDP: a.sdp()}
	}
	return ev
}

func (a *actor) told(e Effect) {
	a.judge.told(e)
	switch e := e.(type) {
	case Offered:
		a.lines = append(a.lines, "offered "+string(e.SDP))
		a.later(time.Millisecond, func() { a.command(Accept{Tag: e.Tag, SDP: a.sdp()}) })
	case Answered:
		if !e.Refresh {
			a.lines = append(a.lines, "answered "+string(e.SDP))
		}
	case Provisional: // may be lost
	case Confirmed:
		a.lines = append(a.lines, "confirmed")
	case Ended:
		a.ended = &e
		a.lines = append(a.lines, fmt.Sprintf("ended: %v %d", e.Cause, e.Status))
	case Transfer:
		if e.Final {
			a.lines = append(a.lines, fmt.Sprintf("transferred %d", e.Status))
		}
	default:
		a.lines = append(a.lines, fmt.Sprintf("%T", e))
	}
}

// heard is what was told, in no order: a fault may change who comes first.
func (a *actor) heard() string {
	return a.name + ": " + strings.Join(slices.Sorted(slices.Values(a.lines)), ", ")
}
