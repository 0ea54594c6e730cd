package sipload

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

// Ports below those that Linux gives out by itself, so that one that is free
// stays free until the program that needs it binds it.
const (
	firstPort = 27000
	portCount = 900
)

var (
	nextPort  atomic.Uint32
	errNoPort = errors.New("no free port")
)

// freeAddr is an address of the loopback without a UDP or TCP socket, for
// programs that cannot tell which one the system gave them.
func freeAddr() (string, error) {
	for range portCount {
		n := firstPort + (os.Getpid()*97+int(nextPort.Add(1)))%portCount
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(n))
		if bindable(addr) {
			return addr, nil
		}
	}
	return "", fmt.Errorf("%w from %d to %d", errNoPort, firstPort, firstPort+portCount-1)
}

func bindable(addr string) bool {
	l, err := net.Listen("tcp", addr) //nolint:noctx // ends at once
	if err != nil {
		return false
	}
	u, err := net.ListenPacket("udp", addr) //nolint:noctx // ends at once
	if err == nil {
		err = u.Close()
	}
	return errors.Join(err, l.Close()) == nil
}
