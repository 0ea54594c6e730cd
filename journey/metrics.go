package journey

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
)

// What becomes of context decisions. Arrived counts the first three by itself.
const (
	Skipped = "skipped"
	Asked   = "asked"
	Menued  = "menu"
	Escaped = "escaped" // the caller asked for the menu after a skip
	Wrong   = "wrong"   // the agent said that the reason was wrong
)

type metrics struct {
	context   *prometheus.HistogramVec
	ingest    prometheus.Histogram
	events    *prometheus.CounterVec
	hotErrors prometheus.Counter
	decisions *prometheus.CounterVec
	rules     map[string]bool
}

func newMetrics(reg prometheus.Registerer, rules []Rule) *metrics {
	m := &metrics{
		context: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "filo_journey_context_seconds", Help: "Time to find who calls and why, by where the answer came from.",
			Buckets: []float64{
				10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3,
			},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"status"}),
		ingest: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "filo_journey_ingest_seconds", Help: "Time from a touchpoint's arrival to its durable commit.",
			Buckets:                     []float64{100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_journey_events_total", Help: "Touchpoints put on a thread.",
		}, []string{"channel", "direction"}),
		hotErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "filo_journey_hot_errors_total", Help: "Failures of the hot context store; the Record answered instead.",
		}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_ivr_decisions_total", Help: "Context decisions for calls by rule and what became of them.",
		}, []string{"rule", "result"}),
		rules: make(map[string]bool, len(rules)),
	}
	for _, r := range rules {
		m.rules[r.Name] = true
	}
	if reg != nil {
		reg.MustRegister(m.context, m.ingest, m.events, m.hotErrors, m.decisions)
	}
	return m
}

func (m *metrics) arrived(c *contact.Context) {
	m.context.WithLabelValues(string(c.Status)).Observe(c.Took.Seconds())
	switch c.Decision.Action {
	case contact.Skip:
		m.decided(c.Decision.Rule, Skipped)
	case contact.Ask:
		m.decided(c.Decision.Rule, Asked)
	default:
		m.decided("", Menued)
	}
}

func (m *metrics) decided(rule, result string) {
	if !m.rules[rule] {
		rule = "none"
	}
	m.decisions.WithLabelValues(rule, result).Inc()
}

func (m *metrics) ingested(e *Event, took time.Duration) {
	m.ingest.Observe(took.Seconds())
	m.events.WithLabelValues(channelLabel(e.Channel), directionLabel(e.Dir)).Inc()
}

func (m *metrics) hotFailed() { m.hotErrors.Inc() }

// channelLabel keeps the label bounded whatever a connector sends.
func channelLabel(c contact.Channel) string {
	switch c {
	case contact.Voice, contact.Email, contact.SMS, contact.Web:
		return string(c)
	}
	return "other"
}

func directionLabel(d contact.Direction) string {
	switch d {
	case contact.Inbound, contact.Outbound:
		return string(d)
	}
	return string(contact.Indirect)
}

// CountDecision counts what became of a decision after the call went on:
// Escaped when the caller asked for the menu, Wrong when the agent said so.
func (j *Journey) CountDecision(rule, result string) {
	if result == Escaped || result == Wrong {
		j.metrics.decided(rule, result)
	}
}
