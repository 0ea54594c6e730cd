package trace

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
)

// The file format is the classic one of libpcap with microseconds; each packet
// begins with its IP header (LINKTYPE_RAW).
const (
	pcapMagic   = 0xa1b2c3d4
	pcapSnap    = 262144
	linkTypeRaw = 101
	ip4Header   = 20
	ip6Header   = 40
	udpHeader   = 8
	protocolUDP = 17
	// maxPayload keeps an IPv4 packet within 65,535 bytes.
	maxPayload = 65535 - ip4Header - udpHeader
)

// PCAPType is the media type of a capture file.
const PCAPType = "application/vnd.tcpdump.pcap"

// PCAP writes the messages as a capture file, one UDP datagram each, between
// the addresses that they went between. What came by TCP, TLS or WebSocket
// stands there as UDP, too: a stream would need sequence numbers that the
// trace never saw, and readers of captures know SIP over UDP on any port. The
// ladder must have been made with Options.Data; events have no packet.
func (l Ladder) PCAP(w io.Writer) error {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, pcapMagic)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...) // UTC, no accuracy
	b = le.AppendUint32(le.AppendUint32(b, pcapSnap), linkTypeRaw)
	for _, row := range l.Rows {
		if row.Data == "" {
			continue
		}
		packet := row.packet()
		micros := row.At.UnixMicro()
		b = le.AppendUint32(b, uint32(micros/1e6))                     //nolint:gosec // until 2106
		b = le.AppendUint32(b, uint32(micros%1e6))                     //nolint:gosec // below a million
		b = le.AppendUint32(b, uint32(len(packet)))                    //nolint:gosec // an IP packet
		b = append(le.AppendUint32(b, uint32(len(packet))), packet...) //nolint:gosec // the same
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

// packet is the message as an IP packet with a UDP datagram.
func (r Row) packet() []byte {
	from, to := r.Local, r.Remote
	if r.in {
		from, to = to, from
	}
	payload := r.Data[:min(len(r.Data), maxPayload)]
	if !four(from.Addr()) || !four(to.Addr()) {
		return packet6(from, to, payload)
	}
	return packet4(from, to, payload)
}

// four reports whether a is good in an IPv4 packet; an unknown one is 0.0.0.0.
func four(a netip.Addr) bool { return !a.IsValid() || a.Unmap().Is4() }

func packet4(from, to netip.AddrPort, payload string) []byte {
	be := binary.BigEndian
	src, dst := as4(from.Addr()), as4(to.Addr())
	n := udpHeader + len(payload)
	b := []byte{0x45, 0}
	b = be.AppendUint16(b, uint16(ip4Header+n)) //nolint:gosec // maxPayload
	b = append(b, 0, 0, 0x40, 0, 64, protocolUDP, 0, 0)
	b = append(append(b, src[:]...), dst[:]...)
	be.PutUint16(b[10:], fold(sum(0, b)))
	pseudo := sum(sum(protocolUDP+uint32(n), src[:]), dst[:]) //nolint:gosec // maxPayload
	return append(b, datagram(from.Port(), to.Port(), payload, pseudo)...)
}

func packet6(from, to netip.AddrPort, payload string) []byte {
	be := binary.BigEndian
	src, dst := as16(from.Addr()), as16(to.Addr())
	n := udpHeader + len(payload)
	b := []byte{0x60, 0, 0, 0}
	b = be.AppendUint16(b, uint16(n)) //nolint:gosec // maxPayload
	b = append(b, protocolUDP, 64)
	b = append(append(b, src[:]...), dst[:]...)
	pseudo := sum(sum(protocolUDP+uint32(n), src[:]), dst[:]) //nolint:gosec // maxPayload
	return append(b, datagram(from.Port(), to.Port(), payload, pseudo)...)
}

func as4(a netip.Addr) [4]byte {
	if !a.IsValid() {
		return [4]byte{}
	}
	return a.Unmap().As4()
}

func as16(a netip.Addr) [16]byte {
	if !a.IsValid() {
		return [16]byte{}
	}
	return a.As16()
}

// datagram is a UDP header and its payload (RFC 768).
func datagram(from, to uint16, payload string, pseudo uint32) []byte {
	be := binary.BigEndian
	b := be.AppendUint16(be.AppendUint16(nil, from), to)
	b = be.AppendUint16(b, uint16(udpHeader+len(payload))) //nolint:gosec // maxPayload
	b = append(append(b, 0, 0), payload...)
	check := fold(sum(pseudo, b))
	if check == 0 { // that would mean: none
		check = 0xffff
	}
	be.PutUint16(b[6:], check)
	return b
}

// sum adds the 16-bit words of b to a checksum (RFC 1071).
func sum(start uint32, b []byte) uint32 {
	for len(b) >= 2 {
		start += uint32(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		start += uint32(b[0]) << 8
	}
	return start
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s) //nolint:gosec // folded
}
