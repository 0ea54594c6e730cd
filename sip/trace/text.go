package trace

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Widths of the text, in characters.
const (
	textWidth = 100
	timeWidth = 11 // of the first column
	minColumn = 18 // of a party
	maxColumn = 36
)

// Text writes the ladder for a terminal of 100 columns; with many parties it is
// wider.
func (l Ladder) Text(w io.Writer) error {
	t := textLadder{ladder: l, column: maxColumn}
	if n := len(l.Parties); n > 0 {
		t.column = min(maxColumn, max(minColumn, (textWidth-timeWidth)/n))
	}
	t.heading()
	for _, row := range l.Rows {
		t.row(row)
	}
	t.footing()
	_, err := io.WriteString(w, strings.Map(printable, t.b.String()))
	if err != nil {
		return fmt.Errorf("write ladder: %w", err)
	}
	return nil
}

// printable keeps a terminal from obeying what a message says in clear.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' {
		return unicode.ReplacementChar
	}
	return r
}

// textLadder is a ladder while it is written.
type textLadder struct {
	ladder Ladder
	column int
	b      strings.Builder
}

// life is where the line of a party stands, from the left edge of the columns.
func (t *textLadder) life(party int) int { return party*t.column + t.column/2 }

// canvas is one line of text, set character by character.
type canvas []rune

// blank is a line with the lifelines of all parties.
func (t *textLadder) blank() canvas {
	c := canvas(strings.Repeat(" ", max(1, len(t.ladder.Parties))*t.column))
	for i := range t.ladder.Parties {
		c[t.life(i)] = '│'
	}
	return c
}

// put writes text at a place, as much as there is room for.
func (c canvas) put(at int, text string) {
	for _, r := range text {
		if at >= 0 && at < len(c) {
			c[at] = r
		}
		at++
	}
}

// centre writes text around the middle of from..to, shortened to fit.
func (c canvas) centre(from, to int, text string) {
	text = shorten(text, to-from)
	c.put(from+(to-from-utf8.RuneCountInString(text))/2, text)
}

func shorten(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:max(0, n-1)]) + "…"
}

func (t *textLadder) line(left string, c canvas) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf("%*s  %s", timeWidth-2, left, string(c)), " ") + "\n")
}

func (t *textLadder) heading() {
	l := t.ladder
	fmt.Fprintf(&t.b, "%s   %s", l.ID, l.Start.Format("2006-01-02 15:04:05.000 MST"))
	if l.Clear {
		t.b.WriteString("   IN CLEAR: numbers and names are shown")
	}
	t.b.WriteString("\n")
	if l.Overwritten {
		t.b.WriteString("The beginning was overwritten: the trace had no room for it any more (sip.trace.bytes).\n")
	}
	if l.Omitted > 0 {
		fmt.Fprintf(&t.b, "%d rows in the middle are left out.\n", l.Omitted)
	}
	t.b.WriteString("\n")
	var titles, users, places canvas
	for _, c := range []*canvas{&titles, &users, &places} {
		*c = canvas(strings.Repeat(" ", max(1, len(l.Parties))*t.column))
	}
	for i, p := range l.Parties {
		from := t.life(i) - t.column/2
		titles.centre(from, from+t.column-1, p.title())
		users.centre(from, from+t.column-1, p.User)
		places.centre(from, from+t.column-1, strings.TrimSpace(p.Address+" "+strings.ToUpper(p.Network)))
	}
	t.line("", titles)
	t.line("", users)
	t.line("", places)
	t.line("", t.blank())
}

// title is what stands above a column.
func (p Party) title() string {
	if p.Role == "filo" {
		return "Filo"
	}
	return strings.TrimSpace(p.Role + " " + p.Name)
}

func (t *textLadder) row(r Row) {
	c := t.blank()
	offset := fmt.Sprintf("%.3f", r.MS/1000)
	if r.Kind == Event {
		t.event(c, r)
		t.line(offset, c)
		return
	}
	t.arrow(c, r)
	t.line(offset, c)
	if r.SDP != nil {
		c = t.blank()
		from, to := t.ends(r)
		text := r.SDP.String()
		if utf8.RuneCountInString(text) >= to-from { // every call has it; what is left says more
			text = strings.ReplaceAll(text, ",dtmf", "")
		}
		c.centre(from+1, to, text)
		t.line("", c)
	}
}

// ends are the two lifelines of a message, the left one first.
func (t *textLadder) ends(r Row) (from, to int) {
	a, b := t.life(r.From), t.life(r.To)
	return min(a, b), max(a, b)
}

func (t *textLadder) arrow(c canvas, r Row) {
	from, to := t.ends(r)
	shaft, head, at := '─', '▶', to-1
	if r.Again > 0 {
		shaft = '╌'
	}
	for i := from + 1; i < to; i++ {
		c[i] = shaft
	}
	if r.To < r.From {
		head, at = '◀', from+1
	}
	c[at] = head
	c.centre(from+3, to-2, " "+r.label()+" ")
}

// label is what stands on an arrow.
func (r Row) label() string {
	text := r.Text
	switch {
	case r.Kind == Response && r.Method != "":
		text += " (" + r.Method + ")"
	case r.Kind == Request && r.SDP != nil:
		text += " SDP"
	}
	if r.Again > 0 {
		text += fmt.Sprintf(" again ×%d", r.Again)
	}
	if r.Cut {
		text += " cut"
	}
	return text
}

// event writes what happened beside the line of its party, where there is room.
func (t *textLadder) event(c canvas, r Row) {
	at := t.life(r.From)
	c[at] = '◆'
	text := []rune(" " + r.Text + " ")
	if at+1+len(text) <= len(c) || r.From == 0 {
		c.put(at+1, string(text))
		return
	}
	c.put(at-len(text), string(text))
}

// footing tells the dialogs, and what is not there.
func (t *textLadder) footing() {
	t.line("", t.blank())
	t.b.WriteString("\n")
	for _, leg := range t.ladder.Legs {
		fmt.Fprintf(&t.b, "%-18s Call-ID %s, %d messages", t.ladder.Parties[leg.Party].title(), leg.CallID, leg.Messages)
		if leg.Before > 0 {
			fmt.Fprintf(&t.b, ", %d more before this contact", leg.Before)
		}
		if leg.Overwritten {
			t.b.WriteString(", its beginning was overwritten")
		}
		t.b.WriteString("\n")
	}
}
