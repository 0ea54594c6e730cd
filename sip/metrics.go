package sip

import (
	"strconv"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"filo/sip/trunk"
)

// metrics of the user agent; every label comes from a bounded set.
type metrics struct {
	perMessage
	dialogs  prometheus.Gauge
	resent   *prometheus.CounterVec
	rejected *prometheus.CounterVec
	bindings prometheus.Gauge
	sockets  prometheus.Gauge
	panics   prometheus.Counter
	trunks   *trunkMetrics
}

// Why a message or call was turned away.
const (
	rejectMalformed = "malformed"
	rejectJunk      = "junk"
	rejectSize      = "size"
	rejectForbidden = "forbidden"
	rejectAuth      = "auth"
	rejectBackoff   = "backoff"
	rejectDraining  = "draining"
	rejectOverload  = "overload"
	rejectOrigin    = "origin"
	rejectMethod    = "method"
	rejectStranger  = "stranger"
	rejectNoDialog  = "no_dialog"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "filo_sip_requests_total", Help: "SIP requests received, before absorbing retransmissions, by method.",
	}, []string{"method"})
	responses := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "filo_sip_responses_total", Help: "SIP responses by class (1xx to 6xx) and direction.",
	}, []string{"class", "direction"})
	m := &metrics{
		perMessage: newPerMessage(requests, responses),
		dialogs: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "filo_sip_dialogs", Help: "Legs in progress: ringing, answered or being dialled.",
		}),
		resent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sip_retransmits_total", Help: "Messages of ours sent again, by message.",
		}, []string{"message"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sip_rejected_total", Help: "Messages and connections turned away, by reason.",
		}, []string{"reason"}),
		bindings: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "filo_sip_registered_bindings", Help: "Contacts registered now.",
		}),
		sockets: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "filo_sip_websockets", Help: "SIP over WebSocket connections open now.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "filo_sip_panics_total", Help: "Panics caught while serving a request or a call.",
		}),
		trunks: newTrunkMetrics(reg),
	}
	if reg != nil {
		reg.MustRegister(requests, responses, m.dialogs, m.resent, m.rejected, m.bindings, m.sockets, m.panics)
	}
	return m
}

// knownMethods bound the method label.
var knownMethods = []string{
	"INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "INFO", "UPDATE",
	"PRACK", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH",
}

// perMessage are the counters of every message, found beforehand.
type perMessage struct {
	requests      map[string]prometheus.Counter // by method
	otherRequests prometheus.Counter
	responses     map[string]*[7]prometheus.Counter // by direction and class; class 0: other
}

func newPerMessage(requests, responses *prometheus.CounterVec) perMessage {
	p := perMessage{
		requests: make(map[string]prometheus.Counter), otherRequests: requests.WithLabelValues("other"),
		responses: make(map[string]*[7]prometheus.Counter),
	}
	for _, method := range knownMethods {
		p.requests[method] = requests.WithLabelValues(method)
	}
	for _, direction := range []string{directionIn, directionOut} {
		var classes [7]prometheus.Counter
		classes[0] = responses.WithLabelValues("other", direction)
		for class := 1; class < len(classes); class++ {
			classes[class] = responses.WithLabelValues(strconv.Itoa(class)+"xx", direction)
		}
		p.responses[direction] = &classes
	}
	return p
}

func (p perMessage) request(method string) {
	if c := p.requests[method]; c != nil {
		c.Inc()
		return
	}
	p.otherRequests.Inc()
}

func (p perMessage) response(code int, direction string) {
	class := code / 100
	if class < 1 || class > 6 {
		class = 0
	}
	p.responses[direction][class].Inc()
}

func (m *metrics) reject(reason string) { m.rejected.WithLabelValues(reason).Inc() }

// Received counts a message; with the methods below it makes metrics the
// observer of the transaction layer.
func (m *metrics) Received(msg gosip.Message) {
	switch msg := msg.(type) {
	case *gosip.Request:
		m.request(string(msg.Method))
	case *gosip.Response:
		m.response(msg.StatusCode, directionIn)
	}
}

// Responded counts a response of ours.
func (m *metrics) Responded(code int) { m.response(code, directionOut) }

// Resent counts a message of ours that goes out again.
func (m *metrics) Resent(what string) { m.resent.WithLabelValues(what).Inc() }

// Refused counts a request beyond the limits of the transaction layer.
func (m *metrics) Refused() { m.reject(rejectOverload) }

// trunkMetrics are labelled by the names in the configuration.
type trunkMetrics struct {
	up         *prometheus.GaugeVec
	registered *prometheus.GaugeVec
	calls      *prometheus.GaugeVec
	rejected   *prometheus.CounterVec
	placed     *prometheus.CounterVec
	failovers  *prometheus.CounterVec
}

// Directions of a trunk's calls.
const (
	directionIn  = "in"
	directionOut = "out"
)

func newTrunkMetrics(reg prometheus.Registerer) *trunkMetrics {
	m := &trunkMetrics{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "filo_sip_trunk_up", Help: "Whether the trunk answers our OPTIONS; 1 when it is not asked.",
		}, []string{"trunk"}),
		registered: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "filo_sip_trunk_registered", Help: "Whether we are registered at the trunk's provider.",
		}, []string{"trunk"}),
		calls: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "filo_sip_trunk_calls", Help: "Calls of the trunk by direction, those being placed included.",
		}, []string{"trunk", "direction"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sip_trunk_rejected_total", Help: "Calls beyond the trunk's limits by direction and reason (calls, rate).",
		}, []string{"trunk", "direction", "reason"}),
		placed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sip_trunk_placed_total", Help: "Calls placed over the trunk by result (answered, refused, failed, cancelled).",
		}, []string{"trunk", "result"}),
		failovers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "filo_sip_trunk_failovers_total", Help: "Calls that went on to another trunk because this one failed.",
		}, []string{"trunk"}),
	}
	if reg != nil {
		reg.MustRegister(m.up, m.registered, m.calls, m.rejected, m.placed, m.failovers)
	}
	return m
}

// show makes a trunk's gauges.
func (m *trunkMetrics) show(t *trunk.Trunk, p *trunkPeer) {
	m.up.WithLabelValues(t.Name).Set(flag(p.health.Up()))
	m.calls.WithLabelValues(t.Name, directionIn).Set(float64(p.inbound.Calls()))
	m.calls.WithLabelValues(t.Name, directionOut).Set(float64(p.outbound.Calls()))
	if _, ok := t.Registration(); ok {
		m.registered.WithLabelValues(t.Name).Set(0)
	}
}

// forget drops what there is about a trunk that is no more.
func (m *trunkMetrics) forget(name string) {
	of := prometheus.Labels{"trunk": name}
	for _, v := range []interface{ DeletePartialMatch(prometheus.Labels) int }{m.up, m.registered, m.calls, m.rejected, m.placed, m.failovers} {
		v.DeletePartialMatch(of)
	}
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
