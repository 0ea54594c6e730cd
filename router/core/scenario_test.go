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

// TestScenarios plays testdata/*.txt; testdata/README.md documents the language.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file) //nolint:gosec // our own testdata
			require.NoError(t, err)
			got := newPlayer(t).play(string(data))
			if *rewrite {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
				return
			}
			require.Equal(t, string(data), got)
		})
	}
}

// player runs one script.
type player struct {
	t        *testing.T
	cfg      Config
	state    *State // made by the first command that is no config or channel
	now      time.Duration
	channels []string
	queues   map[string]script
	skills   map[string]Skill
	agents   map[string]Agent
	names    []string // of agents
	profiles map[string]script
	contacts map[string]Contact
	called   []string // contacts
	offers   map[string]Effect
}

// script is one line: the words without "=", and the others by name.
type script struct {
	words []string
	args  map[string]string
	typ   Type
	sig   Sig
}

func newPlayer(t *testing.T) *player {
	t.Helper()
	return &player{
		t: t, cfg: Config{PriorityStep: time.Minute}, queues: map[string]script{}, skills: map[string]Skill{},
		agents: map[string]Agent{}, profiles: map[string]script{}, contacts: map[string]Contact{}, offers: map[string]Effect{},
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
		code, _, _ := strings.Cut(line, "#")
		s := script{args: map[string]string{}}
		for _, w := range strings.Fields(code) {
			if k, v, ok := strings.Cut(w, "="); ok {
				s.args[k] = v
			} else {
				s.words = append(s.words, w)
			}
		}
		if len(s.words) == 0 {
			continue
		}
		if p.define(s) {
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

func (p *player) started() *State {
	if p.state == nil {
		p.state = New(p.cfg)
	}
	return p.state
}

// --- commands

func (p *player) command(s script) (Command, bool) {
	verb := s.words[0]
	if verb == "at" {
		return Command{Op: OpTick}, true
	}
	if op, ok := map[string]Op{
		"signin": OpSignIn, "signout": OpSignOut, "ready": OpReady, "notready": OpNotReady, "reach": OpReach, "vanish": OpVanish,
	}[verb]; ok {
		return p.agentCommand(op, s), true
	}
	op, ok := map[string]Op{
		"arrive": OpArrive, "accept": OpAccept, "stale": OpAccept, "reject": OpReject, "withdraw": OpWithdraw,
		"end": OpEnd, "requeue": OpRequeue, "wrapend": OpWrapEnd, "wrapextend": OpWrapExtend,
	}[verb]
	if !ok {
		return Command{}, false
	}
	return p.contactCommand(op, s), true
}

func (p *player) agentCommand(op Op, s script) Command {
	cmd := Command{Op: op, Agent: p.agent(s.words[1]), Reason: ReasonUser}
	switch op {
	case OpSignIn:
		cmd.Class, cmd.Channels = p.class(s.words[1]), p.reachOf(s.args["reach"])
	case OpReach:
		cmd.Channels = p.reachOf(s.words[2])
	}
	return cmd
}

func (p *player) contactCommand(op Op, s script) Command {
	name := s.words[1]
	cmd := Command{Op: op, Contact: p.contact(name), Agent: Nobody}
	switch op {
	case OpArrive:
		p.arrival(&cmd, s)
	case OpAccept, OpReject:
		o := p.offers[name]
		cmd.Offer, cmd.Agent = o.Offer, o.Agent
		if s.words[0] == "stale" {
			cmd.Offer += 1000
		}
		if len(s.words) > 2 {
			cmd.Agent = p.agent(s.words[2])
		}
	case OpRequeue:
		if x := s.args["exclude"]; x != "" {
			cmd.Agent = p.agent(x)
		}
	case OpWrapExtend:
		cmd.Dur = int64(p.duration(s.words[2]))
	}
	return cmd
}

func (p *player) arrival(cmd *Command, s script) {
	q, ok := p.queues[s.words[2]]
	require.True(p.t, ok, "queue %s is not defined", s.words[2])
	var needs []Requirement
	for _, text := range []string{q.args["needs"], s.args["needs"]} {
		p.pairs(text, 1, func(k string, n int) { needs = append(needs, Requirement{p.skill(k), uint8(n)}) }) //nolint:gosec // at most 100
	}
	cmd.Type, cmd.Sig = q.typ, p.started().Signature(needs)
	cmd.Priority, cmd.Tier = int16(p.number(s.args["prio"])), 1 //nolint:gosec // few
	if tier := s.args["tier"]; tier != "" {
		cmd.Tier = uint8(p.number(tier)) //nolint:gosec // few
	}
	cmd.Time, cmd.Dur = p.nanos()+int64(p.duration(s.args["since"])), int64(p.duration(s.args["hold"]))
	if who := s.args["prefer"]; who != "" {
		cmd.Agent = p.agent(who)
	}
}

// --- effects

func (p *player) print(e Effect) string {
	who := "nobody"
	if e.Agent != Nobody && int(e.Agent) < len(p.names) {
		who = p.names[e.Agent]
	}
	what := ""
	if int(e.Contact) < len(p.called) {
		what = p.called[e.Contact]
	}
	until := time.Duration(e.Time - start)
	switch e.Kind {
	case Refused:
		return fmt.Sprintf("refused %s: %s", e.Op, e.Code)
	case Waiting:
		return "waiting " + what
	case Offer:
		p.offers[what] = e
		return fmt.Sprintf("offer %s -> %s #%d until %s %s", what, who, e.Offer, until, p.reason(e))
	case OfferEnded:
		return fmt.Sprintf("%s %s %s #%d", e.How, what, who, e.Offer)
	case Released:
		return fmt.Sprintf("released %s %s", what, who)
	case WrapUp:
		return fmt.Sprintf("wrap-up %s %s until %s", what, who, until)
	case Closed:
		if e.Agent == Nobody {
			return "closed " + what
		}
		return fmt.Sprintf("closed %s %s", what, who)
	default:
		return who + ": " + status(e)
	}
}

func (p *player) reason(e Effect) string {
	next, by := "", "by"
	if e.NextAgent != Nobody {
		next = ", next " + p.names[e.NextAgent]
	}
	if e.Chose == ChoseContact {
		by = "took by"
		if e.NextContact != Nothing {
			next = ", next " + p.called[e.NextContact]
		}
	}
	return fmt.Sprintf("%s %s of %d%s", by, e.Key, e.Considered, next)
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
