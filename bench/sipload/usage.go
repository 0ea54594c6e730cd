package sipload

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Usage is what a B2BUA has used up to a moment.
type Usage struct {
	CPU        time.Duration      `json:"cpu_ns"`
	Heap       uint64             `json:"heap_bytes"` // alive, and garbage unless collected before
	Mallocs    uint64             `json:"mallocs"`
	Goroutines int                `json:"goroutines"`
	Calls      int64              `json:"calls"`
	Gauges     map[string]float64 `json:"gauges"` // filo_sip_*: dialogs and the like
}

// usage measures the process. The runtime must be asked twice for what
// finalizers and pools give up late.
func (b *B2BUA) usage(collect bool) (Usage, error) {
	if collect {
		runtime.GC()
		runtime.GC()
	}
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return Usage{}, fmt.Errorf("usage: %w", err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	gauges, err := b.gauges()
	return Usage{
		CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), Heap: m.HeapAlloc, Mallocs: m.Mallocs,
		Goroutines: runtime.NumGoroutine(), Calls: b.calls.Load(), Gauges: gauges,
	}, err
}

func (b *B2BUA) gauges() (map[string]float64, error) {
	families, err := b.reg.Gather()
	if err != nil {
		return nil, fmt.Errorf("usage: %w", err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if m.GetGauge() != nil && strings.HasPrefix(f.GetName(), "filo_sip_") {
				all[f.GetName()] += m.GetGauge().GetValue()
			}
		}
	}
	return all, nil
}

// The words that Report understands.
const (
	wordUsage   = "usage"   // measure
	wordCollect = "collect" // collect garbage, then measure
)

// Report answers each line of in with a line of JSON on out, "ready" first, and
// returns when in ends: whoever started the process holds the other side.
func (b *B2BUA) Report(in io.Reader, out io.Writer) error {
	<-b.Ready()
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	enc := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		u, err := b.usage(lines.Text() == wordCollect)
		if err != nil {
			return err
		}
		if err := enc.Encode(u); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

// Run serves until in or ctx ends, and reports on the way.
func (b *B2BUA) Run(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var serving error
	var wg sync.WaitGroup
	wg.Go(func() { serving = b.Serve(ctx) })
	err := b.Report(in, out)
	if b.AtEnd != nil {
		err = errors.Join(err, b.AtEnd())
	}
	stop()
	wg.Wait()
	if serving != nil {
		return serving
	}
	return err
}
