package e2e

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// relay stands between one peer and the node: whatever they say to each other
// over UDP goes through it, since it takes the place of each in the other's
// messages. What becomes of a message is for the test to say.
type relay struct {
	t           *testing.T
	front, back *net.UDPConn // the peer talks with front, the node with back
	node        *net.UDPAddr
	fate        fate
	wg          sync.WaitGroup

	mu   sync.Mutex
	peer *net.UDPAddr
	seen map[message]int // how many of a kind came; their nth is 0
}

// fate says when copies of a message are delivered: none, it is lost; two, it
// is doubled; a delay, and later messages overtake it.
type fate func(m message) []time.Duration

// message is what a relay sees. Inward goes towards the node.
type message struct {
	inward bool
	what   string // as kindOf tells
	nth    int    // of its kind and direction, from 1
}

// at once, and once.
func untouched(message) []time.Duration { return []time.Duration{0} }

// newRelay stands in front of the node; f is called for one message at a time.
func (n *node) newRelay(f fate) *relay {
	n.t.Helper()
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(n.t, err)
		return c
	}
	server, err := net.ResolveUDPAddr("udp4", n.SIP)
	require.NoError(n.t, err)
	r := &relay{t: n.t, front: listen(), back: listen(), node: server, fate: f, seen: map[message]int{}}
	r.wg.Go(func() { r.carry(r.front, true) })
	r.wg.Go(func() { r.carry(r.back, false) })
	n.t.Cleanup(func() {
		_ = r.front.Close()
		_ = r.back.Close()
		r.wg.Wait()
	})
	return r
}

// addr is what the peer takes for the node.
func (r *relay) addr() string { return r.front.LocalAddr().String() }

// carry passes on what comes on one side.
func (r *relay) carry(from *net.UDPConn, inward bool) {
	b := make([]byte, 64<<10)
	for {
		n, source, err := from.ReadFromUDP(b)
		if err != nil {
			return
		}
		r.pass(string(b[:n]), source, inward)
	}
}

func (r *relay) pass(text string, source *net.UDPAddr, inward bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if inward {
		r.peer = source
	}
	if r.peer == nil {
		return
	}
	m := message{inward: inward, what: kindOf(text)}
	r.seen[m]++
	m.nth = r.seen[m]
	out := []byte(r.rewrite(text, inward))
	for _, delay := range r.fate(m) {
		if delay == 0 {
			r.deliver(out, inward)
			continue
		}
		r.wg.Go(func() {
			time.Sleep(delay)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.deliver(out, inward)
		})
	}
}

func (r *relay) deliver(b []byte, inward bool) {
	if inward {
		_, _ = r.back.WriteToUDP(b, r.node)
	} else {
		_, _ = r.front.WriteToUDP(b, r.peer)
	}
}

// rewrite puts the relay in the place of the sender and of who it meant. The
// description of a session is left alone: sound goes its own way.
func (r *relay) rewrite(text string, inward bool) string {
	head, body, ok := strings.Cut(text, "\r\n\r\n")
	if !ok {
		return text
	}
	pairs := []string{r.peer.String(), r.back.LocalAddr().String(), r.addr(), r.node.String()}
	if !inward {
		pairs = []string{r.back.LocalAddr().String(), r.peer.String(), r.node.String(), r.addr()}
	}
	return strings.NewReplacer(pairs...).Replace(head) + "\r\n\r\n" + body
}

// kindOf names a message: "INVITE", or "200 INVITE" for a response.
func kindOf(text string) string {
	first, rest, _ := strings.Cut(text, "\r\n")
	if code, ok := strings.CutPrefix(first, "SIP/2.0 "); ok && len(code) >= 3 {
		return code[:3] + " " + methodOf(rest)
	}
	method, _, _ := strings.Cut(first, " ")
	return method
}

func methodOf(headers string) string {
	for line := range strings.Lines(headers) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "CSeq") {
			if f := strings.Fields(value); len(f) == 2 {
				return f[1]
			}
		}
	}
	return ""
}

// count is how many messages of a kind came, from either side.
func (r *relay) count(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[message{inward: true, what: what}] + r.seen[message{what: what}]
}
