package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"filo/contact"
	"filo/measure"
	"filo/router"
)

// floorDecisions is how many decisions the floor lists.
const floorDecisions = 40

type floorJSON struct {
	Queues    []floorQueueJSON `json:"queues"`
	Agents    []floorAgentJSON `json:"agents"`
	SL        serviceLevelJSON `json:"sl"`
	Decisions []decisionJSON   `json:"decisions"`

	key string // changes with the content
}

type floorQueueJSON struct {
	ID       string             `json:"id"`
	Label    map[string]string  `json:"label"`
	Waiting  []floorWaitingJSON `json:"waiting"`
	TargetMS int64              `json:"target_ms"`
	InTime   float64            `json:"in_time"` // service level of today, 0..1; -1 while there is none
	Lost     float64            `json:"lost"`    // abandoned, short ones apart, of all today, 0..1
	Ready    int                `json:"ready"`
	On       int                `json:"on"`
}

type floorWaitingJSON struct {
	Contact  contact.ID      `json:"contact"`
	Channel  contact.Channel `json:"channel"`
	Since    stamp           `json:"since"`
	Deadline stamp           `json:"deadline"`
}

type floorAgentJSON struct {
	ID       contact.AgentID    `json:"id"`
	Name     string             `json:"name"`
	State    contact.AgentState `json:"state"`
	Reason   string             `json:"reason"`
	Since    stamp              `json:"since"`
	Contacts []floorContactJSON `json:"contacts"`
	Skills   map[string]uint8   `json:"skills"`
}

type floorContactJSON struct {
	Contact contact.ID      `json:"contact"`
	Channel contact.Channel `json:"channel"`
	State   contact.State   `json:"state"`
	Queue   string          `json:"queue"`
	Since   stamp           `json:"since"`
	Consult bool            `json:"consult"` // helps with another's call
}

type serviceLevelJSON struct {
	Value     float64            `json:"value"`  // 0..1, of contacts answered within their queue's target
	Target    float64            `json:"target"` // what is aimed at
	Answered  int                `json:"answered"`
	InTime    int                `json:"in_time"`
	Abandoned int                `json:"abandoned"`
	Short     int                `json:"short"`
	Variants  map[string]float64 `json:"variants"`
}

type decisionJSON struct {
	Offer   contact.OfferID     `json:"offer"`
	Contact contact.ID          `json:"contact"`
	Agent   contact.AgentID     `json:"agent"`
	Name    string              `json:"name"`
	Queue   string              `json:"queue"`
	At      stamp               `json:"at"`
	Why     contact.Why         `json:"why"`
	WhyText map[string][]string `json:"why_text"`
}

// floorOf makes the supervisors' picture. No customer is in it.
func (d *Desk) floorOf(ctx context.Context, snap router.Snapshot) (*floorJSON, error) {
	decisions, err := d.deps.Router.Decisions(ctx, floorDecisions)
	if err != nil {
		return nil, fmt.Errorf("decisions: %w", err)
	}
	now := d.now()
	var stats []measure.QueueStats
	if d.deps.Measure != nil {
		stats = d.deps.Measure.Queues(now, midnight(now))
	}
	f := &floorJSON{
		Queues: d.floorQueues(snap, stats), Agents: d.floorAgents(snap),
		SL: serviceLevel(stats), Decisions: []decisionJSON{},
	}
	for _, dec := range decisions {
		f.Decisions = append(f.Decisions, decisionJSON{
			Offer: dec.Offer, Contact: dec.Contact, Agent: dec.Agent, Name: dec.Name, Queue: dec.Queue,
			At: stamp(dec.At), Why: dec.Why, WhyText: whyText(dec.Why, nil, "", now),
		})
	}
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode floor: %w", err)
	}
	f.key = string(b)
	return f, nil
}

func midnight(now time.Time) time.Time {
	y, m, day := now.Date()
	return time.Date(y, m, day, 0, 0, 0, 0, now.Location())
}

func (d *Desk) floorQueues(snap router.Snapshot, stats []measure.QueueStats) []floorQueueJSON {
	list := []floorQueueJSON{}
	for _, q := range snap.Queues {
		j := floorQueueJSON{
			ID: q.Name, Label: d.queueLabel(q.Name), Waiting: []floorWaitingJSON{},
			TargetMS: ms(q.Target), Ready: q.Ready, On: q.On,
		}
		for _, w := range q.Waiting {
			j.Waiting = append(j.Waiting, floorWaitingJSON{
				Contact: w.Contact, Channel: w.Channel, Since: stamp(w.Since), Deadline: stamp(w.Deadline),
			})
		}
		own := sum(stats, func(s measure.QueueStats) bool { return s.Queue == q.Name })
		j.InTime, j.Lost = -1, 0
		if own.Answered+own.Abandoned-own.ShortAbandons+own.WaitingBeyond > 0 {
			j.InTime, j.Lost = own.ServiceLevel(), own.AbandonRate()
		}
		list = append(list, j)
	}
	return list
}

func (d *Desk) floorAgents(snap router.Snapshot) []floorAgentJSON {
	list := []floorAgentJSON{}
	for _, a := range snap.Agents {
		j := floorAgentJSON{
			ID: a.ID, Name: a.Name, State: a.State, Reason: a.Reason, Since: stamp(a.Since),
			Contacts: []floorContactJSON{}, Skills: map[string]uint8{},
		}
		if u, ok := d.users.Get(string(a.ID)); ok {
			j.Skills = u.agent().Skills
		}
		for _, c := range a.Contacts {
			fc := floorContactJSON{Contact: c.ID, State: c.Phase, Since: stamp(c.Since)}
			if c.Card != nil {
				fc.Channel, fc.Queue, fc.Consult = c.Card.Channel, c.Card.Queue, c.Card.Consult != nil
			}
			j.Contacts = append(j.Contacts, fc)
		}
		list = append(list, j)
	}
	return list
}

// serviceLevel is of all queues. Each counts by its own target, so the value
// is the share of contacts that were answered in the time promised to them.
func serviceLevel(stats []measure.QueueStats) serviceLevelJSON {
	c := sum(stats, func(measure.QueueStats) bool { return true })
	return serviceLevelJSON{
		Value: c.ServiceLevel(), Target: serviceGoal,
		Answered: c.Answered, InTime: c.AnsweredIn, Abandoned: c.Abandoned, Short: c.ShortAbandons,
		Variants: map[string]float64{
			"standard": c.ServiceLevel(), "strict": c.Strict(), "ignoring_abandons": c.IgnoringAbandons(),
			"neutral": c.Neutral(), "optimistic": c.Optimistic(),
		},
	}
}

// sum adds the counts of some queues; ratios are made from sums only.
func sum(stats []measure.QueueStats, of func(measure.QueueStats) bool) (c measure.Counts) {
	for _, s := range stats {
		if of(s) {
			c = c.Plus(s.Counts)
		}
	}
	return c
}

// serviceGoal is the usual 80 %.
const serviceGoal = 0.8
