package sipload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"filo/sip"
)

// crew are callers and agents' phones of one user agent that make no sound:
// what they are told to say goes to a port that nobody reads.
type crew struct {
	ua    *sip.UA
	sdp   []byte
	sink  net.PacketConn
	phone func(ctx context.Context, leg *sip.Leg) // serves an INVITE to a phone

	cancel context.CancelFunc
	wg     sync.WaitGroup
	err    error

	mu    sync.Mutex
	stops []func(context.Context) error // registrations
}

// domain of the nodes.
const domain = "filo.local"

// newCrew starts a user agent on the loopback; phone serves each INVITE in a
// goroutine of its own.
func newCrew(ctx context.Context, phone func(ctx context.Context, leg *sip.Leg)) (*crew, error) {
	cfg := sip.DefaultConfig()
	cfg.Listen = []sip.Listen{{Network: "udp", Bind: "127.0.0.1:0"}}
	cfg.Trunks = []sip.Trunk{{Name: "node", Allow: []string{"127.0.0.0/8"}, Trusted: true}}
	cfg.MaxCalls = 0
	ua, err := sip.New(cfg, sip.Deps{})
	if err != nil {
		return nil, fmt.Errorf("crew: %w", err)
	}
	var lc net.ListenConfig
	sink, err := lc.ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("crew: %w", err)
	}
	c := &crew{ua: ua, sink: sink, phone: phone, sdp: silence(sink.LocalAddr().(*net.UDPAddr).Port)}
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan struct{})
	c.wg.Go(func() {
		defer close(served)
		c.err = ua.Serve(ctx, func(ctx context.Context, leg *sip.Leg) { c.phone(ctx, leg) })
	})
	select {
	case <-ua.Ready():
		return c, nil
	case <-served:
		return nil, errors.Join(fmt.Errorf("crew: %w", c.err), sink.Close())
	}
}

// silence is a description of plain G.711 at a port of the loopback.
func silence(port int) []byte {
	return []byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio " +
		strconv.Itoa(port) + " RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n")
}

// close hangs up what is left.
func (c *crew) close() error {
	c.cancel()
	c.wg.Wait()
	return errors.Join(c.err, c.sink.Close())
}

// Phones are agents with SIP phones at one registrar.
type Phones struct {
	Users    []string
	Password string
}

// Robots are users prefix1 to prefixN.
func Robots(prefix string, n int, password string) Phones {
	p := Phones{Password: password}
	for i := range n {
		p.Users = append(p.Users, prefix+strconv.Itoa(i+1))
	}
	return p
}

// registerWorkers is how many phones register at a time.
const registerWorkers = 8

// register registers all phones.
func (c *crew) register(ctx context.Context, server string, p Phones) error {
	users := make(chan string)
	errs := make([]error, registerWorkers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for user := range users {
				errs[i] = errors.Join(errs[i], c.registerOne(ctx, server, user, p.Password))
			}
		})
	}
	for _, u := range p.Users {
		users <- u
	}
	close(users)
	wg.Wait()
	return errors.Join(errs...)
}

func (c *crew) registerOne(ctx context.Context, server, user, password string) error {
	stop, err := c.ua.Register(ctx, sip.Registration{
		Registrar: server, Domain: domain, User: user, Password: password, Expires: 30 * time.Minute,
	})
	if err != nil {
		return fmt.Errorf("register %s: %w", user, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stops = append(c.stops, stop)
	return nil
}

// unregister takes all phones away.
func (c *crew) unregister(ctx context.Context) error {
	c.mu.Lock()
	stops := c.stops
	c.stops = nil
	c.mu.Unlock()
	var errs []error
	for _, stop := range stops {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// dial places a call from a number; it returns when it was answered.
func (c *crew) dial(ctx context.Context, server, from, called string) (*sip.Leg, error) {
	return c.ua.Invite(ctx, sip.Target{URI: "sip:" + called + "@" + domain, Destination: server}, //nolint:wrapcheck // the caller knows
		sip.InviteOptions{From: from, SDP: c.sdp})
}

// callerNumber is a number of its own for each call.
func callerNumber(i int) string { return fmt.Sprintf("+39347%07d", i) }

// dice are random numbers of one call or phone, the same in each run.
func dice(seed, of uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, of)) } //nolint:gosec // not for secrets

// upTo is a random duration, short ones as likely as long ones by order of
// magnitude, from a thousandth of the longest.
func upTo(r *rand.Rand, longest time.Duration) time.Duration {
	d := float64(longest)
	for range r.IntN(3) {
		d /= 10
	}
	return time.Duration(r.Float64() * d)
}
