package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"filo/contact"
)

// whyOthers is how many agents beside the chosen one a line names.
const whyOthers = 3

// whyText says why a contact came to an agent, and why past the menu, in the
// words of each language: "You: checkout 90, idle 4 min. Marta: 70." and "IVR
// skipped: rule abandoned-checkout, confidence .90, 2 min old.". viewer is who
// reads it, "" for a supervisor; card may be nil.
func whyText(why contact.Why, card *contact.Card, viewer contact.AgentID, now time.Time) map[string][]string {
	out := make(map[string][]string, 2)
	for _, w := range []*words{english(), italian()} {
		lines := []string{}
		for _, s := range []string{w.agents(why, viewer), w.contacts(why), w.priority(why), w.relaxed(why)} {
			if s != "" {
				lines = append(lines, s)
			}
		}
		if s := w.excluded(why); s != "" && viewer == "" {
			lines = append(lines, s)
		}
		if card != nil {
			if s := w.skipped(card, now); s != "" {
				lines = append(lines, s)
			}
		}
		out[w.lang] = lines
	}
	return out
}

// words are the phrases of one language.
type words struct {
	lang, you, idle, preferred, more string
	verdict                          map[string]string
	first                            map[string]string // why a contact went before others, by key
	before, lead                     string
	raised, flow, rule, queue, ahead string
	lower, step, reserve             string
	none                             string            // before what excluded agents
	reasons                          map[string]string // of many agents, by verdict
	skip, old, menu                  string
	units                            [3]string // seconds, minutes, hours
	zero                             string    // before the point of a confidence
}

func english() *words {
	return &words{
		lang: "en", you: "You", idle: "idle %s", preferred: "knows this customer", more: "%d more.",
		verdict: map[string]string{
			"busy": "busy", "not_ready": "not ready", "excluded": "passed it on",
			"held": "held for another", "capacity": "full", "channel": "no line",
			"queue": "another profile", "reserved": "kept free",
		},
		first: map[string]string{
			"held": "held for this agent", "tier": "higher tier", "rank": "first queue of the profile",
			"deadline": "earliest deadline", "age": "waited longest", "arrival": "came first",
		},
		before: "Before %d others: %s", lead: ", %s ahead",
		raised: "Priority %+d: %s", flow: "flow", rule: "rule %s", queue: "queue %s", ahead: "; worth %s of waiting",
		lower: "Tier %d.", step: "Requirements relaxed, step %d.", reserve: "The queue is overloaded: reserve skills count.",
		none: "Not asked: ",
		reasons: map[string]string{
			"busy": "%d busy", "not_ready": "%d not ready", "skill": "%d without the skills", "excluded": "%d passed it on",
			"held": "%d while it was held", "capacity": "%d full", "channel": "%d without a line", "queue": "%d of other profiles",
			"reserved": "%d kept free",
		},
		skip: "IVR skipped: rule %s, confidence %s", old: "%s old", menu: "Chosen in the menu: %s.",
		units: [3]string{"s", "min", "h"}, zero: ".",
	}
}

func italian() *words {
	return &words{
		lang: "it", you: "Tu", idle: "in attesa da %s", preferred: "conosce il cliente", more: "Altri %d.",
		verdict: map[string]string{
			"busy":      "occupato", //nolint:misspell // Italian
			"not_ready": "non disponibile", "excluded": "l'ha passato",
			"held": "tenuto per altri", "capacity": "al completo", "channel": "senza linea",
			"queue": "altro profilo", "reserved": "tenuto libero",
		},
		first: map[string]string{
			"held": "tenuto per questo agente", "tier": "livello superiore", "rank": "prima coda del profilo",
			"deadline": "scade prima", "age": "attende da più tempo", "arrival": "arrivato prima",
		},
		before: "Prima di altri %d: %s", lead: ", %s di vantaggio",
		raised: "Priorità %+d: %s", flow: "flusso", rule: "regola %s", queue: "coda %s", ahead: "; vale %s di attesa",
		lower: "Livello %d.", step: "Requisiti allentati, passo %d.",
		reserve: "La coda è sovraccarica: contano le competenze di riserva.", //nolint:misspell // Italian
		none:    "Non interpellati: ",
		reasons: map[string]string{
			"busy": "%d occupati", "not_ready": "%d non disponibili", "skill": "%d senza competenze", //nolint:misspell // Italian
			"excluded": "%d l'hanno passato", "held": "%d mentre era tenuto", "capacity": "%d al completo",
			"channel": "%d senza linea", "queue": "%d di altri profili", "reserved": "%d tenuti liberi",
		},
		skip: "IVR saltato: regola %s, confidenza %s", old: "%s fa", menu: "Scelto nel menu: %s.",
		units: [3]string{"s", "min", "h"}, zero: "0,",
	}
}

// agents is the line about who was chosen and who was not.
func (w *words) agents(why contact.Why, viewer contact.AgentID) string {
	agents := slices.DeleteFunc(slices.Clone(why.Agents), func(a contact.WhyAgent) bool {
		return a.Verdict == "skill" // who cannot do it at all explains nothing
	})
	names := shortNames(agents)
	var parts []string
	for i, a := range agents {
		if i > whyOthers {
			break
		}
		name := names[i]
		if a.Agent == viewer {
			name = w.you
		}
		parts = append(parts, name+": "+strings.Join(w.facts(why, a, i == 0), ", ")+".")
	}
	if n := len(agents) - len(parts) + why.More; n > 0 {
		parts = append(parts, fmt.Sprintf(w.more, n))
	}
	return strings.Join(parts, " ")
}

// contacts is the line about the contacts that this one went before.
func (w *words) contacts(why contact.Why) string {
	reason := w.first[why.ContactKey]
	if why.Contacts < 2 || reason == "" {
		return ""
	}
	s := fmt.Sprintf(w.before, why.Contacts-1, reason)
	if why.Lead > 0 {
		s += fmt.Sprintf(w.lead, w.span(why.Lead))
	}
	return s + "."
}

// priority is the line about what raised the contact's priority.
func (w *words) priority(why contact.Why) string {
	var parts []string
	for _, r := range why.Raised {
		by := w.flow
		switch r.By {
		case "rule":
			by = fmt.Sprintf(w.rule, r.Name)
		case "queue":
			by = fmt.Sprintf(w.queue, r.Name)
		}
		if len(why.Raised) > 1 {
			by += fmt.Sprintf(" %+d", r.Points)
		}
		parts = append(parts, by)
	}
	if len(parts) == 0 {
		return ""
	}
	s := fmt.Sprintf(w.raised, why.Priority, strings.Join(parts, ", "))
	if why.Ahead > 0 {
		s += fmt.Sprintf(w.ahead, w.span(why.Ahead))
	}
	return s + "."
}

// relaxed is the line about the contact's tier, step and queue.
func (w *words) relaxed(why contact.Why) string {
	var parts []string
	if why.Tier > 1 {
		parts = append(parts, fmt.Sprintf(w.lower, why.Tier))
	}
	if why.Step > 0 {
		parts = append(parts, fmt.Sprintf(w.step, why.Step))
	}
	if why.Overload {
		parts = append(parts, w.reserve)
	}
	return strings.Join(parts, " ")
}

// excluded is the line about who was not asked, and why.
func (w *words) excluded(why contact.Why) string {
	var parts []string
	for _, verdict := range []string{
		"busy", "capacity", "not_ready", "channel", "excluded", "held", "reserved", "queue", "skill",
	} {
		if n := why.Counts[verdict]; n > 0 {
			parts = append(parts, fmt.Sprintf(w.reasons[verdict], n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return w.none + strings.Join(parts, ", ") + "."
}

// facts are what decided about one agent: levels of skills, idle time for the
// chosen one and where it decided, and what stood in the way of the others.
func (w *words) facts(why contact.Why, a contact.WhyAgent, chosen bool) []string {
	var facts []string
	if chosen && why.Key == "preferred" {
		facts = append(facts, w.preferred)
	}
	for _, s := range a.Skills {
		level := fmt.Sprint(s.Level)
		if chosen || len(a.Skills) > 1 {
			level = strings.TrimPrefix(s.Name, "lang:") + " " + level
		}
		facts = append(facts, level)
	}
	if v := w.verdict[a.Verdict]; v != "" {
		return append(facts, v)
	}
	if chosen || why.Key == "longest_idle" || len(facts) == 0 {
		facts = append(facts, fmt.Sprintf(w.idle, w.span(a.Idle)))
	}
	return facts
}

// skipped is the line about the menu: why it was not played, or what was chosen.
func (w *words) skipped(card *contact.Card, now time.Time) string {
	d := card.Context.Decision
	switch {
	case card.SkippedIVR:
		s := fmt.Sprintf(w.skip, d.Rule, w.confidence(d.Confidence))
		if !d.At.IsZero() {
			s += ", " + fmt.Sprintf(w.old, w.span(now.Sub(d.At)))
		}
		return s + "."
	case len(card.Digits) > 0:
		return fmt.Sprintf(w.menu, strings.Join(card.Digits, ", "))
	}
	return ""
}

// span says a duration in its largest unit.
func (w *words) span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d %s", max(0, int(d/time.Second)), w.units[0])
	case d < time.Hour:
		return fmt.Sprintf("%d %s", int(d/time.Minute), w.units[1])
	}
	return fmt.Sprintf("%d %s", int(d/time.Hour), w.units[2])
}

// confidence prints .90 or, where the language asks for it, 0,90.
func (w *words) confidence(c float64) string {
	s := fmt.Sprintf("%.2f", min(max(c, 0), 1))
	if strings.HasPrefix(s, "0.") {
		return w.zero + s[2:]
	}
	return strings.Replace(s, ".", w.zero[len(w.zero)-1:], 1)
}

// shortNames are first names, or whole names where two agents share the first.
func shortNames(agents []contact.WhyAgent) []string {
	count := map[string]int{}
	for _, a := range agents {
		first, _, _ := strings.Cut(a.Name, " ")
		count[first]++
	}
	names := make([]string, len(agents))
	for i, a := range agents {
		first, _, _ := strings.Cut(a.Name, " ")
		switch {
		case first == "":
			names[i] = string(a.Agent)
		case count[first] > 1:
			names[i] = a.Name
		default:
			names[i] = first
		}
	}
	return names
}
