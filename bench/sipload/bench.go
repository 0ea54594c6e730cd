package sipload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Bench runs experiments. Make it by New.
type Bench struct {
	Programs
	// Progress takes a line for each step; nil for none.
	Progress io.Writer

	dir string
}

// Programs are the command lines of what is measured.
type Programs struct {
	Self []string // that understands "sip b2bua"
	Filo []string // that understands "serve"; only experiments with a Node need it
	Env  []string // added to the environment of both
}

// New makes a bench with a directory of its own; Close removes it.
func New(p Programs) (*Bench, error) {
	dir, err := os.MkdirTemp("", "filo-bench-sip")
	if err != nil {
		return nil, fmt.Errorf("make bench: %w", err)
	}
	b := &Bench{Programs: p, dir: dir}
	for _, name := range []string{"caller.xml"} {
		text, err := scenarios.ReadFile("scenarios/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make bench: %w", err), b.Close())
		}
	}
	return b, nil
}

// Close removes what the bench has written.
func (b *Bench) Close() error {
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("close bench: %w", err)
	}
	return nil
}

func (b *Bench) say(format string, args ...any) {
	if b.Progress != nil {
		_, _ = fmt.Fprintf(b.Progress, format+"\n", args...)
	}
}

// line is a server with a UAS behind it, or a node, which answers by itself.
type line struct {
	addr   string // whom the callers call
	server interface{ stop() }
	uas    *process
}

// open starts a UAS, and a server in front of it.
func open[S server](ctx context.Context, b *Bench, make func(ctx context.Context, next string, core int) (S, error), on cores) (l line, s S, err error) {
	next, err := freeAddr()
	if err != nil {
		return l, s, err
	}
	if l.uas, err = b.answer(ctx, next, on.callers); err != nil {
		return l, s, err
	}
	if s, err = make(ctx, next, on.server); err != nil {
		l.uas.stop()
		return l, s, err
	}
	l.addr, l.server = s.addr(), s
	return l, s, nil
}

// openNode starts a node without agents.
func (b *Bench) openNode(ctx context.Context, on cores) (l line, err error) {
	n, err := b.node("127.0.0.1", 0)
	if err != nil {
		return l, err
	}
	if err := n.start(ctx, on.server); err != nil {
		n.stop()
		return l, err
	}
	return line{addr: n.SIP, server: n}, nil
}

// openB2BUA starts a B2BUA with a UAS.
func (b *Bench) openB2BUA(ctx context.Context, on cores) (line, error) {
	l, _, err := open(ctx, b, b.startB2BUA, on)
	return l, err
}

func (l line) close() {
	l.server.stop()
	if l.uas != nil {
		l.uas.stop()
	}
}

// rounds is how often a figure is measured; the median counts.
const rounds = 3

// median of an odd number of values.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
