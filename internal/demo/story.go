package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"filo/bench/robot"
	"filo/journey"
)

// The two voices of the story, as tones that can be measured.
const (
	callerHz = 440
	agentHz  = 1000
)

// stepTimeout bounds every step: a story that hangs has failed.
const stepTimeout = 15 * time.Second

// Result is the last line of "filo demo -once".
type Result struct {
	OK            bool    `json:"ok"`
	SkippedIVR    bool    `json:"skipped_ivr"`
	Rule          string  `json:"rule"`
	Confidence    float64 `json:"confidence"`
	Tier          string  `json:"tier"`
	ContextMS     float64 `json:"context_ms"` // the look-up inside the server
	OfferMS       float64 `json:"offer_ms"`   // INVITE sent -> offer at the agent's desk
	AudioMS       float64 `json:"audio_ms"`   // acceptance sent -> both have heard the other, at RTP
	AudioBothWays bool    `json:"audio_both_ways"`
	Agent         string  `json:"agent"`
	Why           string  `json:"why"`
	Sentence      string  `json:"sentence"`
	CallOnThread  bool    `json:"call_on_thread"`
	MenuCaller    bool    `json:"menu_caller"` // the unknown caller went through the menu to an agent
	Failed        string  `json:"failed,omitempty"`
}

// story is one play of the film.
type story struct {
	kit     *robot.Kit
	world   *world
	base    string // URL of the node
	smtp    string
	metrics func(name string) (count uint64, sum float64, err error)
	say     *teller

	paola, marta *robot.Desk
	link         string
	result       Result
}

var (
	giuliaPhone = "+393475554419"
	giulia      = mail.Address{Name: "Giulia Rossi", Address: "giulia.rossi@posta.example"}
)

// errStory is a step that did not go as the film says.
var errStory = errors.New("the story went wrong")

// step is one line of the story.
type step struct {
	title string
	do    func(context.Context) (detail string, err error)
}

// before is the first act: what happened days before the call.
func (s *story) before() []step {
	return []step{
		{"Paola and Marta sign in at their desks, lines up", s.signIn},
		{"Giulia writes an SMS; Paola answers it", s.text},
		{"Giulia writes an e-mail; Paola answers with a link to the shop", s.write},
	}
}

// today is the second act: the call.
func (s *story) today() []step {
	return []step{
		{"Paola and Marta sign in again", s.signIn},
		{"Last night Giulia asked about delivery by e-mail; nobody answered", s.ask},
		{"Giulia opens the link in our e-mail and stops at payment", s.visit},
		{"Giulia phones in", s.call},
		{"An unknown caller hears the menu, presses 1, waits, is answered", s.unknown},
	}
}

// play runs the steps; the first that fails ends the story.
func (s *story) play(ctx context.Context, steps []step) error {
	for _, step := range steps {
		sctx, cancel := context.WithTimeout(ctx, stepTimeout)
		begin := time.Now()
		detail, err := step.do(sctx)
		cancel()
		if err != nil {
			s.say.failed(step.title, err)
			return fmt.Errorf("%s: %w", step.title, err)
		}
		s.say.done(step.title, time.Since(begin), detail)
	}
	return nil
}

func (s *story) signIn(ctx context.Context) (string, error) {
	var err error
	for user, d := range map[string]**robot.Desk{"paola": &s.paola, "marta": &s.marta} {
		if *d, err = s.kit.Desk(ctx, robot.DeskConfig{URL: s.base, User: user, Password: Password, Say: robot.Tone(agentHz)}); err != nil {
			return "", err
		}
		if err = (*d).AwaitLine(ctx); err != nil {
			return "", err
		}
		if err = (*d).Ready(ctx); err != nil {
			return "", err
		}
	}
	return "Paola: checkout 90. Marta: checkout 70", nil
}

func (s *story) text(ctx context.Context) (string, error) {
	in := robot.Text{From: giuliaPhone, To: shopNumber, Body: "Ciao, il codice LANA10 non funziona. Mi aiutate?"}
	if err := s.world.texting.Deliver(ctx, s.base+"/hooks/sms", s.world.webhookURL(), in); err != nil {
		return "", err
	}
	if err := s.answer(ctx, "sms", "Buongiorno Giulia, LANA10 vale fino a domenica e sopra i 60 euro."); err != nil {
		return "", err
	}
	got, err := s.world.texting.Wait(ctx, giuliaPhone)
	if err != nil {
		return "", err
	}
	return "Giulia's phone: \"" + got.Body + "\"", nil
}

// answer lets Paola take the next offer of a message channel, reply and close.
func (s *story) answer(ctx context.Context, channel, body string) error {
	f, err := s.paola.Next(ctx, "offer")
	if err != nil {
		return err
	}
	var o offer
	if err := json.Unmarshal(f.Data, &o); err != nil {
		return fmt.Errorf("read offer: %w", err)
	}
	if o.Channel != channel {
		return fmt.Errorf("%w: offered %s, not %s", errStory, o.Channel, channel)
	}
	if err := s.paola.Accept(ctx, o.ID); err != nil {
		return err
	}
	return s.paola.Reply(ctx, o.Contact, body, true)
}

var cxParam = regexp.MustCompile(`[?&]cx=([A-Za-z0-9_.~%=-]+)`)

func (s *story) write(ctx context.Context) (string, error) {
	letter := robot.Letter{
		From: giulia, To: ordersMail, Subject: "Coperta merino", Date: time.Now().AddDate(0, 0, -daysBefore),
		ID: fmt.Sprintf("g1-%d@posta.example", time.Now().UnixNano()), Body: "Buongiorno, la coperta merino grigia è disponibile?\r\nGrazie, Giulia",
	}
	if err := robot.Post(s.smtp, letter); err != nil {
		return "", err
	}
	body := "Buongiorno Giulia, sì, è disponibile. Il tuo carrello ti aspetta qui: " + s.base + "/shop/\n\nPaola"
	if err := s.answer(ctx, "email", body); err != nil {
		return "", err
	}
	got, err := s.world.mailbox.Wait(ctx, giulia.Address)
	if err != nil {
		return "", err
	}
	text, err := got.Text()
	if err != nil {
		return "", err
	}
	m := cxParam.FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%w: no signed link in our e-mail: %q", errStory, text)
	}
	s.link = m[1]
	return "our e-mail carries a signed link", nil
}

func (s *story) ask(context.Context) (string, error) {
	yesterday := time.Now().AddDate(0, 0, -1)
	at := time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 21, 14, 0, 0, time.Local)
	if now := time.Now(); now.Sub(at) > 40*time.Hour {
		at = now.Add(-12 * time.Hour)
	}
	err := robot.Post(s.smtp, robot.Letter{
		From: giulia, To: parcelMail, Subject: "Consegna?", Date: at,
		ID:   fmt.Sprintf("g2-%d@posta.example", time.Now().UnixNano()),
		Body: "Buonasera,\r\nse ordino entro giovedì la coperta arriva prima di sabato? È un regalo.\r\nGrazie, Giulia",
	})
	return "acknowledged, waits in the queue Deliveries", err
}

func (s *story) visit(ctx context.Context) (string, error) {
	v := &robot.Visitor{URL: s.base, WriteKey: writeKey, Anonymous: fmt.Sprintf("giulia-%d", time.Now().UnixNano()), Link: s.link}
	step := func(name string, n int, filled, empty []string, fields map[string]string) error {
		return v.Track(ctx, "Form Step Viewed", robot.Props{
			"form": "checkout", "step": name, "step_no": n, "steps": 4, "filled": filled, "empty": empty, "fields": fields,
			"value": "84.90", "currency": "EUR",
			"cart": []map[string]string{{"name": "Coperta merino grigia", "price": "54.00"}, {"name": "Sciarpa verde felce", "price": "25.00"}, {"name": "Express", "price": "5.90"}},
		})
	}
	details := map[string]string{"name": giulia.Name, "email": giulia.Address, "phone": giuliaPhone, "postcode": "37121", "delivery": "express"}
	err := errors.Join(
		v.Page(ctx, "/shop/", "Lanificio Aurora"),
		step("cart", 1, nil, nil, nil),
		step("delivery", 2, []string{"name", "email", "phone", "address", "postcode", "delivery"}, nil, details),
		step("payment", 3, []string{"name", "email", "phone", "address", "postcode", "delivery"}, []string{"card number", "expiry"}, details),
		v.Track(ctx, "Form Error", robot.Props{"form": "checkout", "step": "payment", "message": "Card declined"}),
	)
	return "/shop/ step 3 of 4, 84.90 EUR, card declined", err
}

// offer is what a desk needs of an offer frame.
type offer struct {
	ID      string              `json:"id"`
	Contact string              `json:"contact"`
	Channel string              `json:"channel"`
	Queue   string              `json:"queue"`
	View    journey.View        `json:"view"`
	WhyText map[string][]string `json:"why_text"`
	Skipped *struct {
		Rule       string  `json:"rule"`
		Confidence float64 `json:"confidence"`
	} `json:"skipped"`
}

// call is film A: the menu skipped, the story on screen before the answer,
// both voices heard, the call on the thread.
func (s *story) call(ctx context.Context) (string, error) {
	count, sum, err := s.metrics("filo_journey_context_seconds")
	if err != nil {
		return "", err
	}
	callCtx, dial := context.WithCancel(ctx)
	defer dial()
	type answered struct {
		call *robot.Call
		err  error
	}
	up := make(chan answered, 1)
	sent := time.Now()
	s.kit.Go(func() {
		c, err := s.kit.Call(callCtx, robot.Dial{Server: s.world.sipAddr, From: giuliaPhone, To: "100", Say: robot.Tone(callerHz)})
		up <- answered{c, err}
	})
	f, err := s.paola.Next(ctx, "offer")
	if err != nil {
		return "", err
	}
	s.result.OfferMS = millis(f.At.Sub(sent))
	var o offer
	if err := json.Unmarshal(f.Data, &o); err != nil {
		return "", fmt.Errorf("read offer: %w", err)
	}
	a := <-up
	if a.err != nil {
		return "", a.err
	}
	if err := s.seen(o); err != nil {
		return "", err
	}
	if err := s.talk(ctx, a.call, o); err != nil {
		return "", err
	}
	c2, sum2, err := s.metrics("filo_journey_context_seconds")
	if err != nil {
		return "", err
	}
	s.result.ContextMS = (sum2 - sum) * 1000 / float64(max(c2-count, 1))
	return fmt.Sprintf("context %.2f ms, offer after %.1f ms, audio both ways %.0f ms after \"Answer\"\n"+
		"        on Paola's screen: %s\n        why: %s",
		s.result.ContextMS, s.result.OfferMS, s.result.AudioMS, s.result.Sentence, s.result.Why), nil
}

// seen checks what stands on the agent's screen before the answer.
func (s *story) seen(o offer) error {
	v := o.View
	s.result.Tier, s.result.Sentence = v.Tier, v.Sentence["en"]
	s.result.Why = strings.Join(o.WhyText["en"], " ")
	s.result.Agent = s.paola.Name
	if o.Skipped != nil {
		s.result.SkippedIVR, s.result.Rule, s.result.Confidence = true, o.Skipped.Rule, o.Skipped.Confidence
	}
	var missing []string
	need := func(what string, ok bool) {
		if !ok {
			missing = append(missing, what)
		}
	}
	has := func(ok func(journey.ThreadEvent) bool) bool {
		for _, e := range v.Events {
			if ok(e) {
				return true
			}
		}
		return false
	}
	need("the skipped menu", s.result.SkippedIVR)
	need("the rule abandoned-checkout", s.result.Rule == "abandoned-checkout")
	need("tier D2", v.Tier == "D2")
	need("the name", v.Name == giulia.Name)
	need("step 3 of 4", v.LastWeb != nil && v.LastWeb.StepNo == 3 && v.LastWeb.Steps == 4)
	need("form fields", v.LastWeb != nil && len(v.LastWeb.Filled) > 0 && len(v.LastWeb.Empty) > 0)
	need("the cart", v.LastWeb != nil && len(v.LastWeb.Cart) == 3)
	need("the e-mail's text", has(func(e journey.ThreadEvent) bool { return e.Channel == "email" && strings.Contains(e.Text, "giovedì") }))
	need("the unanswered e-mail", v.Headline.Unanswered != nil && v.Headline.Unanswered.Subject == "Consegna?")
	need("the SMS", has(func(e journey.ThreadEvent) bool { return e.Channel == "sms" && strings.Contains(e.Text, "LANA10") }))
	need("the opened link", has(func(e journey.ThreadEvent) bool { return e.Kind == journey.KindLink }))
	need("why this agent", strings.Contains(s.result.Why, "Marta"))
	if len(missing) > 0 {
		return fmt.Errorf("%w: not on the agent's screen: %s", errStory, strings.Join(missing, ", "))
	}
	return nil
}

// talk accepts the offer, measures both voices, hangs up, gives the outcome
// and looks for the call on the thread.
func (s *story) talk(ctx context.Context, c *robot.Call, o offer) error {
	accepted := time.Now()
	if err := s.paola.Accept(ctx, o.ID); err != nil {
		return err
	}
	tctx, quiet := context.WithCancel(ctx)
	defer quiet()
	s.kit.Go(func() { s.paola.Talk(tctx) })
	toCaller, err := c.Meter.Wait(ctx, agentHz)
	if err != nil {
		return fmt.Errorf("caller hears the agent: %w", err)
	}
	toAgent, err := s.paola.Line.Meter.Wait(ctx, callerHz)
	if err != nil {
		return fmt.Errorf("agent hears the caller: %w", err)
	}
	s.result.AudioBothWays = true
	s.result.AudioMS = millis(max(toCaller.Sub(accepted), toAgent.Sub(accepted)))
	if err := c.Hangup(ctx); err != nil {
		return fmt.Errorf("caller hangs up: %w", err)
	}
	if err := s.onThread(ctx); err != nil {
		return err
	}
	return s.paola.WrapUp(ctx, o.Contact, "purchase", "Paid with the second card.")
}

// onThread waits until the call itself is on the agent's screen.
func (s *story) onThread(ctx context.Context) error {
	for {
		f, err := s.paola.Next(ctx, "thread")
		if err != nil {
			return fmt.Errorf("call on the thread: %w", err)
		}
		var t struct {
			Event journey.ThreadEvent `json:"event"`
		}
		if err := json.Unmarshal(f.Data, &t); err != nil {
			return fmt.Errorf("read thread frame: %w", err)
		}
		if t.Event.Kind == journey.KindCall {
			s.result.CallOnThread = true
			return nil
		}
	}
}

// unknown is the other way: nobody knows the number.
func (s *story) unknown(ctx context.Context) (string, error) {
	if err := errors.Join(s.paola.NotReady(ctx, "break"), s.marta.NotReady(ctx, "break")); err != nil {
		return "", err
	}
	s.marta.Skip()
	c, err := s.kit.Call(ctx, robot.Dial{Server: s.world.sipAddr, From: "+390255501234", To: "100", Say: robot.Tone(callerHz)})
	if err != nil {
		return "", err
	}
	if err := c.Hear(ctx); err != nil {
		return "", fmt.Errorf("caller hears the menu: %w", err)
	}
	if err := c.SendDigits(ctx, "1"); err != nil {
		return "", err
	}
	if err := s.marta.AwaitQueue(ctx, "checkout", 1); err != nil {
		return "", err
	}
	if err := c.Hear(ctx); err != nil {
		return "", fmt.Errorf("caller hears music: %w", err)
	}
	if err := s.marta.Ready(ctx); err != nil {
		return "", err
	}
	f, err := s.marta.Next(ctx, "offer")
	if err != nil {
		return "", err
	}
	var o offer
	if err := json.Unmarshal(f.Data, &o); err != nil {
		return "", fmt.Errorf("read offer: %w", err)
	}
	if err := s.marta.Accept(ctx, o.ID); err != nil {
		return "", err
	}
	tctx, quiet := context.WithCancel(ctx)
	defer quiet()
	s.kit.Go(func() { s.marta.Talk(tctx) })
	if _, err := c.Meter.Wait(ctx, agentHz); err != nil {
		return "", fmt.Errorf("caller hears the agent: %w", err)
	}
	s.result.MenuCaller = o.Skipped == nil && o.Queue == "checkout"
	if !s.result.MenuCaller {
		return "", fmt.Errorf("%w: the menu was skipped for an unknown caller", errStory)
	}
	return "Marta answered", errors.Join(c.Hangup(ctx), s.marta.AwaitContact(ctx, o.Contact, "wrap_up"), s.marta.WrapUp(ctx, o.Contact, "answered", ""))
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
