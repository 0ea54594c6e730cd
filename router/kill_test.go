package router

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

const (
	victimDir    = "FILO_ROUTER_VICTIM"
	victimMails  = 10_000
	victimCalls  = 20
	victimAgents = 40
)

// victimEpoch is when the victim's first contact was enqueued; the others
// follow a millisecond apart.
var victimEpoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func victimConfig(dir string) Config {
	cfg := DefaultConfig()
	cfg.Journal.Dir = dir
	cfg.Journal.CommitTimeout = time.Minute // however busy the machine is
	return cfg
}

func mailID(i int) contact.ID { return contact.ID(fmt.Sprintf("c_%05d", i)) }

func mailAt(i int) time.Time { return victimEpoch.Add(time.Duration(i) * time.Millisecond) }

func placeMail(ctx context.Context, r *Router, i int) (*Ticket, error) {
	return r.Place(ctx, Request{
		Card: &contact.Card{Contact: mailID(i), Channel: contact.Email}, Target: contact.Target{Queue: "general"}, EnqueuedAt: mailAt(i),
	})
}

func agentID(i int) contact.AgentID { return contact.AgentID(fmt.Sprintf("agent%02d", i)) }

// victim is the process that is killed. It says what it was told, and never
// ends.
func victim(dir string) {
	ctx := context.Background()
	var mu sync.Mutex
	say := func(words ...any) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := fmt.Println(words...); err != nil {
			os.Exit(1)
		}
	}
	say("up")
	r, err := New(victimConfig(dir), Deps{Epoch: 1, RestartHold: time.Minute})
	if err != nil {
		say("failed", err)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { say("failed", r.Run(ctx)) })
	if len(r.Orphans()) > 0 {
		wg.Wait() // it is killed again, in its restart
	}
	tickets := make(map[contact.ID]*Ticket, victimMails)
	for i := range victimMails {
		if tickets[mailID(i)], err = placeMail(ctx, r, i); err != nil {
			say("failed", err)
		}
	}
	for i := range victimCalls {
		card := &contact.Card{Contact: contact.ID(fmt.Sprint("v_", i)), Channel: contact.Voice, Peer: fmt.Sprint("+39", i)}
		if _, err := r.Place(ctx, Request{Card: card, Target: contact.Target{Queue: "general"}, EnqueuedAt: mailAt(i)}); err != nil {
			say("failed", err)
		}
	}
	for i := range victimAgents {
		id := agentID(i)
		if err := r.SignIn(ctx, Agent{ID: id, Name: string(id)}); err != nil {
			say("failed", err)
		}
		wg.Go(func() { victimDesk(ctx, r, id, tickets, say) })
		if err := r.SetReady(ctx, id, true, ""); err != nil {
			say("failed", err)
		}
	}
	say("ready")
	wg.Wait()
}

// victimDesk accepts most offers and ends most of what it accepted; the rest
// stays open.
func victimDesk(ctx context.Context, r *Router, id contact.AgentID, tickets map[contact.ID]*Ticket, say func(...any)) {
	events, _ := r.Watch(id)
	for e := range events {
		if e.Kind != OfferEvent {
			continue
		}
		say("offered", e.Offer.Contact, id, e.Offer.ID.N)
		if rand.IntN(40) == 0 { //nolint:gosec // a test
			continue
		}
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) //nolint:gosec // a test
		if err := r.Accept(ctx, e.Offer.ID, id); err != nil {
			say("failed", err)
		}
		say("accepted", e.Offer.Contact, id)
		if rand.IntN(40) > 0 { //nolint:gosec // a test
			say("ending", e.Offer.Contact)
			if err := tickets[e.Offer.Contact].End(ctx, contact.Handled); err != nil {
				say("failed", err)
			}
			say("ended", e.Offer.Contact)
		}
	}
}

// testimony is what a victim said.
type testimony struct {
	accepted map[contact.ID]contact.AgentID
	ending   map[contact.ID]bool // may be over
	ended    map[contact.ID]bool
	offers   []string // "contact agent number"
}

// killed starts a victim and kills it some time after it said the word.
func killed(t *testing.T, dir, word string, after time.Duration) testimony {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this test
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := testimony{accepted: map[contact.ID]contact.AgentID{}, ending: map[contact.ID]bool{}, ended: map[contact.ID]bool{}}
	var kill *time.Timer
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			break // the last line may be torn
		}
		f := strings.Fields(line)
		switch f[0] {
		case word:
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		case "accepted":
			said.accepted[contact.ID(f[1])] = contact.AgentID(f[2])
		case "ending":
			said.ending[contact.ID(f[1])] = true
		case "ended":
			said.ended[contact.ID(f[1])] = true
		case "offered":
			said.offers = append(said.offers, strings.Join(f[1:], " "))
		case "failed":
			require.FailNow(t, line)
		}
	}
	require.NotNil(t, kill, "the victim never said %s", word)
	require.ErrorContains(t, cmd.Wait(), "killed")
	return said
}

// TestKill kills a router with -9 that has 10,000 mails waiting, offers open
// and acceptances told, and in some rounds its successor in the restart: what
// was told is so, nobody is lost or doubled, all keep their order and age.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for round := range 4 {
		dir := t.TempDir()
		said := killed(t, dir, "ready", time.Duration(10+rand.IntN(100))*time.Millisecond) //nolint:gosec // a test
		for range round % 3 {
			killed(t, dir, "up", time.Duration(rand.IntN(120))*time.Millisecond) //nolint:gosec // a test
		}
		afterKill(t, dir, said)
	}
}

func afterKill(t *testing.T, dir string, said testimony) {
	ctx, cancel := context.WithCancel(t.Context())
	start := time.Now()
	r, err := New(victimConfig(dir), Deps{Epoch: 2, RestartHold: time.Minute})
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(t, r.Run(ctx)) })
	defer wg.Wait()
	defer cancel()
	ready := time.Now()
	tickets := reconcile(t, r, said)
	placed := time.Now()
	requirePlaces(t, r, said, tickets)
	requireLostCalls(t, r)

	first := make(chan time.Duration, victimAgents)
	after := desks(ctx, t, r, tickets, func() { first <- time.Since(start) })
	t.Logf("restart: %d waited, %d accepted and not over, %d offers void; State after %v, all placed after %v, first offer after %v",
		len(r.Orphans()), len(said.accepted)-len(said.ended), len(said.offers)-len(said.accepted), ready.Sub(start), placed.Sub(start), <-first)
	for id, who := range said.accepted {
		if !said.ending[id] {
			require.Equal(t, who, after[id], "%s had accepted %s", who, id)
		}
	}
	require.Len(t, after, len(tickets), "each is served once")
}

// reconcile places what is open on record, as the conductor of messages does:
// all but what was ended.
func reconcile(t *testing.T, r *Router, said testimony) map[contact.ID]*Ticket {
	t.Helper()
	orphans := r.Orphans()
	for id := range said.accepted {
		if !said.ending[id] {
			require.Contains(t, orphans, id, "an acceptance was told")
		}
	}
	tickets := map[contact.ID]*Ticket{}
	for i := range victimMails {
		if said.ended[mailID(i)] {
			continue
		}
		tk, err := placeMail(t.Context(), r, i)
		require.NoError(t, err)
		tickets[mailID(i)] = tk
		require.True(t, tk.Enqueued().Equal(mailAt(i)), "%v", tk.Enqueued())
	}
	r.Reconciled()
	for _, words := range said.offers {
		var id string
		var who contact.AgentID
		var n uint64
		_, err := fmt.Sscan(words, &id, &who, &n)
		require.NoError(t, err)
		require.ErrorIs(t, r.Accept(t.Context(), contact.OfferID{Epoch: 1, N: n}, who), contact.ErrOfferGone)
	}
	return tickets
}

// requirePlaces: who had an agent is first, then all by age.
func requirePlaces(t *testing.T, r *Router, said testimony, tickets map[contact.ID]*Ticket) {
	t.Helper()
	s, err := r.Snapshot(t.Context())
	require.NoError(t, err)
	offered := map[contact.ID]bool{}
	for _, words := range said.offers {
		offered[contact.ID(strings.Fields(words)[0])] = true
	}
	var rest, got []contact.ID
	for _, w := range s.Queues[0].Waiting {
		if got = append(got, w.Contact); !offered[w.Contact] { // else nobody was told whether it was accepted
			rest = append(rest, w.Contact)
		}
	}
	require.Len(t, got, len(tickets), "nobody is lost or doubled")
	require.True(t, slices.IsSorted(rest))
	for id := range said.accepted {
		if !said.ending[id] {
			require.Less(t, slices.Index(got, id), slices.Index(got, rest[0]), "%s had an agent", id)
		}
	}
	require.Positive(t, s.Queues[0].On, "agents are still signed in")
}

func requireLostCalls(t *testing.T, r *Router) {
	t.Helper()
	call := &contact.Card{Contact: "v_again", Channel: contact.Voice, Peer: "+393"}
	tk, err := r.Place(t.Context(), Request{Card: call, Target: contact.Target{Queue: "general"}})
	require.NoError(t, err)
	require.True(t, tk.Enqueued().Equal(mailAt(3)), "the same number has its place again")
	require.NoError(t, tk.Withdraw(t.Context(), contact.Abandoned))
}

// desks serve all that waits and return who had which first.
func desks(ctx context.Context, t *testing.T, r *Router, tickets map[contact.ID]*Ticket, offered func()) map[contact.ID]contact.AgentID {
	t.Helper()
	all, served := context.WithCancel(ctx) // what was begun then is finished all the same
	defer served()
	var mu sync.Mutex
	var wg sync.WaitGroup
	after := map[contact.ID]contact.AgentID{}
	for i := range victimAgents {
		require.NoError(t, r.SignIn(ctx, Agent{ID: agentID(i)}))
	}
	for i := range victimAgents {
		id := agentID(i)
		events, unwatch := r.Watch(id)
		wg.Go(func() {
			defer unwatch()
			once := sync.OnceFunc(offered)
			for {
				select {
				case <-all.Done():
					return
				case e, ok := <-events:
					if !ok {
						t.Errorf("%s fell behind", id)
						return
					}
					if e.Kind != OfferEvent {
						continue
					}
					once()
					if err := r.Accept(ctx, e.Offer.ID, id); err != nil {
						t.Errorf("accept: %v", err)
					}
					mu.Lock()
					if after[e.Offer.Contact] != "" {
						t.Errorf("%s is served twice", e.Offer.Contact)
					}
					after[e.Offer.Contact] = id
					done := len(after) == len(tickets)
					mu.Unlock()
					if err := tickets[e.Offer.Contact].End(ctx, contact.Handled); err != nil {
						t.Errorf("end: %v", err)
					}
					if done {
						served()
					}
				}
			}
		})
		require.NoError(t, r.SetReady(ctx, id, true, ""))
	}
	wg.Wait()
	return after
}
