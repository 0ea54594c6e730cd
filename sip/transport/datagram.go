package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// maxDatagram is the largest UDP payload there is.
	maxDatagram = 65535
	// udpBuffer is asked of the kernel for each direction: its default drops
	// from about 500 calls/s on.
	udpBuffer = 4 << 20
)

// Socket is a UDP socket.
type Socket struct {
	layer   *Layer
	pc      net.PacketConn
	udp     *net.UDPConn // pc, when it is one
	oob     []byte       // room for the kernel's time stamp; nil: it gives none
	bound   netip.AddrPort
	stopped atomic.Bool
}

// Packets adds a UDP socket, which the layer owns from now on. It is read once
// Start was called.
func (l *Layer) Packets(pc net.PacketConn) (*Socket, error) {
	s := &Socket{layer: l, pc: pc, bound: addrPort(pc.LocalAddr())}
	if udp, ok := pc.(*net.UDPConn); ok {
		s.udp = udp
		growBuffers(udp, udpBuffer)
		if wantStamps(udp) {
			s.oob = make([]byte, stampSize)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = pc.Close()
		return nil, ErrClosed
	}
	l.sockets = append(l.sockets, s)
	l.begin(s.read)
	return s, nil
}

// Local is the address that the socket is bound to.
func (s *Socket) Local() netip.AddrPort { return s.bound }

// Flow is the flow from this socket to a peer.
func (s *Socket) Flow(to netip.AddrPort) Flow {
	return Flow{link: s, remote: netip.AddrPortFrom(to.Addr().Unmap(), to.Port())}
}

func (s *Socket) stop() {
	s.stopped.Store(true)
	_ = s.pc.Close()
}

// read hands up datagrams until the socket is closed.
func (s *Socket) read() {
	buf := make([]byte, maxDatagram)
	for !s.stopped.Load() {
		n, from, stamp, err := s.next(buf)
		if err != nil {
			if s.ended(err) {
				return
			}
			continue
		}
		now := time.Now()
		wait := time.Duration(0)
		if stamp.IsZero() {
			stamp = now
		} else {
			wait = max(0, now.Sub(stamp))
		}
		s.take(buf[:n], from, stamp, wait)
	}
}

// ended tells whether an error means the end of the socket. An ICMP error of
// an earlier send does not.
func (s *Socket) ended(err error) bool {
	var errno syscall.Errno
	return s.stopped.Load() || errors.Is(err, net.ErrClosed) || !errors.As(err, &errno)
}

// next reads one datagram; stamp is when the kernel had it, zero if unknown.
func (s *Socket) next(buf []byte) (n int, from netip.AddrPort, stamp time.Time, err error) {
	if s.udp == nil {
		var addr net.Addr
		n, addr, err = s.pc.ReadFrom(buf)
		if err != nil {
			return 0, netip.AddrPort{}, time.Time{}, err //nolint:wrapcheck // read alone sees it
		}
		return n, addrPort(addr), time.Time{}, nil
	}
	n, oobn, _, from, err := s.udp.ReadMsgUDPAddrPort(buf, s.oob)
	if err == nil {
		stamp = readStamp(s.oob[:oobn])
	}
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), stamp, err //nolint:wrapcheck // read alone sees it
}

// take sorts out what is no SIP, and what the gate does not let in, before
// anything is allocated for it.
func (s *Socket) take(data []byte, from netip.AddrPort, at time.Time, wait time.Duration) {
	f := Flow{link: s, remote: from}
	switch {
	case len(data) <= 4:
		if string(data) == doubleCRLF { // RFC 5626 keep-alive; some send it over UDP, too
			_ = s.send(from, []byte(crlf))
		}
	case len(data) > s.layer.opts.MaxMessage:
		s.layer.opts.Observer.Dropped(DropSize)
		s.layer.refuse(f, data, 513, "Message Too Large")
	case !looksLikeSIP(data):
		s.layer.opts.Observer.Dropped(DropJunk)
	case !s.layer.pass(f, data, wait):
	default:
		s.layer.receive(f, data, at)
	}
}

func (s *Socket) network() string       { return UDP }
func (s *Socket) local() netip.AddrPort { return s.bound }
func (s *Socket) peer() any             { return nil }
func (s *Socket) alive() bool           { return !s.stopped.Load() }
func (s *Socket) close()                {}

// send writes a datagram; the kernel's buffer is the queue. What a
// retransmission may heal is no error: a full buffer, a firewall's refusal, an
// ICMP answer to an earlier datagram.
func (s *Socket) send(to netip.AddrPort, data []byte) error {
	if s.stopped.Load() {
		return ErrClosed
	}
	s.layer.tap(false, Flow{link: s, remote: to}, data)
	var err error
	if s.udp != nil {
		_, err = s.udp.WriteToUDPAddrPort(data, to)
	} else {
		_, err = s.pc.WriteTo(data, net.UDPAddrFromAddrPort(to))
	}
	if err != nil && passing(err) {
		return nil
	}
	return err //nolint:wrapcheck // says what and where already
}

func passing(err error) bool {
	for _, e := range []syscall.Errno{syscall.EPERM, syscall.ENOBUFS, syscall.EAGAIN, syscall.ECONNREFUSED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// addrPort reads the address of a socket; invalid for one that is no IP.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	case nil:
		return ap
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
