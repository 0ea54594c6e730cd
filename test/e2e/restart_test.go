package e2e

import (
	"fmt"
	"net/mail"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/journey"
)

// A mail that waits survives kill -9, with its age, and is answered after it.
func TestRowReliability_MailSurvivesKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.spawn()
	elena := n.signIn("elena")
	require.NoError(t, robot.Post(n.SMTP, giulia.letter(parcelMail, "Consegna?", "Arriva prima di sabato?", time.Now())))
	since := elena.awaitWaiting("delivery")
	n.kill()

	n = w.spawn()
	elena = n.signIn("elena")
	require.WithinDuration(t, since, elena.awaitWaiting("delivery"), time.Millisecond, "the age is kept")
	davide := n.ready("davide")
	o := davide.answer("email", "Sì, venerdì.")
	require.Equal(t, "Consegna?", o.Subject)
	_, err := w.mailbox.Wait(within(t), giulia.Address.Address)
	require.NoError(t, err)
	n.quiet()
	n.stop()
	require.NoError(t, n.err)

	n = w.spawn()
	elena = n.signIn("elena")
	require.Empty(t, elena.floor().waiting("delivery"), "what was answered does not come back")
}

// A mail that an agent was writing an answer to comes back to that agent,
// though another one is better skilled.
func TestRowReliability_MailComesBackToItsAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.spawn()
	marta := n.ready("marta")
	require.NoError(t, robot.Post(n.SMTP, giulia.letter(ordersMail, "Coperta", "È disponibile?", time.Now())))
	o := marta.offer("email")
	require.NoError(t, marta.Accept(within(t), o.ID))
	other := customer{mail.Address{Name: "Bruno Neri", Address: "bruno.neri@posta.example"}, bruno.Phone}
	require.NoError(t, robot.Post(n.SMTP, other.letter(ordersMail, "Sciarpa", "È disponibile?", time.Now())))
	marta.answer("email", "Sì") // who has the first mail is on disk long before this answer is
	_, err := w.mailbox.Wait(within(t), other.Address.Address)
	require.NoError(t, err)
	n.kill()

	n = w.spawn()
	paola, marta := n.ready("paola"), n.ready("marta")
	require.Equal(t, o.Contact, marta.answer("email", "Sì").Contact)
	_, err = w.mailbox.Wait(within(t), giulia.Address.Address)
	require.NoError(t, err)
	require.Zero(t, paola.offers())
	n.quiet()
}

// Killed with mails waiting, an offer open and an acceptance told a moment
// ago: the order of the queue and the owner of the accepted mail survive, and
// the offer is void.
func TestRowReliability_QueueSurvivesKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.spawn()
	elena, marta := n.signIn("elena"), n.ready("marta")
	post := func(i int) {
		c := customer{Address: mail.Address{Address: fmt.Sprintf("cliente-%d@posta.example", i)}}
		require.NoError(t, robot.Post(n.SMTP, c.letter(ordersMail, fmt.Sprintf("Mail %d", i), "È disponibile?", time.Now())))
	}
	post(0)
	mine := marta.offer("email")
	for i := range 4 {
		post(i + 1)
	}
	open := marta.offer("email")
	var before []time.Time
	elena.awaitFloor("all are there", func(f floor) bool {
		before = f.waiting("checkout")
		return len(before) == 5
	})
	require.NoError(t, marta.Accept(within(t), mine.ID))
	n.kill()

	n = w.spawn()
	killed := time.Now()
	elena = n.signIn("elena")
	var after []time.Time
	elena.awaitFloor("all are there again", func(f floor) bool {
		after = f.waiting("checkout")
		return len(after) == 5
	})
	for i := range before {
		require.WithinDuration(t, before[i], after[i], time.Millisecond, "place %d", i)
	}
	paola := n.ready("paola") // is better skilled
	for i := range 2 {
		o := paola.offer("email")
		require.Equal(t, fmt.Sprintf("Mail %d", i+1), o.Subject)
		require.NotEqual(t, open.ID, o.ID)
	}
	t.Logf("first offers %v after the start", time.Since(killed).Round(time.Millisecond))
	marta = n.ready("marta")
	require.Error(t, marta.Accept(within(t), open.ID), "an offer of before the restart is void")
	require.Equal(t, mine.Contact, marta.offer("email").Contact, "what she was told is hers is hers")
}

// acked is what a node has acknowledged.
type acked struct {
	mu    sync.Mutex
	steps map[string]bool // step_no of web events
	mails int
}

// load posts web events and mails of many people until it fails or enough was
// acknowledged, then calls enough.
func (a *acked) load(t *testing.T, n *node, round int, enough func()) {
	v := n.visitor("kill-9", "")
	var wg sync.WaitGroup
	var once sync.Once
	count := func(add func()) {
		a.mu.Lock()
		add()
		full := len(a.steps) >= 60*(round+1) && a.mails >= 10*(round+1)
		a.mu.Unlock()
		if full {
			once.Do(enough)
		}
	}
	for worker := range 3 {
		wg.Go(func() {
			for i := 0; ; i++ {
				no := strconv.Itoa(1 + worker + 3*i + 100000*round)
				err := v.Track(t.Context(), "Form Step Viewed", robot.Props{"form": "checkout", "step": "payment", "step_no": no, "steps": 999999})
				if err != nil {
					return
				}
				count(func() { a.steps[no] = true })
			}
		})
	}
	wg.Go(func() {
		for i := 0; ; i++ {
			c := customer{}
			c.Address.Address = fmt.Sprintf("cliente-%d-%d@posta.example", round, i)
			if err := robot.Post(n.SMTP, c.letter(parcelMail, "Consegna?", "Quando arriva?", time.Now())); err != nil {
				return
			}
			count(func() { a.mails++ })
		}
	})
	wg.Wait()
}

// kill -9 in the middle of a load: whatever was acknowledged is there after
// the restart.
func TestRowReliability_NothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := &acked{steps: map[string]bool{}}
	const rounds = 2
	for round := range rounds {
		n := w.spawn()
		if round == 0 {
			v := n.visitor("kill-9", "")
			require.NoError(t, v.Track(within(t), "Form Step Viewed", robot.Props{"form": "checkout", "step": "delivery", "step_no": 0, "fields": map[string]string{"phone": giulia.Phone}}))
		}
		got.load(t, n, round, n.kill)
		n.kill()
	}
	t.Logf("acknowledged before the kills: %d web events, %d mails", len(got.steps), got.mails)

	n := w.spawn()
	elena := n.signIn("elena")
	waiting := len(elena.floor().waiting("delivery"))
	eventually(t, "open mails are restored", func() bool {
		return n.metric("filo_router_queue_depth", "queue", "delivery") >= float64(got.mails)
	})
	t.Logf("mails that wait: %d", waiting)
	paola := n.ready("paola")
	c := n.call(giulia.Phone)
	o := paola.offer("voice")
	paola.accept(o)
	there := map[string]bool{}
	for before := ""; ; {
		var v journey.View
		require.NoError(t, paola.Get(within(t), "/api/contacts/"+o.Contact+"/thread?limit=200&before="+before, &v))
		for _, e := range v.Events {
			there[e.Attrs["step_no"]] = true
		}
		if v.Earlier == 0 || len(v.Events) == 0 {
			break
		}
		before = v.Events[0].ID
	}
	for no := range got.steps {
		require.True(t, there[no], "the acknowledged web event %s is lost", no)
	}
	require.NoError(t, c.Hangup(within(t)))
}
