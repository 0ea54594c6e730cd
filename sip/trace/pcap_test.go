package trace

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// captured is one packet of a capture file.
type captured struct {
	at       time.Time
	from, to netip.AddrPort
	payload  string
}

// readPCAP is a reader of its own for what Ladder.PCAP writes; it checks every
// length and checksum on the way.
func readPCAP(t *testing.T, r io.Reader) (packets []captured) {
	t.Helper()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	le, be := binary.LittleEndian, binary.BigEndian
	require.Equal(t, uint32(0xa1b2c3d4), le.Uint32(b))
	require.Equal(t, []byte{2, 0, 4, 0}, b[4:8])
	require.Equal(t, uint32(101), le.Uint32(b[20:]))
	for b = b[24:]; len(b) > 0; {
		n := int(le.Uint32(b[8:]))
		require.Equal(t, n, int(le.Uint32(b[12:])))
		c := captured{at: time.Unix(int64(le.Uint32(b)), int64(le.Uint32(b[4:]))*1000).UTC()}
		ip := b[16 : 16+n]
		b = b[16+n:]
		var udp, pseudo []byte
		if ip[0]>>4 == 4 {
			require.Equal(t, n, int(be.Uint16(ip[2:])))
			require.Equal(t, uint16(0), fold(sum(0, ip[:20])), "checksum of the IP header")
			udp, pseudo = ip[20:], ip[12:20]
			c.from, c.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[12:16])), be.Uint16(udp)), netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[16:20])), be.Uint16(udp[2:]))
		} else {
			require.Equal(t, byte(6), ip[0]>>4)
			require.Equal(t, n-40, int(be.Uint16(ip[4:])))
			udp, pseudo = ip[40:], ip[8:40]
			c.from, c.to = netip.AddrPortFrom(netip.AddrFrom16([16]byte(ip[8:24])), be.Uint16(udp)), netip.AddrPortFrom(netip.AddrFrom16([16]byte(ip[24:40])), be.Uint16(udp[2:]))
		}
		require.Equal(t, len(udp), int(be.Uint16(udp[4:])))
		require.Equal(t, uint16(0), fold(sum(sum(17+uint32(len(udp)), pseudo), udp)), "checksum of the datagram")
		c.payload = string(udp[8:])
		packets = append(packets, c)
	}
	return packets
}

func TestPCAP(t *testing.T) {
	s := newScene(DefaultConfig()).play()
	six := far{callID: "six", addr: "[2001:db8::5]:5060", network: "tls", from: "<sip:a@b>", to: "<sip:c@d>"}
	s.at(20_000).r.Leg("c_1", "six", "trunk six")
	s.r.Message(Message{At: s.now, Network: "tls", Local: netip.MustParseAddrPort("[2001:db8::1]:5061"), Remote: netip.MustParseAddrPort(six.addr), Data: []byte(six.message("INVITE sip:c@d SIP/2.0", "1 INVITE", "", "", ""))})
	s.r.Message(Message{At: s.now, In: true, Network: "ws", Data: []byte(six.message("SIP/2.0 180 Ringing", "1 INVITE", "", "", ""))})
	l, err := s.r.Ladder("c_1", Options{Data: true})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, l.PCAP(&b))
	require.Empty(t, survivors(b.String()))
	packets := readPCAP(t, bytes.NewReader(b.Bytes()))
	require.Len(t, packets, 17)
	require.Equal(t, captured{at: began, from: there, to: here, payload: l.Rows[0].Data}, packets[0])
	require.Equal(t, here, packets[1].from)
	require.Equal(t, netip.MustParseAddrPort(six.addr), packets[15].to)
	require.False(t, packets[16].from.Addr().Is6(), "an end that is not known is 0.0.0.0")
	for _, p := range packets {
		_, ok := parse([]byte(p.payload))
		require.True(t, ok)
	}
	readByTool(t, b.Bytes())
}

// readByTool lets tshark or tcpdump read the capture where there is one.
func readByTool(t *testing.T, capture []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "call.pcap")
	require.NoError(t, os.WriteFile(path, capture, 0o600))
	if tool, err := exec.LookPath("tshark"); err == nil {
		out, err := exec.Command(tool, "-r", path, "-Y", "sip", "-T", "fields", "-e", "sip.CSeq.method").Output()
		require.NoError(t, err)
		require.Equal(t, 17, bytes.Count(out, []byte("\n")), "%s", out)
	}
	if tool, err := exec.LookPath("tcpdump"); err == nil {
		out, err := exec.Command(tool, "-nr", path).Output()
		require.NoError(t, err)
		require.Equal(t, 17, bytes.Count(out, []byte("\n")), "%s", out)
	}
}

func TestPCAPOfAHugeMessage(t *testing.T) {
	r := Row{At: began, Local: here, Remote: there, Data: string(make([]byte, 65535))}
	var b bytes.Buffer
	require.NoError(t, Ladder{Rows: []Row{r}}.PCAP(&b))
	require.Len(t, readPCAP(t, &b)[0].payload, maxPayload)
}
