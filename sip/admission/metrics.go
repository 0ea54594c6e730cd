package admission

import "github.com/prometheus/client_golang/prometheus"

// Why a stranger's message was dropped.
const (
	dropRate   = "rate"
	dropBanned = "banned"
)

type metrics struct {
	refused prometheus.Counter
	wait    prometheus.Histogram
	dropped *prometheus.CounterVec
	bans    prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, g *Gate) *metrics {
	m := &metrics{
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "filo_sip_admission_refused_total", Help: "Requests answered 503 because of overload, before they were parsed.",
		}),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "filo_sip_admission_wait_seconds", Help: "How long datagrams waited in the kernel's queue.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .02, .05, .1, .2, .5, 1, 5},
		}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sip_strangers_dropped_total", Help: "Messages of strangers that got no answer, by reason.",
		}, []string{"reason"}),
		bans: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "filo_sip_strangers_bans_total", Help: "Addresses banned for guessing passwords.",
		}),
	}
	if reg == nil {
		return m
	}
	reg.MustRegister(
		m.refused, m.wait, m.dropped, m.bans,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "filo_sip_admission_overloaded", Help: "1 while new calls are refused because of overload.",
		}, func() float64 {
			if g.Overloaded() {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "filo_sip_strangers_banned", Help: "Addresses that are banned now.",
		}, func() float64 {
			g.mu.Lock()
			defer g.mu.Unlock()
			return float64(g.bans.count(g.deps.Now()))
		}),
	)
	return m
}
