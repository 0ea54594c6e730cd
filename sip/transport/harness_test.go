package transport

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ourAddr  = "192.0.2.1:5060"
	peerAddr = "198.51.100.7:40000"
)

// heard is a Handler and an Observer that remembers.
type heard struct {
	mu       sync.Mutex
	flows    []Flow
	messages []gosip.Message
	closed   []error
	dropped  map[string]int
	open     int
	panics   int
	panicAt  string
}

func (h *heard) Receive(f Flow, m gosip.Message, _ time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id := m.CallID(); id != nil && h.panicAt != "" && id.Value() == h.panicAt {
		panic("a bug above")
	}
	h.flows, h.messages = append(h.flows, f), append(h.messages, m)
}

func (h *heard) Closed(_ Flow, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = append(h.closed, err)
}

func (h *heard) Dropped(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dropped == nil {
		h.dropped = make(map[string]int)
	}
	h.dropped[why]++
}

func (h *heard) Connection(_ string, change int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open += change
}

func (h *heard) Panicked(any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.panics++
}

// callIDs are those of the messages, in order of arrival.
func (h *heard) callIDs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, m := range h.messages {
		out = append(out, m.CallID().Value())
	}
	return out
}

func (h *heard) ends() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]error(nil), h.closed...)
}

func (h *heard) drops(why string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dropped[why]
}

func (h *heard) last() (Flow, gosip.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.flows[len(h.flows)-1], h.messages[len(h.messages)-1]
}

// world is a layer upon a network in memory.
type world struct {
	*heard
	t      *testing.T
	net    transporttest.Network
	layer  *Layer
	socket *Socket
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{heard: &heard{}, t: t}
	o.Observer = w.heard
	w.layer = New(t.Context(), o, w.heard)
	t.Cleanup(w.layer.Close)
	var err error
	w.socket, err = w.layer.Packets(w.net.ListenPacket(ourAddr))
	require.NoError(t, err)
	require.NoError(t, w.layer.Stream(w.net.Listen(ourAddr), TCP))
	w.layer.Start()
	return w
}

func (w *world) peer() net.PacketConn { return w.net.ListenPacket(peerAddr) }

func (w *world) dial() net.Conn {
	w.t.Helper()
	c, err := w.net.Dial("198.51.100.7", ourAddr)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t *testing.T, p net.PacketConn, data string) {
	t.Helper()
	_, err := p.WriteTo([]byte(data), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(ourAddr)))
	require.NoError(t, err)
}

func request(method, id, via, more, body string) string {
	return fmt.Sprintf("%s sip:200@filo SIP/2.0\r\nVia: SIP/2.0/%s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"+
		"To: <sip:200@filo>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n%s\r\n%s", method, via, id, id, method, more, body)
}

func options(id string) string {
	return request("OPTIONS", id, "UDP "+peerAddr+";rport", "Content-Length: 0\r\n", "")
}

func streamed(id, body string) string {
	return request("INFO", id, "TCP 198.51.100.7", fmt.Sprintf("Content-Length: %d\r\n", len(body)), body)
}
