package sim

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// progressBar is one line on a terminal that is written over.
type progressBar struct {
	w     io.Writer
	begun time.Time

	mu   sync.Mutex
	last time.Time
}

func newProgressBar(w io.Writer) *progressBar { return &progressBar{w: w, begun: time.Now()} }

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// progress returns what Run is to call; none without a bar.
func (b *progressBar) progress() Progress {
	if b == nil {
		return nil
	}
	return b.show
}

func (b *progressBar) show(done, of int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.last) < 100*time.Millisecond || of <= 0 {
		return
	}
	b.last = now
	const width = 40
	share := min(float64(done)/float64(of), 1)
	full := int(share * width)
	speed := float64(done) / now.Sub(b.begun).Seconds() / 1e6
	_, _ = fmt.Fprintf(b.w, "\r%s%s %3.0f %%  %.1f M contacts/s ", strings.Repeat("█", full), strings.Repeat("░", width-full), 100*share, speed)
}

func (b *progressBar) clear() {
	if b != nil {
		_, _ = io.WriteString(b.w, "\r\x1b[K")
	}
}
