package transport

import (
	"encoding/binary"
	"math/bits"
	"net"
	"syscall"
	"time"
)

// stampSize is the room for one control message with a time stamp.
const stampSize = 64

// wantStamps asks the kernel to note when it got each datagram.
func wantStamps(c *net.UDPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	return err == nil && failed == nil
}

// readStamp reads the first control message of a datagram, a struct cmsghdr
// with a struct timespec; the zero time when it is something else.
func readStamp(oob []byte) time.Time {
	const header, spec = syscall.SizeofCmsghdr, 16
	if bits.UintSize != 64 || len(oob) < header+spec {
		return time.Time{}
	}
	level := int32(binary.NativeEndian.Uint32(oob[8:])) //nolint:gosec // as the kernel wrote it
	kind := int32(binary.NativeEndian.Uint32(oob[12:])) //nolint:gosec // as the kernel wrote it
	if level != syscall.SOL_SOCKET || kind != syscall.SO_TIMESTAMPNS {
		return time.Time{}
	}
	seconds, nanos := binary.NativeEndian.Uint64(oob[header:]), binary.NativeEndian.Uint64(oob[header+8:])
	return time.Unix(int64(seconds), int64(nanos)) //nolint:gosec // as the kernel wrote it
}
