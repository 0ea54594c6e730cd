package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

func TestDatagramsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		p := w.peer()
		var want []string
		for i := range 500 {
			id := fmt.Sprint("call", i)
			want = append(want, id)
			write(t, p, options(id))
		}
		synctest.Wait()
		require.Equal(t, want, w.callIDs())
		f, _ := w.last()
		require.Equal(t, w.socket.Flow(netip.MustParseAddrPort(peerAddr)), f)
		require.Equal(t, UDP, f.Network())
		require.False(t, f.Reliable())
		require.True(t, f.Alive())
		require.NoError(t, f.Send([]byte("pong")))
		buf := make([]byte, 100)
		n, _, err := p.ReadFrom(buf)
		require.NoError(t, err)
		require.Equal(t, "pong", string(buf[:n]))
	})
}

func TestWhatIsNoSIPLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{MaxMessage: 2000})
		p := w.peer()
		for _, junk := range []string{
			"junk-not-sip", "\x00\x00\x00\x00\x00\x00", "INVITE x", strings.Repeat("A", 1900), "GET / HTTP/1.1\r\n\r\n",
			"\x00\x01", "OPTIONS sip:x\x07@y SIP/2.0\r\n\r\n",
		} {
			write(t, p, junk)
		}
		write(t, p, "SIP/2.0 200 OK\r\nVia: junk\r\n\r\n") // a response gets no answer
		write(t, p, strings.Replace(options("toolong"), "Max-Forwards", "X: "+strings.Repeat("x", 2000)+"\r\nMax-Forwards", 1))
		synctest.Wait()
		require.Empty(t, w.callIDs())
		require.Equal(t, 6, w.drops(DropJunk))
		require.Equal(t, 1, w.drops(DropSize))
		require.Equal(t, 1, w.drops(DropMalformed))
		require.Equal(t, "SIP/2.0 513 Message Too Large", firstLine(t, p))
	})
}

func firstLine(t *testing.T, p net.PacketConn) string {
	t.Helper()
	buf := make([]byte, maxDatagram)
	n, _, err := p.ReadFrom(buf)
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
	return line
}

func TestKeepAliveOverUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		p := w.peer()
		write(t, p, "\r\n") // a pong, or an old keep-alive
		write(t, p, "\r\n\r\n")
		buf := make([]byte, 10)
		n, _, err := p.ReadFrom(buf)
		require.NoError(t, err)
		require.Equal(t, "\r\n", string(buf[:n]))
	})
}

func TestUnparsableRequestsGetA400(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		p := w.peer()
		write(t, p, request("INVITE", "short", "UDP "+peerAddr+";rport", "Content-Length: 100\r\n", "v=0"))
		require.Equal(t, "SIP/2.0 400 Bad Request", firstLine(t, p))
		write(t, p, request("ACK", "short", "UDP "+peerAddr+";rport", "Content-Length: 100\r\n", "v=0"))
		write(t, p, options("good"))
		synctest.Wait()
		require.Equal(t, []string{"good"}, w.callIDs())
		require.Equal(t, 2, w.drops(DropMalformed))
	})
}

func TestAPanicAboveCostsOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.panicAt = "bad"
		p := w.peer()
		write(t, p, options("bad"))
		write(t, p, options("good"))
		synctest.Wait()
		require.Equal(t, []string{"good"}, w.callIDs())
		require.Equal(t, 1, w.panics)
	})
}

func TestWhereARequestCameFrom(t *testing.T) { // RFC 3261 section 18.2, RFC 3581
	cases := []struct{ name, via, received, rport, back string }{
		{"rport", "UDP 10.0.0.1:5062;rport", "198.51.100.7", "40000", peerAddr},
		{"other host", "UDP pc.example.com", "198.51.100.7", "", "198.51.100.7:5060"},
		{"other address", "UDP 10.0.0.1:5062", "198.51.100.7", "", "198.51.100.7:5062"},
		{"its own address", "UDP 198.51.100.7:5064", "", "", "198.51.100.7:5064"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				write(t, w.peer(), request("OPTIONS", "x", c.via, "", ""))
				synctest.Wait()
				f, m := w.last()
				via := m.Via()
				require.Equal(t, c.received, via.Params.GetOr("received", ""))
				require.Equal(t, c.rport, via.Params.GetOr("rport", ""))
				require.Equal(t, c.back, f.Back(m.(*gosip.Request)).Remote().String())
			})
		})
	}
}

func TestNamedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resolve := make(chan []netip.Addr)
		w := newWorld(t, Options{Resolve: resolver(resolve)})
		p := w.peer()
		f, err := w.socket.Named("sbc.example.com:40000")
		require.NoError(t, err)
		for i := range maxUnresolved {
			require.NoError(t, f.Send(fmt.Appendf(nil, "message %d\r\n", i)))
		}
		require.ErrorIs(t, f.Send([]byte("one too many")), ErrQueueFull)
		require.False(t, f.Remote().IsValid())
		resolve <- []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("198.51.100.7")}
		for i := range maxUnresolved {
			require.Equal(t, fmt.Sprint("message ", i), firstLine(t, p))
		}
		require.NoError(t, f.Send([]byte("later\r\n")))
		require.Equal(t, "later", firstLine(t, p))
		require.Equal(t, w.socket, f.Socket())

		f, err = w.socket.Named("nowhere.example.com:5060")
		require.NoError(t, err)
		resolve <- nil
		synctest.Wait()
		require.False(t, f.Alive())
		require.ErrorIs(t, f.Send([]byte("x")), errNoNetwork)
		require.Len(t, w.ends(), 1)
		_, err = w.socket.Named("no port")
		require.Error(t, err)
	})
}
