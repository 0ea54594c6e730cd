//go:build !linux

package sip

import "net"

// growReadBuffer asks for a socket buffer of n bytes; the system may cap it.
func growReadBuffer(c *net.UDPConn, n int) { _ = c.SetReadBuffer(n) }
