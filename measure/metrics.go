package measure

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
)

// counted are the metrics that a segment has gone into already.
type counted struct {
	answered, ended, handled bool
}

type metrics struct {
	queues    map[string]time.Duration // the queues that may be labels
	segments  *prometheus.CounterVec
	answered  *prometheus.CounterVec
	inTarget  *prometheus.CounterVec
	abandoned *prometheus.CounterVec
	waits     *prometheus.HistogramVec
	handles   *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, e *Engine) (*metrics, error) {
	seconds := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: 1.1,
			NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"channel"})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		queues:    e.deps.Targets,
		segments:  counter("filo_measure_segments_total", "Segments that ended, by channel and result.", "channel", "result"),
		answered:  counter("filo_measure_answered_total", "Segments that were answered.", "queue", "channel"),
		inTarget:  counter("filo_measure_answered_in_target_total", "Segments that were answered within the service-level threshold.", "queue", "channel"),
		abandoned: counter("filo_measure_abandoned_total", "Segments that were abandoned: short ones, others within the threshold, and those beyond it.", "queue", "channel", "wait"),
		waits: seconds("filo_measure_wait_seconds", "Time from enqueueing to the answer.",
			.01, .1, 1, 5, 10, 20, 30, 60, 120, 300, 900, 3600, 14400, 86400),
		handles: seconds("filo_measure_handle_seconds", "Talk, hold and wrap-up, or focused working time, of handled segments.",
			5, 15, 30, 60, 120, 180, 300, 600, 1200, 3600),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.segments, m.answered, m.inTarget, m.abandoned, m.waits, m.handles} {
		errs = append(errs, reg.Register(c))
	}
	for _, s := range []contact.AgentState{contact.NotReady, contact.Ready, contact.Reserved, contact.Busy, contact.AgentWrapUp} {
		errs = append(errs, reg.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "filo_measure_agent_state_seconds_total", Help: "Time that agents spent in a state.",
			ConstLabels: prometheus.Labels{"state": string(s)},
		}, func() float64 { return e.AgentTime(e.deps.Now())[s].Seconds() })))
	}
	return m, errors.Join(errs...)
}

// count puts what is new of a segment into the metrics, each thing once.
func (m *metrics) count(s *entry, target, short time.Duration) {
	queue, channel := m.queue(s.Queue), channelLabel(s.Channel)
	wait := s.Wait(s.EndedAt)
	if !s.AnsweredAt.IsZero() && !s.EnqueuedAt.IsZero() && !s.answered {
		s.answered = true
		m.answered.WithLabelValues(queue, channel).Inc()
		if wait <= target {
			m.inTarget.WithLabelValues(queue, channel).Inc()
		}
		m.waits.WithLabelValues(channel).Observe(wait.Seconds())
	}
	if s.Result != "" && !s.ended {
		s.ended = true
		m.segments.WithLabelValues(channel, resultLabel(s.Result)).Inc()
		if s.Result == contact.Abandoned && s.AnsweredAt.IsZero() && !s.EnqueuedAt.IsZero() {
			m.abandoned.WithLabelValues(queue, channel, waitLabel(wait, target, short)).Inc()
		}
	}
	if !s.WrapUpEndAt.IsZero() && !s.AnsweredAt.IsZero() && !s.handled {
		s.handled = true
		m.handles.WithLabelValues(channel).Observe(s.Handle().Seconds())
	}
}

func waitLabel(wait, target, short time.Duration) string {
	switch {
	case wait <= short:
		return "short"
	case wait <= target:
		return "in_target"
	default:
		return "beyond"
	}
}

// The labels come from bounded sets, whatever a segment says.
func (m *metrics) queue(name string) string {
	if _, ok := m.queues[name]; ok {
		return name
	}
	return "other"
}

func channelLabel(ch contact.Channel) string {
	switch ch {
	case contact.Voice, contact.Email, contact.SMS, contact.Web:
		return string(ch)
	}
	return "other"
}

func resultLabel(r contact.Result) string {
	switch r {
	case contact.Handled, contact.Abandoned, contact.Overflowed, contact.Transferred, contact.InFlowEnd, contact.Failed, contact.LostRestart:
		return string(r)
	}
	return "other"
}
