package router

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/router/core"
)

// metrics are the router's counters. Those of fixed labels are looked up once.
type metrics struct {
	commands []prometheus.Counter // by core.Op
	decision prometheus.Histogram
	offers   []prometheus.Counter // by core.How
	agents   []prometheus.Gauge   // by core.Status
	rona     prometheus.Counter
	stuck    prometheus.Counter
	queueLen *prometheus.GaugeVec
	overtake *prometheus.GaugeVec
	waits    *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	commands := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "filo_router_commands_total", Help: "Commands that the routing core has applied, by operation.",
	}, []string{"op"})
	offers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "filo_router_offers_total", Help: "Offers that ended, by how they ended.",
	}, []string{"result"})
	agents := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "filo_router_agents", Help: "Agents by state.",
	}, []string{"state"})
	m := &metrics{
		decision: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "filo_router_decision_seconds", Help: "Time in the core of commands that made an offer.",
			Buckets:                         []float64{250e-9, 500e-9, 1e-6, 2e-6, 5e-6, 1e-5, 5e-5, 1e-4, 1e-3},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}),
		rona: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "filo_router_rona_total", Help: "Offers that expired with the customer still there.",
		}),
		stuck: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "filo_router_stuck_owners_total", Help: "Contacts withdrawn because their owner did not read its events.",
		}),
		overtake: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "filo_router_queue_overtake_seconds",
			Help: "Starvation bound: only contacts that come less than this after one of the queue can be served before it.",
		}, []string{"queue"}),
		queueLen: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "filo_router_queue_depth", Help: "Contacts that wait for an agent or have an offer pending, by queue.",
		}, []string{"queue"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "filo_router_queue_wait_seconds", Help: "Time from enqueueing to acceptance, by queue.",
			Buckets:                         []float64{.01, .1, 1, 5, 10, 20, 30, 60, 120, 300, 900, 3600, 14400, 86400},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"queue"}),
	}
	for op := range core.NumOp {
		m.commands = append(m.commands, commands.WithLabelValues(core.Op(op).String()))
	}
	for how := core.Accepted; how <= core.Revoked; how++ {
		m.offers = append(m.offers, offers.WithLabelValues(how.String()))
	}
	for s := range core.NumStatus {
		m.agents = append(m.agents, agents.WithLabelValues(core.Status(s).String())) //nolint:gosec // six
	}
	var errs []error
	for _, c := range []prometheus.Collector{commands, offers, agents, m.decision, m.rona, m.stuck, m.queueLen, m.overtake, m.waits} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// queue returns the gauge and the histogram of a configured queue, which so
// are there from the start.
func (m *metrics) queue(name string) (depth prometheus.Gauge, wait prometheus.Observer) {
	return m.queueLen.WithLabelValues(name), m.waits.WithLabelValues(name)
}
