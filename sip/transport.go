package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

const (
	udpReadBuffer  = 4 << 20 // the default drops from about 500 calls/s on
	streamTimeout  = 5 * time.Second
	maxUDPDatagram = 65507
)

// tuneOnce guards sipgo's package-level settings, which are read by all of its
// transports: they are written before the first one exists, once per process.
var tuneOnce sync.Once

func tuneSipgo() {
	gosip.SetDefaultLogger(slog.New(slog.DiscardHandler)) // it prints whole messages
	gosip.UDPMTUSize = maxUDPDatagram + 200               // it refuses to send more than this minus 200
	gosip.TransportBufferReadSize = 65535
}

// listener is one bound socket and how peers shall name it.
type listener struct {
	network   string // "UDP" or "TCP"
	bound     netip.AddrPort
	laddr     gosip.Addr // key of the socket in sipgo's pool
	advertise string     // host:port, or ""
	packets   *packetFilter
	stream    net.Listener
}

func (l *listener) close() error {
	if l.packets != nil {
		return l.packets.Close()
	}
	return l.stream.Close()
}

// contactFor is the host and port that a peer at addr shall be told.
func (l *listener) contactFor(addr netip.Addr) (string, int) {
	if l.advertise != "" && !addr.IsLoopback() {
		if host, port, err := net.SplitHostPort(l.advertise); err == nil {
			p, _ := strconv.Atoi(port)
			return host, p
		}
	}
	ip := l.bound.Addr()
	if ip.IsUnspecified() {
		ip = sourceFor(addr)
	}
	return ip.String(), int(l.bound.Port())
}

// sourceFor is the local address that the kernel would use towards addr.
func sourceFor(addr netip.Addr) netip.Addr {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if !addr.IsValid() || addr.IsLoopback() {
		return loopback
	}
	// Connecting a UDP socket sends nothing; it only asks the routing table.
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 9)))
	if err != nil {
		return loopback
	}
	defer func() { _ = c.Close() }()
	if ua, ok := c.LocalAddr().(*net.UDPAddr); ok {
		return ua.AddrPort().Addr().Unmap()
	}
	return loopback
}

// listen binds one socket.
func listen(ctx context.Context, l Listen, m *metrics, flows *flowTable, limit int) (*listener, error) {
	var lc net.ListenConfig
	out := &listener{advertise: l.Advertise}
	switch l.Network {
	case "udp":
		pc, err := lc.ListenPacket(ctx, "udp"+family(l.Bind), l.Bind)
		if err != nil {
			return nil, fmt.Errorf("listen udp: %w", err)
		}
		if uc, ok := pc.(*net.UDPConn); ok {
			growReadBuffer(uc, udpReadBuffer)
		}
		out.network = "UDP"
		out.bound = pc.LocalAddr().(*net.UDPAddr).AddrPort()
		out.packets = &packetFilter{PacketConn: pc, metrics: m, limit: limit, reading: make(chan struct{})}
	default:
		ln, err := lc.Listen(ctx, "tcp"+family(l.Bind), l.Bind)
		if err != nil {
			return nil, fmt.Errorf("listen tcp: %w", err)
		}
		out.network = "TCP"
		out.bound = ln.Addr().(*net.TCPAddr).AddrPort()
		out.stream = &flowListener{Listener: ln, flows: flows}
	}
	out.bound = netip.AddrPortFrom(out.bound.Addr().Unmap(), out.bound.Port())
	local := out.localAddr()
	host, port, err := gosip.ParseAddr(local)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen %s: %w", l.Network, err), out.close())
	}
	out.laddr = gosip.Addr{IP: net.ParseIP(host), Port: port, Hostname: host}
	return out, nil
}

// family is "4" for an IPv4 address: without it Go binds 0.0.0.0 as [::].
func family(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return ""
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		return "4"
	}
	return ""
}

func (l *listener) localAddr() string {
	if l.packets != nil {
		return l.packets.LocalAddr().String()
	}
	return l.stream.Addr().String()
}

// packetFilter keeps what is not SIP away from sipgo, which would remember
// every source address and log the bytes.
type packetFilter struct {
	net.PacketConn
	metrics *metrics
	limit   int
	muted   atomic.Bool   // reads and drops: the UA stops
	reading chan struct{} // closed by the first ReadFrom: sipgo knows the socket then
	once    sync.Once
}

func (f *packetFilter) ReadFrom(b []byte) (int, net.Addr, error) {
	f.once.Do(func() { close(f.reading) })
	for {
		n, addr, err := f.PacketConn.ReadFrom(b)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return n, addr, fmt.Errorf("read datagram: %w", err)
			}
			// An ICMP error of an earlier send must not end the listener.
			var errno syscall.Errno
			if errors.As(err, &errno) {
				continue
			}
			return n, addr, fmt.Errorf("read datagram: %w", err)
		}
		switch {
		case n <= 4 || f.muted.Load(): // keep-alive
		case n > f.limit:
			f.metrics.reject(rejectSize)
		case !looksLikeSIP(b[:n]):
			f.metrics.reject(rejectJunk)
		default:
			return n, addr, nil
		}
	}
}

// looksLikeSIP tells whether data begins like a SIP message: its first line
// ends in CRLF, and is a request line or a status line of some SIP version.
func looksLikeSIP(data []byte) bool {
	line, _, ok := bytes.Cut(data, []byte("\r\n"))
	if !ok || len(line) < 12 || len(line) > 4096 {
		return false
	}
	for _, c := range line {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	if bytes.HasPrefix(line, []byte("SIP/")) {
		return true
	}
	i := bytes.LastIndexByte(line, ' ')
	return i > 0 && bytes.HasPrefix(line[i+1:], []byte("SIP/"))
}

// newTransports makes sipgo's transports as we want them: bounded writes, and
// no dialling of a connection that came to us and is gone.
// idle is how long a TCP peer may stay silent: phones speak at least once per
// registration.
func newTransports(idle time.Duration) gosip.TransportLayerOption {
	dialer := func(laddr net.Addr) net.Dialer {
		return net.Dialer{
			LocalAddr: laddr,
			Timeout:   streamTimeout,
			Control: func(_, address string, _ syscall.RawConn) error {
				if isSocketAddr(address) {
					return ErrFlowGone
				}
				return nil
			},
		}
	}
	return gosip.WithTransportLayerTransports(gosip.TransportsConfig{
		UDP: &gosip.TransportUDP{},
		TCP: &gosip.TransportTCP{ReadTimeout: idle, WriteTimeout: streamTimeout, DialerCreate: dialer},
	})
}
