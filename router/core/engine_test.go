package core

import (
	"fmt"
	"slices"
	"strings"
)

// engine is what the tests drive: the State, and the reference beside it.
type engine interface {
	Plan(steps []Step) Plan
	Class(p Profile) Class
	WorkType(w WorkType) Type
	Apply(now int64, cmd Command, dst []Effect) []Effect
	NextDeadline() (at int64, ok bool)
	Contact(c Contact) ContactView
	Agent(a Agent) AgentView
	Has(a Agent, yield func(Contact) bool)
	WaitingIn(t Type) int
	Overloaded(t Type) bool
	Position(c Contact, limit int) int
	Before(a, b Contact) bool
	Explain(offer Effect, dst []Candidate) ([]Candidate, Account)
}

var (
	_ engine = (*State)(nil)
	_ engine = (*reference)(nil)
)

// pair is a State and its reference. Handles of plans and classes are the
// position of their definition: each engine has its own, which equal
// definitions share.
type pair struct {
	cfg     Config
	state   *State
	ref     *reference
	plans   [][2]Plan // of the state, of the reference
	classes [][2]Class
	buf     []Effect
	want    []Effect
}

func newPair(cfg Config) *pair { return &pair{cfg: cfg, state: New(cfg), ref: newReference(cfg)} }

func (p *pair) plan(steps []Step) {
	p.plans = append(p.plans, [2]Plan{p.state.Plan(steps), p.ref.Plan(steps)})
}

func (p *pair) class(x Profile) {
	p.classes = append(p.classes, [2]Class{p.state.Class(x), p.ref.Class(x)})
}

// interned reports whether equal definitions have equal handles: what the
// reference knows as one the State knows as one.
func (p *pair) interned() bool {
	plans, classes := map[Plan]Plan{}, map[Class]Class{}
	for _, x := range p.plans {
		if s, ok := plans[x[1]]; ok && s != x[0] {
			return false
		}
		plans[x[1]] = x[0]
	}
	for _, x := range p.classes {
		if s, ok := classes[x[1]]; ok && s != x[0] {
			return false
		}
		classes[x[1]] = x[0]
	}
	return true
}

// workType defines the type; w.Overflow.Plan is a position.
func (p *pair) workType(w WorkType) (state, ref Type) {
	theirs := w
	w.Overflow.Plan, theirs.Overflow.Plan = p.planAt(w.Overflow.Plan)
	return p.state.WorkType(w), p.ref.WorkType(theirs)
}

func (p *pair) planAt(i Plan) (state, ref Plan) {
	if int(i) >= len(p.plans) {
		return ^Plan(0), ^Plan(0)
	}
	return p.plans[i][0], p.plans[i][1]
}

func (p *pair) classAt(i Class) (state, ref Class) {
	if int(i) >= len(p.classes) {
		return ^Class(0), ^Class(0)
	}
	return p.classes[i][0], p.classes[i][1]
}

// apply lets both do the command and reports whether their effects are equal.
func (p *pair) apply(now int64, cmd Command) bool {
	theirs := cmd
	cmd.Plan, theirs.Plan = p.planAt(cmd.Plan)
	cmd.Class, theirs.Class = p.classAt(cmd.Class)
	p.buf = p.state.Apply(now, cmd, p.buf[:0])
	p.want = p.ref.Apply(now, theirs, p.want[:0])
	return equalEffects(p.want, p.buf)
}

// equalEffects compares all fields, but Considered only where it counts agents:
// for contacts it is an upper bound.
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

// samePlan reports whether a handle of the State's and one of the reference's
// are of the same definition. The State may know more plans for equal.
func (p *pair) samePlan(state, ref Plan) bool {
	return slices.Contains(p.plans, [2]Plan{state, ref})
}

// inWords returns effects in short, one a line.
func inWords(effects []Effect) string {
	var b strings.Builder
	for _, e := range effects {
		switch e.Kind {
		case Refused:
			fmt.Fprintf(&b, "  refused %s: %s\n", e.Op, e.Code)
		case Waiting:
			fmt.Fprintf(&b, "  waiting c%d\n", e.Contact)
		case Offer:
			fmt.Fprintf(&b, "  offer #%d c%d -> a%d until %d side %d by %s of %d, next a%d c%d, load %d since %d\n", e.Offer,
				e.Contact, e.Agent, e.Time, e.Chose, e.Key, e.Considered, int32(e.NextAgent), int32(e.NextContact), e.Load, e.Since)
		case OfferEnded:
			fmt.Fprintf(&b, "  %s #%d c%d a%d\n", e.How, e.Offer, e.Contact, e.Agent)
		case AgentState:
			fmt.Fprintf(&b, "  a%d: %s ready %t reason %d\n", e.Agent, e.State, e.Ready, e.Reason)
		default:
			name := map[EffectKind]string{Released: "released", WrapUp: "wrap-up", Closed: "closed", Moved: "moved", Parked: "parked", Resumed: "resumed"}[e.Kind]
			fmt.Fprintf(&b, "  %s c%d a%d time %d type %d code %s\n", name, e.Contact, int32(e.Agent), e.Time, e.Type, e.Code)
		}
	}
	return b.String()
}
