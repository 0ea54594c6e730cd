package journey

import (
	"fmt"
	"strings"
	"time"

	"filo/contact"
)

// sentences says the headline in one sentence per language, to be read aloud.
// The times of day are those of now's location.
func sentences(h Headline, tier contact.Tier, now time.Time) map[string]string {
	out := make(map[string]string, 2)
	for lang, w := range map[string]wording{"en": english, "it": italian} {
		out[lang] = w.sentence(h, tier, now)
	}
	return out
}

// wording is how one language says a headline.
type wording struct {
	unknown, possible, known string // who, by tier
	stopped                  string // "stopped at %s"
	italian                  bool
	step                     string // "step %d of %d"
	stages                   map[string]string
	numbers                  []string // 0..10
	now                      string
	minutes, hours, days     [2]string // one, many
	ago                      string    // "%s ago"
	money                    func(value, currency string) string
	channels                 map[contact.Channel]string
	quoted                   string // "%s %s" of channel and subject
	since                    string // "%s unanswered since %s"
	on                       string // "%d %s" of day and month
	months                   []string
}

var english = wording{
	unknown: "Unknown caller", possible: "Possible match", known: "Known customer",
	stopped: "stopped at %s",
	step:    "step %d of %d",
	stages:  map[string]string{},
	numbers: strings.Fields("no one two three four five six seven eight nine ten"),
	now:     "just now",
	minutes: [2]string{"minute", "minutes"}, hours: [2]string{"hour", "hours"}, days: [2]string{"day", "days"},
	ago:      "%s ago",
	money:    func(v, c string) string { return v + " " + currencyWord(c) },
	channels: map[contact.Channel]string{contact.Email: "e-mail", contact.SMS: "SMS"},
	quoted:   "%s '%s'", since: "%s unanswered since %s",
	on: "%d %s", months: strings.Fields("January February March April May June July August September October November December"),
}

var italian = wording{
	unknown: "Chiamante sconosciuto", possible: "Corrispondenza possibile", known: "Cliente noto",
	stopped: "ferma %s", italian: true,
	step: "passo %d di %d",
	stages: map[string]string{
		"payment": "al pagamento", "shipping": "alla spedizione", "delivery": "alla consegna",
		"cart": "al carrello", "address": "all'indirizzo", "details": "ai dati", "review": "al riepilogo",
		"confirm": "alla conferma", "login": "all'accesso",
	},
	numbers: strings.Fields("zero un due tre quattro cinque sei sette otto nove dieci"),
	now:     "adesso",
	minutes: [2]string{"minuto", "minuti"}, hours: [2]string{"ora", "ore"}, days: [2]string{"giorno", "giorni"},
	ago: "%s fa",
	money: func(v, c string) string {
		return strings.Replace(v, ".", ",", 1) + " " + currencyWord(c)
	},
	channels: map[contact.Channel]string{contact.Email: "e-mail", contact.SMS: "SMS"},
	quoted:   "%s «%s»", since: "%s senza risposta %s",
	on: "%d %s", months: strings.Fields("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
}

func currencyWord(c string) string {
	switch strings.ToUpper(c) {
	case "EUR", "€", "":
		return "euro"
	}
	return c
}

func (w *wording) sentence(h Headline, tier contact.Tier, now time.Time) string {
	who := h.Who
	switch {
	case tier == contact.D0:
		return w.unknown
	case tier == contact.D1:
		who = w.possible
	case who == "":
		who = w.known
	}
	parts := []string{who}
	if h.StoppedAt != nil {
		if h.Stage != "" {
			parts = append(parts, fmt.Sprintf(w.stopped, w.stage(h.Stage)))
		}
		if h.StepNo > 0 && h.Steps > 0 {
			parts = append(parts, fmt.Sprintf(w.step, h.StepNo, h.Steps))
		}
		parts = append(parts, w.age(now.Sub(*h.StoppedAt)))
		if h.Value != "" {
			parts = append(parts, w.money(h.Value, h.Currency))
		}
	}
	s := strings.Join(parts, ", ")
	if h.Unanswered == nil {
		return s
	}
	what := w.channels[h.Unanswered.Channel]
	if what == "" {
		what = string(h.Unanswered.Channel)
	}
	if h.Unanswered.Subject != "" {
		what = fmt.Sprintf(w.quoted, what, h.Unanswered.Subject)
	}
	sep := ", "
	if len(parts) > 1 {
		sep = "; "
	}
	return s + sep + fmt.Sprintf(w.since, what, w.moment(h.Unanswered.Since.In(now.Location()), now))
}

// stage says a stage's code in words.
func (w *wording) stage(code string) string {
	if s := w.stages[code]; s != "" {
		return s
	}
	s := strings.NewReplacer("_", " ", "-", " ").Replace(code)
	if w.italian {
		return "a " + s
	}
	return s
}

// age says a duration in its largest unit: "two minutes ago".
func (w *wording) age(d time.Duration) string {
	var n int
	var unit [2]string
	switch {
	case d < time.Minute:
		return w.now
	case d < time.Hour:
		n, unit = int(d/time.Minute), w.minutes
	case d < 48*time.Hour:
		n, unit = int(d/time.Hour), w.hours
	default:
		n, unit = int(d/(24*time.Hour)), w.days
	}
	return fmt.Sprintf(w.ago, w.count(n, unit))
}

func (w *wording) count(n int, unit [2]string) string {
	word := unit[1]
	if n == 1 {
		word = unit[0]
	}
	number := fmt.Sprint(n)
	if n < len(w.numbers) {
		number = w.numbers[n]
	}
	if n == 1 && word == "ora" {
		number = "un'"
		return number + word
	}
	return number + " " + word
}

// moment is the time of day within the last day, else the date.
func (w *wording) moment(t, now time.Time) string {
	if now.Sub(t) < 24*time.Hour {
		clock := t.Format("15:04")
		switch {
		case !w.italian:
			return clock
		case t.Hour() == 1:
			return "dall'" + clock
		}
		return "dalle " + clock
	}
	day := fmt.Sprintf(w.on, t.Day(), w.months[t.Month()-1])
	if w.italian {
		if t.Day() == 1 || t.Day() == 8 || t.Day() == 11 {
			return "dall'" + day
		}
		return "dal " + day
	}
	return day
}
