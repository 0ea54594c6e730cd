package trace

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// decodeHEP takes a HEP3 packet apart: the values by chunk.
func decodeHEP(t *testing.T, b []byte) map[uint16][]byte {
	t.Helper()
	be := binary.BigEndian
	require.Equal(t, "HEP3", string(b[:4]))
	require.Equal(t, len(b), int(be.Uint16(b[4:])))
	chunks := map[uint16][]byte{}
	for b = b[6:]; len(b) > 0; {
		require.Zero(t, be.Uint16(b), "vendor")
		n := be.Uint16(b[4:])
		require.NotContains(t, chunks, be.Uint16(b[2:]))
		chunks[be.Uint16(b[2:])] = b[6:n]
		b = b[n:]
	}
	return chunks
}

// send runs a Sender of a fresh scene until the test is over.
func send(t *testing.T, change func(*Config)) *scene {
	t.Helper()
	cfg := DefaultConfig()
	change(&cfg)
	require.NoError(t, cfg.Validate())
	s := newScene(cfg)
	sender, err := NewSender(s.r, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(t, sender.Run(ctx)) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return s
}

func TestHEPOverUDP(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte("homer's\n"), 0o600))
	s := send(t, func(c *Config) {
		c.HEP = HEP{Server: server.LocalAddr().String(), Network: "udp", NodeID: 77, PasswordFile: key}
	})
	s.at(0).r.Leg("c_1", trunkLeg.callID, "caller")
	s.play()
	b := make([]byte, 1<<16)
	var chunks map[uint16][]byte
	for i := range 15 {
		require.NoError(t, server.SetReadDeadline(time.Now().Add(20*time.Second)))
		n, err := server.Read(b)
		require.NoError(t, err)
		require.Empty(t, survivors(string(b[:n])))
		if got := decodeHEP(t, append([]byte(nil), b[:n]...)); i == 0 {
			chunks = got
		}
	}
	at := make([]byte, 4)
	binary.BigEndian.PutUint32(at, uint32(began.Unix()))
	for kind, want := range map[uint16]string{
		hepFamily: "\x02", hepProtocol: "\x11", hepSource4: "\xcb\x00\x71\x09", hepDest4: "\xc0\x00\x02\x01", hepSourcePort: "\x13\xce",
		hepDestPort: "\x13\xc4", hepSeconds: string(at), hepMicros: "\x00\x00\x00\x00", hepType: "\x01", hepNode: "\x00\x00\x00\x4d",
		hepKey: "homer's", hepCorrelation: "c_1",
	} {
		require.Equal(t, want, string(chunks[kind]), "chunk %d", kind)
	}
	m, ok := parse(chunks[hepPayload])
	require.True(t, ok)
	require.Equal(t, "INVITE", m.method)
}

func TestHEPOverTCP(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	s := send(t, func(c *Config) {
		c.HEP = HEP{Server: server.Addr().String(), Network: "tcp", NodeID: 1, Clear: true}
	})
	s.r.Message(Message{At: began, Network: "wss", Local: netip.MustParseAddrPort("[2001:db8::1]:443"), Remote: there, Data: []byte(trunkLeg.message("INVITE sip:a@b SIP/2.0", "1 INVITE", "", "", ""))})
	conn, err := server.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	head := make([]byte, 6)
	_, err = io.ReadFull(conn, head)
	require.NoError(t, err)
	rest := make([]byte, binary.BigEndian.Uint16(head[4:])-6)
	_, err = io.ReadFull(conn, rest)
	require.NoError(t, err)
	chunks := decodeHEP(t, append(head, rest...))
	require.Equal(t, "\x0a", string(chunks[hepFamily]))
	require.Equal(t, "\x06", string(chunks[hepProtocol]))
	require.Len(t, chunks[hepSource6], 16)
	require.Contains(t, string(chunks[hepPayload]), callerNumber)
}

// TestHEPNeverBlocks: a collector that takes nothing, or is not there, costs
// the Recorder nothing.
func TestHEPNeverBlocks(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	for name, addr := range map[string]string{"hangs": server.Addr().String(), "absent": "127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			s := send(t, func(c *Config) {
				c.Bytes = minBytes
				c.HEP = HEP{Server: addr, Network: "tcp"}
			})
			for range 2000 {
				s.play()
			}
			l, err := s.r.Ladder("c_1", Options{})
			require.NoError(t, err)
			require.NotEmpty(t, l.Rows)
		})
	}
}

func TestHEPWithoutItsPassword(t *testing.T) {
	cfg := DefaultConfig()
	cfg.HEP.PasswordFile = "nowhere/key"
	_, err := NewSender(New(cfg), slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "hep.password_file")
}
