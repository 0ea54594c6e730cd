package demo

import (
	"fmt"
	"io"
	"time"
)

// teller prints the story, one readable line a step.
type teller struct {
	w io.Writer
	n int
}

func (t *teller) done(title string, took time.Duration, detail string) {
	t.n++
	_, _ = fmt.Fprintf(t.w, "  %d. %-66s %7.0f ms\n", t.n, title, millis(took))
	if detail != "" {
		_, _ = fmt.Fprintf(t.w, "        %s\n", detail)
	}
}

func (t *teller) failed(title string, err error) {
	t.n++
	_, _ = fmt.Fprintf(t.w, "  %d. %s\n     FAILED: %v\n", t.n, title, err)
}

func (t *teller) line(format string, args ...any) {
	_, _ = fmt.Fprintf(t.w, format+"\n", args...)
}
