package core

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write the expectations of the golden scenarios anew")

// TestScenarios plays testdata/*.txt against the State and the reference;
// testdata/README.md documents the language.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			text := string(data)
			got := newPlayer(t, func(cfg Config) engine { return New(cfg) }).play(text)
			want := newPlayer(t, func(cfg Config) engine { return newReference(cfg) }).play(text)
			require.Equal(t, want, got, "the State and the reference differ")
			if *rewrite {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
				return
			}
			require.Equal(t, text, got)
		})
	}
}

// player runs one script.
type player struct {
	t        *testing.T
	make     func(Config) engine
	cfg      Config
	engine   engine // made by the first line that is no config or channel
	now      time.Duration
	channels []string
	queues   map[string]queue
	plans    map[string][]Step
	profiles map[string]script
	types    []string // names, by Type
	skills   names[Skill]
	groups   names[Queue]
	rooms    names[Room]
	agents   names[Agent]
	contacts names[Contact]
	offers   map[string]Effect
}

// names gives handles in order of appearance.
type names[H ~uint8 | ~uint16 | ~uint32] struct {
	list []string
}

func (n *names[H]) handle(name string) H {
	for i, x := range n.list {
		if x == name {
			return H(i)
		}
	}
	n.list = append(n.list, name)
	return H(len(n.list) - 1)
}

func (n *names[H]) of(h H, none string) string {
	if uint64(h) >= uint64(len(n.list)) {
		return none
	}
	return n.list[h]
}

// script is one line: the words without "=", and the others by name.
type script struct {
	words []string
	args  map[string]string
}

func parse(line string) script {
	code, _, _ := strings.Cut(line, "#")
	s := script{args: map[string]string{}}
	for _, w := range strings.Fields(code) {
		if k, v, ok := strings.Cut(w, "="); ok {
			s.args[k] = v
		} else {
			s.words = append(s.words, w)
		}
	}
	return s
}

func newPlayer(t *testing.T, engineOf func(Config) engine) *player {
	t.Helper()
	return &player{
		t: t, make: engineOf, cfg: Config{PriorityStep: time.Minute}, queues: map[string]queue{},
		plans: map[string][]Step{}, profiles: map[string]script{}, offers: map[string]Effect{},
		rooms: names[Room]{list: []string{"-"}}, // 0 is none
	}
}

// play returns the script with the effects that it really has.
func (p *player) play(text string) string {
	var out strings.Builder
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") && strings.TrimSpace(line) != "" {
			continue // an expectation
		}
		fmt.Fprintln(&out, line)
		s := parse(line)
		for k := range s.args {
			require.Contains(p.t, arguments, k, "line %d: %s", i+1, line)
		}
		if len(s.words) == 0 || p.define(s) {
			continue
		}
		if s.words[0] == "why" {
			fmt.Fprint(&out, p.why(s.words[1]))
			continue
		}
		if s.words[0] == "position" {
			fmt.Fprintf(&out, "  position %d\n", p.started().Position(p.contacts.handle(s.words[1]), 1000))
			continue
		}
		cmd, ok := p.command(s)
		require.True(p.t, ok, "line %d: unknown command: %s", i+1, line)
		for _, e := range p.started().Apply(p.nanos(), cmd, nil) {
			fmt.Fprintln(&out, "  "+p.print(e))
		}
	}
	return out.String()
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

func (p *player) nanos() int64 { return start + int64(p.now) }

func (p *player) started() engine {
	if p.engine == nil {
		p.engine = p.make(p.cfg)
	}
	return p.engine
}

var arguments = strings.Fields(`rona exclude step weight limit interrupts after needs agents channel group plan select
	load patience rate saturate promote offer wrap wrapkind wrapmax reserve overload room overflow overflowafter
	afterhold skills capacity caps queues reach prio tier since prefer hold as`)

// --- commands

var verbs = map[string]Op{
	"at": OpTick, "signin": OpSignIn, "signout": OpSignOut, "ready": OpReady, "notready": OpNotReady, "reach": OpReach,
	"vanish": OpVanish, "arrive": OpArrive, "accept": OpAccept, "stale": OpAccept, "reject": OpReject,
	"withdraw": OpWithdraw, "end": OpEnd, "requeue": OpRequeue, "transfer": OpTransfer, "move": OpMove, "park": OpPark,
	"resume": OpResume, "wrapend": OpWrapEnd, "wrapextend": OpWrapExtend, "room": OpRoom, "handover": OpHandOver,
}

func (p *player) command(s script) (Command, bool) {
	op, ok := verbs[s.words[0]]
	if !ok {
		return Command{}, false
	}
	cmd := Command{Op: op}
	switch {
	case op == OpTick:
		p.now = p.duration(s.words[1])
	case op == OpRoom:
		cmd.Room, cmd.Size = p.rooms.handle(s.words[1]), uint32(p.number(s.words[2]))
	case op <= OpVanish:
		p.agentCommand(&cmd, s)
	default:
		p.contactCommand(&cmd, s)
	}
	return cmd, true
}

func (p *player) agentCommand(cmd *Command, s script) {
	cmd.Agent, cmd.Reason = p.agents.handle(s.words[1]), ReasonUser
	switch cmd.Op {
	case OpSignIn:
		cmd.Class, cmd.Channels = p.class(s.words[1]), p.reachOf(s.args["reach"])
	case OpReach:
		cmd.Channels = p.reachOf(s.words[2])
	}
}

func (p *player) contactCommand(cmd *Command, s script) {
	name := s.words[1]
	cmd.Contact, cmd.Agent = p.contacts.handle(name), Nobody
	switch cmd.Op {
	case OpArrive, OpTransfer, OpMove:
		p.ask(cmd, s)
	case OpHandOver:
		p.ask(cmd, s)
		cmd.Other, cmd.Time = p.contacts.handle(s.args["as"]), int64(p.duration(s.args["wrap"]))
	case OpAccept, OpReject:
		o := p.offers[name]
		cmd.Offer, cmd.Agent = o.Offer, o.Agent
		if s.words[0] == "stale" {
			cmd.Offer += 1000
		}
		if len(s.words) > 2 {
			cmd.Agent = p.agents.handle(s.words[2])
		}
	case OpEnd:
		cmd.Dur = int64(p.duration(s.args["wrap"]))
	case OpRequeue:
		if x := s.args["exclude"]; x != "" {
			cmd.Agent = p.agents.handle(x)
		}
	case OpWrapExtend:
		cmd.Dur = int64(p.duration(s.words[2]))
	}
}

// ask reads what a contact asks for when it arrives, moves or is transferred.
func (p *player) ask(cmd *Command, s script) {
	q, ok := p.queues[s.words[2]]
	require.True(p.t, ok, "queue %s is not defined", s.words[2])
	cmd.Type, cmd.Plan = q.typ, p.plan(q.plan, s)
	cmd.Priority, cmd.Tier = int16(p.number(s.args["prio"])), 1
	if tier := s.args["tier"]; tier != "" {
		cmd.Tier = uint8(p.number(tier))
	}
	cmd.Time, cmd.Dur = p.nanos()+int64(p.duration(s.args["since"])), int64(p.duration(s.args["hold"]))
	if who := s.args["prefer"]; who != "" {
		cmd.Agent = p.agents.handle(who)
	}
}

// --- effects

func (p *player) print(e Effect) string {
	who, what := p.agents.of(e.Agent, "nobody"), p.contacts.of(e.Contact, "")
	switch e.Kind {
	case Refused:
		return fmt.Sprintf("refused %s: %s", e.Op, e.Code)
	case Waiting:
		return "waiting " + what
	case Offer:
		p.offers[what] = e
		return fmt.Sprintf("offer %s -> %s #%d until %s %s", what, who, e.Offer, until(e), p.reason(e))
	case OfferEnded:
		return fmt.Sprintf("%s %s %s #%d", e.How, what, who, e.Offer)
	case Released:
		return fmt.Sprintf("released %s %s", what, who)
	case WrapUp:
		return fmt.Sprintf("wrap-up %s %s %s", what, who, wrapEnd(e))
	case Closed:
		return "closed " + what + p.closed(e)
	case Moved:
		return fmt.Sprintf("moved %s to %s", what, p.types[e.Type])
	case Parked:
		return fmt.Sprintf("parked %s %s", what, who)
	case Resumed:
		return fmt.Sprintf("resumed %s %s", what, who)
	default:
		return who + ": " + status(e)
	}
}

func until(e Effect) string { return time.Duration(e.Time - start).String() }

func wrapEnd(e Effect) string {
	if e.Time == 0 {
		return "until she ends it"
	}
	return "until " + until(e)
}

func (p *player) closed(e Effect) string {
	switch {
	case e.Code != 0:
		return ": " + e.Code.String()
	case e.Agent != Nobody:
		return " " + p.agents.of(e.Agent, "")
	}
	return ""
}

func (p *player) reason(e Effect) string {
	if e.Chose == ChoseContact {
		if e.NextContact == Nothing {
			return fmt.Sprintf("took by %s", e.Key)
		}
		return fmt.Sprintf("took by %s, next %s", e.Key, p.contacts.of(e.NextContact, ""))
	}
	if e.NextAgent == Nobody {
		return fmt.Sprintf("by %s of %d", e.Key, e.Considered)
	}
	return fmt.Sprintf("by %s of %d, next %s", e.Key, e.Considered, p.agents.of(e.NextAgent, ""))
}

func status(e Effect) string {
	why := [...]string{"", "signed_in", "rona", "vanished", "leaving", "user"}[e.Reason]
	switch {
	case e.State == NotReady:
		return fmt.Sprintf("not_ready(%s)", why)
	case !e.Ready && e.State != LoggedOut:
		return fmt.Sprintf("%s, not ready(%s)", e.State, why)
	default:
		return e.State.String()
	}
}

// why explains the last offer of a contact.
func (p *player) why(name string) string {
	e := p.offers[name]
	list, acc := p.started().Explain(e, make([]Candidate, 0, 64))
	parts := []string{fmt.Sprintf("why %s -> %s: %s", name, p.agents.of(e.Agent, "-"), p.reason(e))}
	if acc.Contacts > 0 {
		parts = append(parts, fmt.Sprintf("of %d contacts", acc.Contacts))
	}
	parts = append(parts, fmt.Sprintf("tier %d", acc.Tier))
	if acc.Step > 0 {
		parts = append(parts, fmt.Sprintf("step %d", acc.Step))
	}
	if acc.Boost != 0 {
		parts = append(parts, "priority worth "+time.Duration(acc.Boost).String())
	}
	if acc.Overload {
		parts = append(parts, "overload")
	}
	var who []string
	for _, c := range list {
		who = append(who, fmt.Sprintf("%s %s", p.agents.of(c.Agent, "-"), c.Verdict))
	}
	return fmt.Sprintf("  %s\n  agents: %s\n", strings.Join(parts, "; "), strings.Join(who, ", "))
}
