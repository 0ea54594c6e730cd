package journal

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/router/core"
)

const victimDir = "FILO_JOURNAL_VICTIM"

// victimWaiting contacts arrive before the victim begins to work.
const victimWaiting = 12_000

// victim is the process that is killed. It fills a centre with waiting contacts
// and open offers, prints "ready" and goes on for ever: "digest <seq> <state>"
// for each command, and "durable <seq>" for what it was told is durable.
func victim(dir string) {
	cfg := DefaultConfig()
	cfg.Dir, cfg.SegmentBytes, cfg.CommitTimeout = dir, 256<<10, time.Minute // however busy the machine is
	j, rec, err := Open(cfg, testRules(), Deps{OnHealth: func(err error) { fmt.Println("failed", err) }})
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	j.Start()
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	w := newWorld(11, rec.State, j)
	w.agents, w.patience = 400, time.Hour
	busyCentre(w, victimWaiting)
	w.fixed = true
	for n := 0; ; n++ {
		seq := w.step()
		fmt.Fprintln(out, "digest", seq, fingerprint(w.state))
		if n%16 == 0 {
			j.Sync(seq)
			for j.Settled() < seq {
				<-j.Changed()
			}
			fmt.Fprintln(out, "durable", j.Durable())
		}
		if n == 0 {
			fmt.Fprintln(out, "ready", len(w.offers))
		}
		if err := out.Flush(); err != nil {
			return
		}
	}
}

// busyCentre has n contacts that wait, and agents with offers pending.
func busyCentre(w *world, n int) {
	w.define()
	w.contacts = n + 2000
	for c := range n {
		w.now += 2
		w.do(core.Command{
			Op: core.OpArrive, Contact: core.Contact(c), Type: core.Type(w.r.IntN(w.types)), Plan: core.Plan(w.r.IntN(w.plans)),
			Tier: 1, Time: w.now, Agent: core.Nobody,
		})
		w.journal.Note(NoteKey{1, uint32(c)}, "contact-"+strconv.Itoa(c))
	}
	for a := range w.agents {
		w.do(core.Command{Op: core.OpSignIn, Agent: core.Agent(a), Class: w.classes[w.r.IntN(len(w.classes))], Channels: 7})
		w.do(core.Command{Op: core.OpReady, Agent: core.Agent(a)})
	}
}

// TestKill kills a process with -9 that has 10,000 contacts waiting and
// offers open, several times at random moments. The restart is bit-identical to the
// State at the last whole record, and has all that was said to be durable.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	compared := 0
	for round := range 5 {
		dir := t.TempDir()
		said := killed(t, dir, time.Duration(round*37)*time.Millisecond)
		start := time.Now()
		cfg := DefaultConfig()
		cfg.Dir = dir
		j, rec, err := Open(cfg, testRules(), Deps{})
		require.NoError(t, err)
		took := time.Since(start)
		j.Start()
		require.GreaterOrEqual(t, rec.Seq, said.durable)
		want, ok := said.stateAt(rec.Seq)
		if ok { // else it died before it could say
			require.Equal(t, want, fingerprint(rec.State))
			compared++
		}
		waiting, offered := phases(rec.State, victimWaiting+2000)
		t.Logf("killed after %d records: %d said to be durable, %d recovered, %d bytes cut; %d waiting, %d offers; took %v, the same: %t",
			said.last, said.durable, rec.Seq, rec.Cut, waiting, offered, took.Round(time.Millisecond), ok)
		require.Greater(t, waiting, 10_000)
		require.Greater(t, len(rec.Notes), victimWaiting*9/10)
		require.Greater(t, offered, 50)
		require.Less(t, took, 2*time.Second)
		require.NoError(t, j.Close())
	}
	require.Positive(t, compared)
}

type testimony struct {
	states        map[uint64]uint64
	durable, last uint64
}

// stateAt returns what the victim said its State was after seq records. A note,
// which changes nothing, may be the last of them.
func (s testimony) stateAt(seq uint64) (state uint64, ok bool) {
	if seq > s.last {
		return 0, false
	}
	for !ok && seq > 0 {
		state, ok = s.states[seq]
		seq--
	}
	return state, ok
}

// killed starts a victim, kills it some time after it is ready and returns what
// it said.
func killed(t *testing.T, dir string, after time.Duration) testimony {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this test
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := testimony{states: map[uint64]uint64{}}
	var kill *time.Timer
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break // the last line may be torn
		}
		f := strings.Fields(line)
		switch f[0] {
		case "ready":
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		case "digest":
			said.last = number(t, f[1])
			said.states[said.last] = number(t, f[2])
		case "durable":
			said.durable = number(t, f[1])
		case "failed":
			require.FailNow(t, line)
		}
	}
	require.NotNil(t, kill, "the victim was never ready")
	require.ErrorContains(t, cmd.Wait(), "killed")
	return said
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	require.NoError(t, err)
	return n
}

func phases(s *core.State, contacts int) (waiting, offered int) {
	for c := range core.Contact(contacts) {
		switch s.Contact(c).Phase {
		case core.PhaseWaiting:
			waiting++
		case core.PhaseOffered:
			offered++
		}
	}
	return waiting, offered
}
