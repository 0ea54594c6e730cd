package demo

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// teller prints the story, one readable line a step. Robots may speak at once.
type teller struct {
	mu sync.Mutex
	w  io.Writer
	n  int
}

func (t *teller) done(title string, took time.Duration, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	_, _ = fmt.Fprintf(t.w, "  %d. %-66s %7.0f ms\n", t.n, title, millis(took))
	if detail != "" {
		_, _ = fmt.Fprintf(t.w, "        %s\n", detail)
	}
}

func (t *teller) failed(title string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	_, _ = fmt.Fprintf(t.w, "  %d. %s\n     FAILED: %v\n", t.n, title, err)
}

func (t *teller) line(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.w, format+"\n", args...)
}
