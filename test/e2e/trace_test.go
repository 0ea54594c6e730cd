package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/internal/cli"
	"filo/internal/config"
	"filo/sip/trace"
)

// filo runs a command of filo against the node's configuration.
func (w *world) filo(args ...string) string {
	w.t.Helper()
	var out, errs bytes.Buffer
	code := cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	require.Zero(w.t, code, errs.String())
	return out.String()
}

// A call by SIPp to an agent's SIP phone: one ladder shows both legs and what
// happened to the audio; the capture file and the HEP collector have the
// messages; the caller's number is in none of them.
func TestRowTrace_BothLegs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	collector := newCollector(t)
	n := w.start(with(func(c *config.Config) {
		c.SIP.Trace.HEP = trace.HEP{Server: collector.addr(), Network: "udp", NodeID: 7}
	}))
	n.signIn("elena")
	phone := n.phone(robot.PhoneConfig{User: "luca", Delay: 50 * time.Millisecond, Talk: time.Second})
	giulia.checkout(t, n.visitor("trace", ""))
	caller := w.newPeer(callerHz)
	trunk := startSIPp(t, "trunk-call", n.SIP, trunkKeys(giulia, caller))
	caller.talkTo(trunk.logged("answer"))
	hears(t, "caller", caller.Meter, agentHz)
	trunk.wait()
	require.Equal(t, 1, phone.Rings())
	n.quiet()

	cfg := w.path("filo.yaml")
	list := w.filo("trace", "-config", cfg)
	require.Contains(t, list, "caller telco, agent luca")
	contact := strings.Fields(list)[2] // date, time, contact

	var l trace.Ladder
	require.NoError(t, json.Unmarshal([]byte(w.filo("trace", "-config", cfg, "-json", contact)), &l))
	require.False(t, l.Overwritten)
	require.Equal(t, []string{"caller", "filo", "agent"}, []string{l.Parties[0].Role, l.Parties[1].Role, l.Parties[2].Role})
	said := func(leg int) (texts []string) {
		for _, r := range l.Rows {
			if r.Leg == leg && r.Again == 0 && r.Kind != trace.Event {
				texts = append(texts, r.Text)
			}
		}
		return texts
	}
	for leg := range 2 {
		got := slices.DeleteFunc(said(leg), func(s string) bool { return strings.HasPrefix(s, "1") })
		require.Equal(t, []string{"INVITE", "200 OK", "ACK", "BYE", "200 OK"}, got, "leg %d", leg)
	}
	text := w.filo("trace", "-config", cfg, contact)
	for _, want := range []string{"queued: checkout", "offered: luca", "talking: luca", "first audio from", "first audio to", "ended: handled", "caller telco", "agent luca", "INVITE SDP"} {
		require.Contains(t, text, want)
	}

	path := w.path("call.pcap")
	w.filo("trace", "-config", cfg, "-pcap", path, contact)
	capture, err := os.ReadFile(path)
	require.NoError(t, err)
	messages := l.Legs[0].Messages + l.Legs[1].Messages
	require.Equal(t, messages, packetsOf(t, capture))

	collector.await("BYE")
	for what, data := range map[string]string{
		"list": list, "text": text, "json": w.filo("trace", "-config", cfg, "-json", contact), "capture": string(capture), "collector": collector.all(),
	} {
		require.NotContains(t, data, giulia.Phone[3:], what)
		require.NotContains(t, data, giulia.Phone[len(giulia.Phone)-7:], what)
	}
	require.Contains(t, w.filo("trace", "-config", cfg, "-clear", contact), giulia.Phone)
}

// The agent who talks sees the ladder on the contact's page: trunk and browser
// in one, without a number.
func TestRowTrace_OnTheDesk(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	paola := newBrowser(t, agentHz).ready(n, "paola")
	giulia.checkout(t, n.visitor("ladder", ""))
	c := n.call(giulia.Phone)
	paola.see(answerCall)
	paola.click(answerCall)
	hears(t, "caller", c.Meter, agentHz)
	paola.click(role("button", "Show the ladder"))
	ladder := role("region", "Ladder of messages")
	paola.see(ladder)
	paola.sees(ladder, "Caller telco", "Browser of paola", "INVITE", "200 OK (INVITE)", "in queue checkout", "talking with paola", "first audio from here")
	paola.shot("ladder")
	paola.axe("ladder")
	require.NotContains(t, paola.text(place{CSS: "body"}), giulia.Phone[3:])
	paola.press("Escape")
	paola.gone(ladder)
	require.NoError(t, c.Hangup(within(t)))
	paola.see(wrapUpDock)
	paola.clean()
	n.quiet()
}

// packetsOf counts the packets of a capture of raw IPv4, and asks tshark or
// tcpdump where there is one.
func packetsOf(t *testing.T, capture []byte) (n int) {
	t.Helper()
	for b := capture[24:]; len(b) > 0; n++ {
		size := int(binary.LittleEndian.Uint32(b[8:]))
		ip := b[16 : 16+size]
		require.Equal(t, []byte{0x45, 17}, []byte{ip[0], ip[9]})
		require.Regexp(t, `^(SIP/2\.0 \d{3}|[A-Z]+ sip:)`, string(ip[28:]))
		b = b[16+size:]
	}
	for _, tool := range [][]string{{"tshark", "-r", "-", "-Y", "sip"}, {"tcpdump", "-n", "-r", "-"}} {
		if path, err := exec.LookPath(tool[0]); err == nil {
			cmd := exec.Command(path, tool[1:]...)
			cmd.Stdin = bytes.NewReader(capture)
			out, err := cmd.Output()
			require.NoError(t, err)
			require.Equal(t, n, bytes.Count(out, []byte("\n")), "%s", tool[0])
		}
	}
	return n
}

// collector takes HEP3 over UDP.
type collector struct {
	t    *testing.T
	conn *net.UDPConn
	got  strings.Builder
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &collector{t: t, conn: conn}
}

func (c *collector) addr() string { return c.conn.LocalAddr().String() }

// await reads until a message with that method came.
func (c *collector) await(method string) {
	c.t.Helper()
	b := make([]byte, 1<<16)
	for !strings.Contains(c.got.String(), method+" sip:") {
		require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(patience)))
		n, err := c.conn.Read(b)
		require.NoError(c.t, err)
		require.Equal(c.t, "HEP3", string(b[:4]))
		require.Equal(c.t, n, int(binary.BigEndian.Uint16(b[4:])))
		c.got.Write(b[:n])
	}
}

func (c *collector) all() string { return c.got.String() }
