package ivr

import (
	"context"
	"strconv"
	"time"

	"filo/contact"
)

const (
	askTimeout = 5 * time.Second
	maxChoices = 9 // the keys 1 to 9; 0 is the menu
)

// The sentences round the choices of Ask, by language. Sound files replace
// them: press_1 to press_9 and press_other.
var (
	askPress = map[string]string{"en": "press ", "it": "prema "}
	askOther = map[string]string{"en": "For anything else, press 0.", "it": "Per tutto il resto, prema 0."}
)

// Ask puts the question of a contact.Decision whose Action is Ask: "for this,
// press 1; for that, press 2; for anything else, press 0". It returns the
// choice, or nil for the menu: on 0, any other key and silence. The error is
// only the end of ctx.
//
// A sound file reason_<reason> replaces a choice's own prompt. A choice that
// has no prompt in lang is put in English; one that cannot be played at all
// makes the answer nil at once, since nobody can choose what was not heard.
func Ask(ctx context.Context, port Port, choices []contact.Choice, lang string) (*contact.Choice, error) {
	choices = choices[:min(len(choices), maxChoices)]
	if len(choices) == 0 {
		return nil, ctx.Err()
	}
	l := newLine(port)
	if err := l.play(ctx, AskPrompts(choices, lang), true); err != nil {
		return nil, err
	}
	if len(l.unplayed) > 0 {
		return nil, nil //nolint:nilnil // no choice is the menu
	}
	key, ok, err := l.next(ctx, askTimeout, false)
	if err != nil {
		return nil, err
	}
	if n := int(key - '1'); ok && n >= 0 && n < len(choices) {
		return &choices[n], nil
	}
	return nil, nil //nolint:nilnil // no choice is the menu
}

// AskPrompts returns what Ask plays, in order.
func AskPrompts(choices []contact.Choice, lang string) []Prompt {
	if askOther[lang] == "" {
		lang = "en"
	}
	var prompts []Prompt
	for i, c := range choices {
		n := strconv.Itoa(i + 1)
		about := Prompt{ID: "reason_" + c.Reason, Text: c.Prompt[lang], Lang: lang}
		if about.Text == "" && c.Prompt["en"] != "" {
			about.Text, about.Lang = c.Prompt["en"], "en"
		}
		prompts = append(prompts, about, Prompt{ID: "press_" + n, Text: askPress[lang] + n + ".", Lang: lang})
	}
	return append(prompts, Prompt{ID: "press_other", Text: askOther[lang], Lang: lang})
}
