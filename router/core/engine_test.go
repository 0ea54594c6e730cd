package core

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

// refPlan is the reference's handle of a plan of the State's.
func (p *pair) refPlan(x Plan) Plan {
	for _, both := range p.plans {
		if both[0] == x {
			return both[1]
		}
	}
	return ^Plan(0)
}
