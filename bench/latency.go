package bench

import (
	"encoding/json"
	"math"
	"slices"
	"sync"
	"time"
)

// latencies collects durations from many goroutines.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

// Quantiles sums up latencies.
type Quantiles struct {
	N                  int
	P50, P90, P99, Max time.Duration
}

// MarshalJSON prints milliseconds.
func (q Quantiles) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return json.Marshal(struct { //nolint:wrapcheck // the caller is the encoder itself
		N   int     `json:"n"`
		P50 float64 `json:"p50_ms"`
		P90 float64 `json:"p90_ms"`
		P99 float64 `json:"p99_ms"`
		Max float64 `json:"max_ms"`
	}{q.N, ms(q.P50), ms(q.P90), ms(q.P99), ms(q.Max)})
}

func (l *latencies) quantiles() Quantiles {
	l.mu.Lock()
	all := slices.Clone(l.all)
	l.mu.Unlock()
	slices.Sort(all)
	at := func(f float64) time.Duration {
		if len(all) == 0 {
			return 0
		}
		rank := int(math.Ceil(f * float64(len(all)))) // nearest: f of all are at most this
		return all[max(rank, 1)-1]
	}
	return Quantiles{N: len(all), P50: at(.5), P90: at(.9), P99: at(.99), Max: at(1)}
}
