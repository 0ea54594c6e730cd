package message

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/router"
)

func TestMailReachesAnAgentIsAnsweredAndClosed(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	desk := ce.agent("paola")
	got, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	require.Equal(t, 1, ce.record.open(), "durable before the acknowledgement")
	id := ce.accept(desk, "paola")
	require.Equal(t, got.Contact, id)

	event, err := ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "It arrives on Friday."})
	require.NoError(t, err)
	require.Len(t, ce.out.sent, 1)
	out := ce.out.sent[0]
	require.Equal(t, "giulia@example.com", out.Peer)
	require.Equal(t, "m1@x", out.Ref)
	require.Equal(t, "th", out.Thread)
	require.Equal(t, out.Event, event)
	reply := ce.record.all()[1]
	require.Equal(t, got.Event, reply.InReplyTo)
	require.Equal(t, contact.Outbound, reply.Dir)
	require.Equal(t, id, reply.Contact)
	require.Equal(t, event, ce.record.answered[got.Event])
	require.Equal(t, 1, ce.record.open(), "a reply alone closes nothing")

	require.NoError(t, ce.Close(ctx, contact.WrapUpNote{Contact: id, Agent: "paola", Disposition: "solved", Note: "late parcel"}))
	require.Zero(t, ce.record.open())
	note := ce.record.all()[2]
	require.Equal(t, journey.KindNote, note.Kind)
	require.Equal(t, "solved", note.Attrs["disposition"])
	require.Eventually(t, func() bool { return !ce.ledger.of(id).WrapUpEndAt.IsZero() }, 5*time.Second, time.Millisecond)
	seg := ce.ledger.of(id)
	require.Equal(t, contact.Handled, seg.Result)
	require.Equal(t, contact.AgentID("paola"), seg.Agent)
	require.False(t, seg.AnsweredAt.IsZero())
	require.Equal(t, "support", seg.Queue)
	problems, err := testutil.GatherAndLint(ce.reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestReplyThatClosesLeavesTheNoteForWrapUp(t *testing.T) {
	ctx := t.Context()
	for _, queue := range []string{"support", "sales"} { // without and with wrap-up
		t.Run(queue, func(t *testing.T) {
			ce := start(t, newRecord())
			desk := ce.agent("paola")
			in := mailFrom("m1@x", "th", "giulia@example.com")
			in.Target.Queue = queue
			_, err := ce.Received(ctx, in)
			require.NoError(t, err)
			id := ce.accept(desk, "paola")
			_, err = ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "Done.", Close: true})
			require.NoError(t, err)
			require.Zero(t, ce.record.open())
			_, err = ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "And more."})
			require.Error(t, err)
			require.NoError(t, ce.Close(ctx, contact.WrapUpNote{Contact: id, Agent: "paola", Disposition: "solved"}))
			require.Eventually(t, func() bool { return !ce.ledger.of(id).WrapUpEndAt.IsZero() }, 5*time.Second, time.Millisecond)
			require.Equal(t, contact.Handled, ce.ledger.of(id).Result)
		})
	}
}

func TestFurtherMessagesJoinTheOpenContact(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	first, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	tests := []struct {
		name   string
		in     Inbound
		joined bool
	}{
		{"same thread and person", mailFrom("m2@x", "th", "giulia@example.com"), true},
		{"same thread, stranger", mailFrom("m3@x", "th", "eve@example.com"), false},
		{"same person, other thread", mailFrom("m4@x", "other", "giulia@example.com"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ce.Received(ctx, tt.in)
			require.NoError(t, err)
			require.Equal(t, tt.joined, got.Contact == first.Contact)
		})
	}
	_, st := unpack(ce.record.contacts[first.Contact])
	require.Equal(t, []string{first.Event, "e_001"}, st.Pending)
	require.Equal(t, "m2@x", st.Ref)
	require.Equal(t, []string{"m1@x"}, st.Refs)
}

func TestNewMessageAfterCloseIsANewContact(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	desk := ce.agent("paola")
	_, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	id := ce.accept(desk, "paola")
	_, err = ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "Done.", Close: true})
	require.NoError(t, err)
	got, err := ce.Received(ctx, mailFrom("m2@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	require.NotEqual(t, id, got.Contact)
	again, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	require.True(t, again.Duplicate)
	require.Equal(t, 1, ce.record.open(), "a late copy opens nothing")
}

func TestThreadGoesBackToItsAgent(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	paola, marta := ce.agent("paola"), ce.agent("marta")
	in := mailFrom("m1@x", "th", "giulia@example.com")
	in.Target.Preferred = "marta"
	_, err := ce.Received(ctx, in)
	require.NoError(t, err)
	id := ce.accept(marta, "marta")
	_, err = ce.Reply(ctx, contact.Reply{Contact: id, Agent: "marta", Body: "Done.", Close: true})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return ce.byID(id) == nil }, 5*time.Second, time.Millisecond)
	_, err = ce.Received(ctx, mailFrom("m2@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	require.Equal(t, "preferred", ce.offer(marta).Why.Key)
	require.NotNil(t, paola)
}

func TestWritePutsTheMessageOnTheThread(t *testing.T) {
	ce := start(t, newRecord())
	id, err := ce.Write(t.Context(), contact.Email, Outgoing{Inbox: "help@shop.example", Peer: "giulia@example.com", Subject: "Your order", Body: "It is on its way."})
	require.NoError(t, err)
	e := ce.record.all()[0]
	require.Equal(t, id, e.ID)
	require.Equal(t, ce.out.sent[0].Event, id, "links in it name the event")
	require.Equal(t, contact.Outbound, e.Dir)
	require.Equal(t, []journey.Identity{{Type: journey.Mail, Value: "giulia@example.com"}}, e.Identities)
	require.Zero(t, ce.record.open())
	_, err = ce.Write(t.Context(), contact.Web, Outgoing{Body: "x"})
	require.ErrorIs(t, err, ErrNoConnector)
}

func TestQuietMessagesMakeNoContact(t *testing.T) {
	ce := start(t, newRecord())
	in := mailFrom("m1@x", "th", "robot@example.com")
	in.Quiet = true
	got, err := ce.Received(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, got.Contact)
	require.Len(t, ce.record.all(), 1)
	require.Zero(t, ce.record.open())
}

func TestNothingIsAcknowledgedThatIsNotStored(t *testing.T) {
	for _, method := range []string{"Ingest", "SaveContact"} {
		t.Run(method, func(t *testing.T) {
			ctx := t.Context()
			ce := start(t, newRecord())
			ce.record.failOnce(method, errDisk)
			_, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
			require.ErrorIs(t, err, errDisk)
			// The sender tries again: now there is one event and one contact.
			got, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
			require.NoError(t, err)
			require.Len(t, ce.record.all(), 1)
			require.Equal(t, 1, ce.record.open())
			require.Equal(t, ce.record.all()[0].Contact, got.Contact)
			require.Equal(t, got.Contact, ce.offer(ce.agent("paola")).Contact)
		})
	}
}

func TestRestartKeepsAgeOrderThreadAndAgent(t *testing.T) {
	ctx := t.Context()
	rec := newRecord()
	ce := start(t, rec)
	desk := ce.agent("paola")
	_, err := ce.Received(ctx, mailFrom("m1@x", "a", "giulia@example.com"))
	require.NoError(t, err)
	held := ce.accept(desk, "paola")
	require.NoError(t, ce.router.SetReady(ctx, "paola", false, "break"))
	old := mailFrom("m2@x", "b", "marco@example.com")
	old.Event.ReceivedAt = time.Now().Add(-time.Hour)
	waiting, err := ce.Received(ctx, old)
	require.NoError(t, err)
	ce.stop()
	require.Equal(t, 2, rec.open())
	_, err = ce.Received(ctx, mailFrom("m9@x", "c", "late@example.com"))
	require.Error(t, err, "a stopped conductor takes nothing")

	ce = start(t, rec)
	<-ce.Ready()
	joined, err := ce.Received(ctx, mailFrom("m3@x", "b", "marco@example.com"))
	require.NoError(t, err)
	require.Equal(t, waiting.Contact, joined.Contact)
	other := ce.agent("marta")
	o := ce.offer(other)
	require.Equal(t, waiting.Contact, o.Contact, "the held one waits for paola")
	require.True(t, o.Card.Arrived.Equal(old.Event.ReceivedAt))
	require.Equal(t, "Consegna?", o.Card.Subject)
	require.NoError(t, ce.router.Accept(ctx, o.ID, "marta"))
	id := ce.accept(ce.agent("paola"), "paola")
	require.Equal(t, held, id)
	_, err = ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "Still here."})
	require.NoError(t, err)
	require.Equal(t, "a", ce.out.sent[0].Thread)
	require.Equal(t, "help@shop.example", ce.out.sent[0].Inbox)
}

func TestRestartDoesNotWaitForeverForTheAgent(t *testing.T) {
	rec := newRecord()
	ce := start(t, rec)
	_, err := ce.Received(t.Context(), mailFrom("m1@x", "a", "giulia@example.com"))
	require.NoError(t, err)
	id := ce.accept(ce.agent("paola"), "paola")
	ce.stop()
	ce = start(t, rec)
	require.Equal(t, id, ce.offer(ce.agent("marta")).Contact)
}

// What the router has kept over the restart is placed again at once; it knows
// who accepted, even if the Record does not, and forgets what is over there.
func TestRestartWithTheRoutersJournal(t *testing.T) {
	ctx := t.Context()
	rec, dir := newRecord(), t.TempDir()
	ce := startIn(t, rec, dir)
	paola := ce.agent("paola")
	_, err := ce.Received(ctx, mailFrom("m1@x", "a", "giulia@example.com"))
	require.NoError(t, err)
	o := ce.offer(paola)
	rec.failOnce("SaveContact", errDisk) // killed before the agent was on record
	require.NoError(t, ce.router.Accept(ctx, o.ID, "paola"))
	require.Eventually(t, func() bool { return ce.ledger.of(o.Contact).Agent == "paola" }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return !rec.failing("SaveContact") }, 5*time.Second, time.Millisecond)
	require.NoError(t, ce.router.SetReady(ctx, "paola", false, "break"))
	var waiting []contact.ID
	for i := range 3 {
		got, err := ce.Received(ctx, mailFrom(fmt.Sprintf("w%d@x", i), fmt.Sprint("w", i), "marco@example.com"))
		require.NoError(t, err)
		waiting = append(waiting, got.Contact)
		require.Eventually(t, func() bool { return len(waitingIn(t, ce)) == i+1 }, 5*time.Second, time.Millisecond)
	}
	ce.stop()
	require.Empty(t, rec.contacts[o.Contact].Agent)
	require.NoError(t, rec.CloseContact(ctx, waiting[1])) // answered, but the router was not told any more

	ce = startIn(t, rec, dir)
	require.Len(t, ce.router.Orphans(), 4)
	marta := ce.agent("marta")
	require.Equal(t, waiting[0], ce.offer(marta).Contact)
	require.Eventually(t, func() bool { return ce.reconciled.Load() == 1 }, 5*time.Second, time.Millisecond, "the router was told that all is placed")
	require.Equal(t, waiting[2], ce.offer(marta).Contact)
	require.Equal(t, o.Contact, ce.offer(ce.agent("paola")).Contact)
	require.Len(t, waitingIn(t, ce), 3, "offered, and no more")
}

func TestReplyIsRefused(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	desk := ce.agent("paola")
	_, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	id := ce.accept(desk, "paola")
	tests := []struct {
		name string
		r    contact.Reply
		want error
	}{
		{"unknown contact", contact.Reply{Contact: "c_x", Agent: "paola", Body: "hi"}, contact.ErrNoContact},
		{"another's contact", contact.Reply{Contact: id, Agent: "marta", Body: "hi"}, contact.ErrNotYours},
		{"empty", contact.Reply{Contact: id, Agent: "paola", Body: " \n"}, ErrEmptyReply},
		{"too long", contact.Reply{Contact: id, Agent: "paola", Body: strings.Repeat("x", MaxReply+1)}, ErrReplyTooBig},
		{"not UTF-8", contact.Reply{Contact: id, Agent: "paola", Body: "a\xff"}, ErrNotUTF8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ce.Reply(ctx, tt.r)
			require.ErrorIs(t, err, tt.want)
		})
	}
	ce.out.err = ErrUndeliverable
	_, err = ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "hi", Close: true})
	require.ErrorIs(t, err, ErrUndeliverable)
	require.Equal(t, 1, ce.record.open(), "what was not sent closes nothing")
	ce.out.err = nil
	ce.record.failOnce("Ingest", errDisk)
	event, err := ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "hi", Close: true})
	require.ErrorIs(t, err, ErrNotRecorded)
	require.NotEmpty(t, event, "it has left")
}

func TestClosedWithoutReplyCountsAsAbandoned(t *testing.T) {
	ctx := t.Context()
	tests := []struct {
		name     string
		answered []string
		want     contact.Result
	}{
		{"nothing done", nil, contact.Abandoned},
		{"answered by the agent's word", []string{"e_000"}, contact.Handled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ce := start(t, newRecord())
			desk := ce.agent("paola")
			_, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
			require.NoError(t, err)
			id := ce.accept(desk, "paola")
			require.NoError(t, ce.Close(ctx, contact.WrapUpNote{Contact: id, Agent: "paola", Answered: tt.answered}))
			require.Equal(t, tt.want, ce.ledger.of(id).Result)
		})
	}
}

func TestOutcomeThatReachesTheGoal(t *testing.T) {
	for _, reached := range []bool{false, true} {
		ce := start(t, newRecord())
		desk := ce.agent("paola")
		_, err := ce.Received(t.Context(), mailFrom("m1@x", "th", "giulia@example.com"))
		require.NoError(t, err)
		id := ce.accept(desk, "paola")
		require.NoError(t, ce.Close(t.Context(), contact.WrapUpNote{Contact: id, Agent: "paola", Disposition: "purchase", Reached: reached}))
		var kinds []journey.Kind
		for _, e := range ce.record.all()[1:] {
			kinds = append(kinds, e.Kind)
			require.Equal(t, "purchase", e.Attrs["disposition"])
		}
		want := []journey.Kind{journey.KindNote}
		if reached {
			want = append(want, journey.KindOrder)
		}
		require.Equal(t, want, kinds)
	}
}

func TestAnsweredElsewhereLeavesTheQueue(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	got, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(waitingIn(t, ce)) == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, ce.Answered(ctx, []string{"e_999"}))
	require.Equal(t, 1, ce.record.open())
	require.NoError(t, ce.Answered(ctx, []string{got.Event}))
	require.Zero(t, ce.record.open())
	require.Eventually(t, func() bool { return len(waitingIn(t, ce)) == 0 }, 5*time.Second, time.Millisecond)
}

func waitingIn(t *testing.T, ce *centre) (list []router.WaitingContact) {
	t.Helper()
	s, err := ce.router.Snapshot(t.Context())
	require.NoError(t, err)
	for _, q := range s.Queues {
		list = append(list, q.Waiting...)
	}
	return list
}

func TestReleaseReturnsAnAgentsContacts(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	_, err := ce.Received(ctx, mailFrom("m1@x", "th", "giulia@example.com"))
	require.NoError(t, err)
	id := ce.accept(ce.agent("paola"), "paola")
	require.NoError(t, ce.router.SetReady(ctx, "paola", false, "home"))
	require.NoError(t, ce.Release(ctx, "paola"))
	_, err = ce.Reply(ctx, contact.Reply{Contact: id, Agent: "paola", Body: "hi"})
	require.ErrorIs(t, err, contact.ErrNotYours)
	require.Equal(t, id, ce.accept(ce.agent("marta"), "marta"))
}

func TestManyAtOnce(t *testing.T) {
	ctx := t.Context()
	ce := start(t, newRecord())
	var wg sync.WaitGroup
	const threads, each = 20, 5
	for i := range threads {
		for j := range each {
			wg.Go(func() {
				_, err := ce.Received(ctx, mailFrom(fmt.Sprintf("m%d-%d@x", i, j), fmt.Sprint("t", i), "giulia@example.com"))
				require.NoError(t, err)
			})
		}
	}
	wg.Wait()
	require.Len(t, ce.record.all(), threads*each)
	require.Equal(t, threads, ce.record.open())
}

func TestSummary(t *testing.T) {
	require.Equal(t, "one two", Summary(" one\r\n\ttwo "))
	long := Summary(strings.Repeat("è ", 300))
	require.LessOrEqual(t, utf8.RuneCountInString(long), 200)
	require.True(t, strings.HasSuffix(long, "…"))
}

func TestConfigNamesEveryMistake(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	err := Config{RestartHold: -1, SendTimeout: 0, PlaceRetry: 0}.Validate()
	for _, key := range []string{"restart_hold: ", "send_timeout: ", "place_retry: "} {
		require.ErrorContains(t, err, key)
	}
}
