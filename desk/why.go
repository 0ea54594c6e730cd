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
		if s := w.agents(why, viewer); s != "" {
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
