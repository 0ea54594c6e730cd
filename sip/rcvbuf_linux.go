package sip

import (
	"net"
	"syscall"
)

// growReadBuffer asks for a socket buffer of n bytes. The plain call is capped
// by net.core.rmem_max; a privileged process may go beyond.
func growReadBuffer(c *net.UDPConn, n int) {
	_ = c.SetReadBuffer(n)
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, n)
	})
}
