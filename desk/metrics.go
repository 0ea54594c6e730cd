package desk

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the filo_desk_* series; see newMetrics for their help texts.
type metrics struct {
	sessions prometheus.Gauge
	seats    prometheus.Gauge
	sockets  prometheus.Gauge
	signIns  *prometheus.CounterVec // result
	frames   *prometheus.CounterVec // type
	slow     prometheus.Counter
	resumes  *prometheus.CounterVec   // how
	refused  *prometheus.CounterVec   // code
	command  *prometheus.HistogramVec // command, code
	view     *prometheus.HistogramVec // status
	push     prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{Name: "filo_desk_sessions", Help: "Sessions that are signed in."}),
		seats:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "filo_desk_seats", Help: "Users that the desk follows."}),
		sockets:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "filo_desk_sockets", Help: "Event sockets that are open."}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_desk_sign_ins_total",
			Help: "Tries to sign in, by result: ok, wrong, throttled.",
		}, []string{"result"}),
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_desk_frames_total",
			Help: "Frames made for desks, by type; counted once however many sockets get it.",
		}, []string{"type"}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "filo_desk_slow_sockets_total",
			Help: "Event sockets that were closed because the client did not read.",
		}),
		resumes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_desk_hellos_total",
			Help: "Event sockets that said hello, by what they got: snapshot or replay.",
		}, []string{"got"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_desk_refused_total",
			Help: "Requests refused before they reached a command, by code.",
		}, []string{"code"}),
		command: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "filo_desk_command_seconds",
			Help:    "Time of the commands of API.md, by command and answer (ok or an error code).",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12), NativeHistogramBucketFactor: 1.1,
			NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"command", "code"}),
		view: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "filo_desk_view_seconds",
			Help:    "Time to get a customer's thread for a desk, by status: ok or failed.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 10), NativeHistogramBucketFactor: 1.1,
			NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"status"}),
		push: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "filo_desk_offer_push_seconds",
			Help:    "Time from an offer's making in the router to its frame in the sockets' queues.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 10), NativeHistogramBucketFactor: 1.1,
			NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	if reg != nil {
		reg.MustRegister(m.sessions, m.seats, m.sockets, m.signIns, m.frames, m.slow, m.resumes, m.refused, m.command, m.view, m.push)
	}
	return m
}
