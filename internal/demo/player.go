package demo

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"filo/bench/robot"
	"filo/media"
)

//go:embed voices/*.wav
var voices embed.FS

// player is the robot that a person talks to.
type player struct {
	s     *story
	agent *robot.Desk
}

func (p *player) do(ctx context.Context, word string) error {
	switch word {
	case "":
	case "call":
		return p.call(ctx)
	case "agent":
		return p.work(ctx)
	default:
		p.s.say.line("  Type \"call\", \"agent\" or \"quit\".")
	}
	return nil
}

func robotVoice(name string) (media.Prompt, error) {
	b, err := voices.ReadFile("voices/" + name + ".wav")
	if err != nil {
		return media.Prompt{}, fmt.Errorf("robot's voice: %w", err)
	}
	p, err := media.LoadWAV(bytes.NewReader(b))
	if err != nil {
		return media.Prompt{}, fmt.Errorf("robot's voice: %w", err)
	}
	return p, nil
}

// call lets Giulia phone in again; the person answers at the desk.
func (p *player) call(ctx context.Context) error {
	if err := p.s.recall(ctx); err != nil {
		return err
	}
	v, err := robotVoice("caller")
	if err != nil {
		return err
	}
	p.s.say.line("  Giulia phones in. Answer at the desk (Alt A); she talks until you hang up.")
	p.s.kit.Go(func() {
		cctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		c, err := p.s.kit.Call(cctx, robot.Dial{Server: p.s.world.sipAddr, From: giuliaPhone, To: "100", Say: v})
		if err != nil {
			p.s.say.line("  Giulia's call: %v", err)
			return
		}
		select {
		case <-c.Done():
			p.s.say.line("  Giulia's call is over.")
		case <-cctx.Done():
			p.s.say.line("  Giulia hung up.")
		}
		_ = c.Hangup(context.WithoutCancel(ctx)) // over anyway
	})
	return nil
}

// recall makes sure that Giulia's checkout is fresh, also without a story.
func (s *story) recall(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	_, err := s.visit(ctx)
	return err
}

// work signs the robot agent Marta in; she answers every call and says
// something.
func (p *player) work(ctx context.Context) error {
	if p.agent != nil {
		p.s.say.line("  Marta is at work already.")
		return nil
	}
	v, err := robotVoice("agent")
	if err != nil {
		return err
	}
	sctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	d, err := p.s.kit.Desk(sctx, robot.DeskConfig{URL: p.s.base, User: "marta", Password: Password, Say: v})
	if err != nil {
		return err
	}
	if err := atWork(sctx, d); err != nil {
		return errors.Join(err, d.Close(sctx))
	}
	p.agent = d
	p.s.say.line("  Marta is ready. Call from %s/shop/ or any SIP phone (%s, number 100).", p.s.base, p.s.world.sipAddr)
	p.s.kit.Go(func() { p.attend(ctx, d) })
	return nil
}

func atWork(ctx context.Context, d *robot.Desk) error {
	if err := d.AwaitLine(ctx); err != nil {
		return err
	}
	return d.Ready(ctx)
}

// attend takes calls one after the other until ctx ends.
func (p *player) attend(ctx context.Context, d *robot.Desk) {
	quiet := func() {}
	defer func() { quiet() }()
	for {
		f, err := d.Next(ctx, "offer", "contact")
		if err != nil {
			return
		}
		var o struct {
			offer
			State string
		}
		if err := json.Unmarshal(f.Data, &o); err != nil || o.Channel != "voice" {
			continue
		}
		switch {
		case f.Type == "offer":
			p.s.say.line("  Marta sees: %s", o.View.Sentence["en"])
			if err := d.Accept(ctx, o.ID); err != nil {
				p.s.say.line("  Marta: %v", err)
				continue
			}
			quiet()
			tctx, stop := context.WithCancel(ctx)
			quiet = stop
			p.s.kit.Go(func() { d.Talk(tctx) })
		case o.State == "wrap_up":
			quiet()
			if err := d.WrapUp(ctx, o.ID, "answered", ""); err != nil {
				p.s.say.line("  Marta: %v", err)
			}
		}
	}
}
