package transaction

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/sip/transport"
	"filo/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ourAddr  = "192.0.2.1:5060"
	peerAddr = "198.51.100.7:5060"
)

// side is a transaction layer upon a network in memory, with a user that
// remembers what it was told.
type side struct {
	t      *testing.T
	layer  *Layer
	tp     *transport.Layer
	socket *transport.Socket

	mu        sync.Mutex
	servers   []*Server
	acks      []*gosip.Request
	responses []int
	finals    []*gosip.Response
	failed    []error
	closed    int
	strays    []string
	resent    map[string]int
	onRequest func(tx *Server)
}

func (s *side) Request(tx *Server) {
	s.mu.Lock()
	s.servers = append(s.servers, tx)
	f := s.onRequest
	s.mu.Unlock()
	if f != nil {
		f(tx)
	}
}

func (s *side) ACK(_ transport.Flow, ack *gosip.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks = append(s.acks, ack)
}

func (s *side) Stray(_ transport.Flow, res *gosip.Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strays = append(s.strays, res.To().Params.GetOr("tag", ""))
}

func (s *side) Closed(transport.Flow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
}

func (s *side) Response(_ *Client, res *gosip.Response, _ transport.Flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.responses = append(s.responses, res.StatusCode)
	if !res.IsProvisional() {
		s.finals = append(s.finals, res)
	}
}

func (s *side) Failed(_ *Client, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, err)
}

func (s *side) Received(gosip.Message) {}
func (s *side) Responded(int)          {}
func (s *side) Refused()               {}

func (s *side) Resent(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resent == nil {
		s.resent = make(map[string]int)
	}
	s.resent[what]++
}

// seen is what the user of a client transaction was told.
func (s *side) seen() (responses []int, failed []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.responses...), append([]error(nil), s.failed...)
}

func (s *side) requests() []*Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Server(nil), s.servers...)
}

func newSide(t *testing.T, n *transporttest.Network, addr string, o Options) *side {
	t.Helper()
	s := &side{t: t}
	if o.Tag == nil {
		o.Tag = func(req *gosip.Request) string { return "ours-" + req.CallID().Value() }
	}
	o.Observer = s
	s.layer = New(t.Context(), o, s)
	s.tp = transport.New(t.Context(), transport.Options{}, s.layer)
	t.Cleanup(func() { s.layer.Close(); s.tp.Close() })
	var err error
	s.socket, err = s.tp.Packets(n.ListenPacket(addr))
	require.NoError(t, err)
	s.tp.Start()
	return s
}

func (s *side) to(addr string) transport.Flow { return s.socket.Flow(netip.MustParseAddrPort(addr)) }

// wire is a hand-driven peer.
type wire struct {
	t  *testing.T
	pc net.PacketConn
	in chan string
}

func newWire(t *testing.T, n *transporttest.Network) *wire {
	t.Helper()
	w := &wire{t: t, pc: n.ListenPacket(peerAddr), in: make(chan string, 1000)}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 65535)
		for {
			n, _, err := w.pc.ReadFrom(buf)
			if err != nil {
				return
			}
			w.in <- string(buf[:n])
		}
	})
	t.Cleanup(func() { _ = w.pc.Close(); wg.Wait() })
	return w
}

func (w *wire) send(msg string) {
	w.t.Helper()
	_, err := w.pc.WriteTo([]byte(msg), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(ourAddr)))
	require.NoError(w.t, err)
	synctest.Wait()
}

// lines are the first lines of all that came by now.
func (w *wire) lines() []string {
	synctest.Wait()
	var out []string
	for len(w.in) > 0 {
		first, _, _ := strings.Cut(<-w.in, "\r\n")
		out = append(out, first)
	}
	return out
}

func (w *wire) next() gosip.Message {
	w.t.Helper()
	synctest.Wait()
	require.NotEmpty(w.t, w.in)
	m, err := gosip.ParseMessage([]byte(<-w.in))
	require.NoError(w.t, err)
	return m
}

// msg writes a request of the peer.
func msg(method, branch, toTag string, extra ...string) string {
	to := "<sip:200@filo>"
	if toTag != "" {
		to += ";tag=" + toTag
	}
	more := ""
	for _, e := range extra {
		more += e + "\r\n"
	}
	return fmt.Sprintf("%s sip:200@filo SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=theirs\r\n"+
		"To: %s\r\nCall-ID: q\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n", method, peerAddr, branch, to, method, more)
}

// ours is a request of ours.
func ours(method gosip.RequestMethod, branch string) *gosip.Request {
	req := gosip.NewRequest(method, gosip.Uri{Scheme: "sip", User: "x", Host: "peer"})
	via := &gosip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "192.0.2.1", Port: 5060}
	via.Params.Add("branch", branch)
	req.AppendHeader(via)
	req.AppendHeader(&gosip.RouteHeader{Address: gosip.Uri{Scheme: "sip", Host: "proxy"}})
	from := &gosip.FromHeader{Address: gosip.Uri{Scheme: "sip", User: "f", Host: "filo"}}
	from.Params.Add("tag", "ours")
	req.AppendHeader(from)
	req.AppendHeader(&gosip.ToHeader{Address: gosip.Uri{Scheme: "sip", User: "x", Host: "peer"}})
	id := gosip.CallIDHeader("c-" + branch)
	req.AppendHeader(&id)
	req.AppendHeader(&gosip.CSeqHeader{SeqNo: 7, MethodName: method})
	return req
}

// reply is the peer's response to a request of ours.
func reply(m gosip.Message, code int, tag string) string {
	return NewResponse(m.(*gosip.Request), code, "x", tag).String() + ""
}

func (s *side) serve(codes ...int) {
	s.onRequest = func(tx *Server) {
		for _, code := range codes {
			if err := tx.Respond(tx.NewResponse(code, "x")); err != nil {
				s.t.Errorf("respond %d: %v", code, err)
			}
		}
	}
}

// bubble runs a test in virtual time with a layer and a hand-driven peer.
func bubble(t *testing.T, f func(t *testing.T, s *side, w *wire)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var n transporttest.Network
		f(t, newSide(t, &n, ourAddr, Options{Server: "Filo"}), newWire(t, &n))
	})
}

func after(d time.Duration) { time.Sleep(d); synctest.Wait() }
