package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func resolver(answers <-chan []netip.Addr) func(context.Context, string) ([]netip.Addr, error) {
	return func(ctx context.Context, _ string) ([]netip.Addr, error) {
		select {
		case a := <-answers:
			return a, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func send(t *testing.T, c net.Conn, data string) {
	t.Helper()
	_, err := c.Write([]byte(data))
	require.NoError(t, err)
}

func line(t *testing.T, c net.Conn) string {
	t.Helper()
	text, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimRight(text, "\r\n")
}

func TestStreamFraming(t *testing.T) {
	t.Run("byte by byte", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.dial()
			for _, b := range []byte(streamed("a", "hello") + "\r\n" + streamed("b", "")) {
				send(t, c, string(b))
			}
			synctest.Wait()
			require.Equal(t, []string{"a", "b"}, w.callIDs())
			require.Equal(t, "hello", string(w.messages[0].Body()))
			f, _ := w.last()
			require.Equal(t, TCP, f.Network())
			require.Equal(t, "198.51.100.7", f.Remote().Addr().String())
			require.True(t, f.Reliable())
		})
	})
	t.Run("all at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			var all strings.Builder
			var want []string
			for i := range 100 {
				want = append(want, fmt.Sprint("m", i))
				all.WriteString(streamed(want[i], strings.Repeat("x", i*50)))
			}
			send(t, w.dial(), all.String())
			synctest.Wait()
			require.Equal(t, want, w.callIDs())
		})
	})
	for name, c := range map[string]struct{ msg, answer, drop string }{
		"no Content-Length":       {request("INFO", "x", "TCP h", "", ""), "SIP/2.0 400 Bad Content-Length", DropMalformed},
		"two Content-Lengths":     {request("INFO", "x", "TCP h", "Content-Length: 0\r\nl: 5\r\n", ""), "SIP/2.0 400 Bad Content-Length", DropMalformed},
		"negative Content-Length": {request("INFO", "x", "TCP h", "Content-Length: -5\r\n", ""), "SIP/2.0 400 Bad Content-Length", DropMalformed},
		"too large":               {request("INFO", "x", "TCP h", "Content-Length: 70000\r\n", ""), "SIP/2.0 513 Message Too Large", DropSize},
		"endless header":          {"INFO sip:a SIP/2.0\r\nX: " + strings.Repeat("x", 66000), "", DropSize},
		"no SIP":                  {"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "", DropJunk},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				conn := w.dial()
				_, _ = conn.Write([]byte(c.msg)) // it may be closed in the middle
				if c.answer != "" {
					require.Equal(t, c.answer, line(t, conn))
				}
				_, err := io.Copy(io.Discard, conn)
				require.NoError(t, err, "closed")
				synctest.Wait()
				require.Equal(t, 1, w.drops(c.drop))
				require.Len(t, w.ends(), 1)
				require.Zero(t, w.open)
			})
		})
	}
}

// Whatever the pieces in which a stream arrives, the same messages come out.
func TestStreamFramingProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bodies := rapid.SliceOfN(rapid.StringN(0, 50, 200), 1, 8).Draw(t, "bodies")
		var all strings.Builder
		for i, b := range bodies {
			all.WriteString(strings.Repeat("\r\n", rapid.IntRange(0, 3).Draw(t, "crlfs")))
			all.WriteString(streamed(fmt.Sprint(i), b))
		}
		s := &stream{nc: &pieces{data: all.String(), cut: func(n int) int { return rapid.IntRange(1, n).Draw(t, "cut") }}, opts: &Options{MaxMessage: maxDatagram, Idle: time.Hour}}
		c := &conn{layer: &Layer{opts: Options{MaxQueue: 100}.withDefaults()}}
		for i, b := range bodies {
			data, err := s.read(c)
			if err != nil || string(data) != streamed(fmt.Sprint(i), b) {
				t.Fatalf("message %d: %q, %v", i, data, err)
			}
		}
		if _, err := s.read(c); !errors.Is(err, io.EOF) {
			t.Fatalf("end: %v", err)
		}
	})
}

// pieces is a connection that gives its data in pieces.
type pieces struct {
	net.Conn
	data string
	cut  func(n int) int
}

func (p *pieces) SetReadDeadline(time.Time) error { return nil }

func (p *pieces) Read(b []byte) (int, error) {
	if p.data == "" {
		return 0, io.EOF
	}
	n := copy(b, p.data[:p.cut(len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

func TestStreamKeepAlive(t *testing.T) { // RFC 5626 section 4.4.1
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.dial()
		send(t, c, "\r\n\r\n")
		require.Empty(t, line(t, c), "one CRLF comes back")
		send(t, c, "\r")
		send(t, c, "\n\r")
		send(t, c, "\n")
		require.Empty(t, line(t, c))
		send(t, c, "\r\n"+streamed("x", ""))
		synctest.Wait()
		require.Equal(t, []string{"x"}, w.callIDs())
	})
}

func TestSilentConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{First: 15 * time.Second, Idle: time.Minute})
		mute, slow, good := w.dial(), w.dial(), w.dial()
		send(t, slow, "INFO sip:a SIP")
		send(t, good, streamed("x", ""))
		start := time.Now()
		_, err := io.Copy(io.Discard, mute)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, slow)
		require.NoError(t, err)
		require.Equal(t, 15*time.Second, time.Since(start), "no first message")
		_, err = io.Copy(io.Discard, good)
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(start))
		synctest.Wait()
		for _, err := range w.ends() {
			require.ErrorIs(t, err, ErrClosed)
		}
		require.Equal(t, 3, w.drops(DropSlow))
	})
}

func TestLimitPerSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{MaxPerSource: 3})
		conns := []net.Conn{w.dial(), w.dial(), w.dial()}
		fourth := w.dial()
		_, err := fourth.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 1, w.drops(DropLimit))
		_ = conns[0].Close()
		synctest.Wait()
		send(t, w.dial(), streamed("again", ""))
		synctest.Wait()
		require.Equal(t, []string{"again"}, w.callIDs())
		other, err := w.net.Dial("203.0.113.1", ourAddr)
		require.NoError(t, err)
		defer func() { _ = other.Close() }()
		send(t, other, streamed("other", ""))
	})
}

func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{MaxQueue: 1000, Write: 5 * time.Second})
		c := w.dial()
		send(t, c, streamed("x", ""))
		synctest.Wait()
		f, _ := w.last()
		var err error
		for range 10 { // the pipe takes nothing until it is read
			err = errors.Join(err, f.Send(make([]byte, 200)))
		}
		require.ErrorIs(t, err, ErrQueueFull, "the sender does not wait")
		time.Sleep(6 * time.Second)
		require.False(t, f.Alive(), "nor does the writer for ever")
		require.ErrorIs(t, f.Send([]byte("x")), ErrClosed)
	})
}

func TestCloseWritesWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.dial()
		send(t, c, streamed("x", ""))
		synctest.Wait()
		f, _ := w.last()
		for i := range 5 {
			require.NoError(t, f.Send(fmt.Appendf(nil, "%d", i)))
		}
		f.Close()
		require.False(t, f.Alive())
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, "01234", string(got))
	})
}

func TestLayerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		c, stuck := w.dial(), w.dial()
		send(t, c, streamed("x", ""))
		send(t, stuck, streamed("y", ""))
		synctest.Wait()
		for _, f := range w.flows {
			require.NoError(t, f.Send([]byte("bye")))
		}
		got := make(chan string, 1)
		go func() { b, _ := io.ReadAll(c); got <- string(b) }()
		start := time.Now()
		w.layer.Close()
		require.Equal(t, farewell, time.Since(start), "for one who does not read")
		require.Equal(t, "bye", <-got)
		require.Len(t, w.ends(), 2)
		_, err := w.layer.Connect(TCP, ourAddr)
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorIs(t, w.socket.Flow(netip.MustParseAddrPort(peerAddr)).Send([]byte("x")), ErrClosed)
	})
}

// dialled is a layer whose connections come out at accept.
func dialled(t *testing.T, o Options) (*world, func() net.Conn) {
	t.Helper()
	w := newWorld(t, o)
	ln := w.net.Listen("203.0.113.5:5060")
	t.Cleanup(func() { _ = ln.Close() })
	return w, func() net.Conn {
		c, err := ln.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

func (w *world) dialer(_ context.Context, addr string) (net.Conn, error) {
	return w.net.Dial("192.0.2.1", addr)
}

func TestConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *world
		w, accept := dialled(t, Options{Dial: func(ctx context.Context, addr string) (net.Conn, error) { return w.dialer(ctx, addr) }})
		f, err := w.layer.Connect(TCP, "203.0.113.5:5060")
		require.NoError(t, err)
		require.True(t, f.Alive(), "at once")
		require.NoError(t, f.Send([]byte("1")))
		require.NoError(t, f.Send([]byte("2")))
		c := accept()
		buf := make([]byte, 10)
		n, err := io.ReadAtLeast(c, buf, 2)
		require.NoError(t, err)
		require.Equal(t, "12", string(buf[:n]))
		again, err := w.layer.Connect(TCP, "203.0.113.5:5060")
		require.NoError(t, err)
		require.Equal(t, f, again, "the same connection")
		_ = c.Close()
		synctest.Wait()
		require.False(t, f.Alive())
		require.Len(t, w.ends(), 1)
		again, err = w.layer.Connect(TCP, "203.0.113.5:5060")
		require.NoError(t, err)
		require.NotEqual(t, f, again)
		accept()

		f, err = w.layer.Connect(TCP, "203.0.113.9:5060")
		require.NoError(t, err)
		synctest.Wait()
		require.False(t, f.Alive(), "nobody there")
		require.Len(t, w.ends(), 2)
		_, err = w.layer.Connect(UDP, "203.0.113.9:5060")
		require.Error(t, err)
		_, err = w.layer.Connect(TCP, "no port")
		require.Error(t, err)
	})
}

func TestPingsOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *world
		w, accept := dialled(t, Options{
			Ping: 20 * time.Second, Idle: time.Hour,
			Dial: func(ctx context.Context, addr string) (net.Conn, error) { return w.dialer(ctx, addr) },
		})
		f, err := w.layer.Connect(TCP, "203.0.113.5:5060")
		require.NoError(t, err)
		c := accept()
		buf := make([]byte, 10)
		for range 10 { // a peer that knows nothing of pings may stay silent
			n, err := io.ReadAtLeast(c, buf, 4)
			require.NoError(t, err)
			require.Equal(t, doubleCRLF, string(buf[:n]))
		}
		require.True(t, f.Alive())
		send(t, c, crlf) // it does know
		_, err = io.ReadAtLeast(c, buf, 4)
		require.NoError(t, err)
		start := time.Now()
		_, err = c.Read(buf)
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, pongWait, time.Since(start))
		require.False(t, f.Alive())
	})
}
