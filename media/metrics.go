package media

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one engine. Children of vectors are looked up once, so that the
// packet path only adds to atomics.
type metrics struct {
	in, out  prometheus.Counter
	lost     prometheus.Counter
	timeouts prometheus.Counter
	skips    prometheus.Counter
	jitter   prometheus.Histogram
	lateness prometheus.Histogram
	active   map[Kind]prometheus.Gauge
	refused  map[refusal]prometheus.Counter

	recordings        prometheus.Gauge
	recordingLost     prometheus.Counter
	recordingFailures prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{active: map[Kind]prometheus.Gauge{}, refused: map[refusal]prometheus.Counter{}}
	packets := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "filo_media_packets_total", Help: "RTP packets, by direction as seen by us.",
	}, []string{"direction"})
	m.in, m.out = packets.WithLabelValues("in"), packets.WithLabelValues("out")
	m.lost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "filo_media_packets_lost_total", Help: "RTP packets that never arrived, counted when a leg ends.",
	})
	m.timeouts = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "filo_media_rtp_timeouts_total", Help: "Legs whose RTP stopped for longer than the limit.",
	})
	m.skips = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "filo_media_playout_skips_total", Help: "Times that the pacing was too late to catch up.",
	})
	m.jitter = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "filo_media_jitter_seconds", Help: "Interarrival jitter of a leg when it ends (RFC 3550).",
		Buckets:                         []float64{.0005, .001, .002, .005, .01, .02, .04, .08, .16},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	})
	m.lateness = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "filo_media_playout_lateness_seconds", Help: "How late the pacing woke for a 1 ms slot that had streams.",
		Buckets:                         []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	})
	active := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "filo_media_endpoints", Help: "Open endpoints, by kind.",
	}, []string{"kind"})
	for _, k := range []Kind{RTP, WebRTC} {
		m.active[k] = active.WithLabelValues(k.String())
	}
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "filo_media_latch_refusals_total", Help: "Packets dropped because of where they came from, by reason.",
	}, []string{"reason"})
	for _, r := range []refusal{refuseUnrelated, refuseLatched, refuseUnproven} {
		m.refused[r] = refused.WithLabelValues(string(r))
	}
	m.recordings = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "filo_media_recordings", Help: "Recordings that are being written.",
	})
	m.recordingLost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "filo_media_recording_dropped_seconds_total", Help: "Sound that is missing in recordings because the disk was too slow or full.",
	})
	m.recordingFailures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "filo_media_recording_failures_total", Help: "Times that a recording could not be opened or written any more.",
	})
	if reg != nil {
		reg.MustRegister(packets, m.lost, m.timeouts, m.skips, m.jitter, m.lateness, active, refused,
			m.recordings, m.recordingLost, m.recordingFailures)
	}
	return m
}
