package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/internal/config"
	"filo/sip"
)

// Two networks with a NAT each and what is between them:
//
//	caller 192.168.7.2 -- home ~~ 203.0.113.2 == 203.0.113.1 ~~ edge -- 10.10.0.2 filo
//	                                                             |
//	                                                             +----- 10.20.0.2 office
//
// The office is on Filo's side of the NAT.
type natLab struct{ edge, home, caller, office *namespace }

const (
	natFilo   = "10.10.0.2"
	natPublic = "203.0.113.1"
	natPorts  = "20000:20199"
)

func newNATLab(t *testing.T) natLab {
	t.Helper()
	filo := &namespace{t: t, name: "filo"}
	l := natLab{edge: newNamespace(t, "edge"), home: newNamespace(t, "home"), caller: newNamespace(t, "caller"), office: newNamespace(t, "office")}
	connect(port{filo, "lan", natFilo + "/24", "10.10.0.1"}, port{l.edge, "lan", "10.10.0.1/24", ""})
	connect(port{l.office, "lan", "10.20.0.2/24", "10.20.0.1"}, port{l.edge, "office", "10.20.0.1/24", ""})
	connect(port{l.edge, "wan", natPublic + "/24", ""}, port{l.home, "wan", "203.0.113.2/24", ""})
	connect(port{l.home, "lan", "192.168.7.1/24", ""}, port{l.caller, "lan", "192.168.7.2/24", "192.168.7.1"})

	l.edge.rule("nat", "PREROUTING", "hairpin", "-i", "office", "-d", natPublic)
	l.edge.rule("nat", "PREROUTING", "dnat sip", "-i", "wan", "-p", "udp", "--dport", "5060", "-j", "DNAT", "--to-destination", natFilo)
	l.edge.rule("nat", "PREROUTING", "dnat rtp", "-i", "wan", "-p", "udp", "--dport", natPorts, "-j", "DNAT", "--to-destination", natFilo)
	l.edge.rule("nat", "POSTROUTING", "masquerade", "-o", "wan", "-j", "MASQUERADE")
	for _, way := range [][2]string{{"wan", "lan"}, {"lan", "wan"}, {"office", "lan"}, {"lan", "office"}} {
		l.edge.rule("filter", "FORWARD", way[0]+" to "+way[1], "-i", way[0], "-o", way[1], "-p", "udp", "-j", "ACCEPT")
	}
	l.edge.run("iptables", "-w", "-P", "FORWARD", "DROP")

	// At home nothing comes in that was not asked for, and ports are changed.
	l.home.rule("nat", "POSTROUTING", "masquerade", "-o", "wan", "-p", "udp", "-j", "MASQUERADE", "--random-fully")
	l.home.rule("filter", "FORWARD", "out", "-i", "lan", "-o", "wan", "-j", "ACCEPT")
	l.home.rule("filter", "FORWARD", "in", "-i", "wan", "-o", "lan", "-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT")
	l.home.run("iptables", "-w", "-P", "FORWARD", "DROP")
	return l
}

// behindNAT is what such a node is told of its place.
func behindNAT(c *config.Config) {
	c.SIP.Listen = []sip.Listen{{Network: "udp", Bind: natFilo + ":5060", Advertise: natPublic + ":5060"}}
	c.SIP.LocalNetworks = []string{"10.20.0.0/16"}
	c.SIP.Trunks[0].Allow = []string{"203.0.113.2", "10.20.0.0/24"}
	c.Media.Bind, c.Media.Advertise = natFilo, natPublic
	c.Media.LocalNetworks = []string{"10.20.0.0/16"}
	c.Media.PortMin, c.Media.PortMax = 20000, 20199
}

// A call through two NATs has audio both ways and ends from either side; a
// call from our own side of the NAT stays there.
func TestRowNAT_AudioAndByeBothWays(t *testing.T) {
	if !apart(t) {
		return
	}
	lab := newNATLab(t)
	w := newWorld(t)
	n := w.start(with(behindNAT))
	for _, c := range []struct {
		name         string
		from         *namespace
		bind, server string
		bye          string
	}{
		{"the agent hangs up", lab.caller, "192.168.7.2", natPublic, "agent"},
		{"the caller hangs up", lab.caller, "192.168.7.2", natPublic, "caller"},
		{"in our network, the agent hangs up", lab.office, "10.20.0.2", natFilo, "agent"},
		{"in our network, the caller hangs up", lab.office, "10.20.0.2", natFilo, "caller"},
	} {
		t.Run(c.name, func(t *testing.T) {
			edge, n := lab.edge.in(t), n.in(t)
			before := edge.counted("filter")
			giulia.checkout(t, n.visitor(c.name, ""))
			a := n.ready("paola")
			far := c.from.in(t).call(c.bind, c.server+":5060", giulia.Phone)
			require.Equal(t, c.server, far.next("answered"), "where the caller sends RTP")
			o := a.offer("voice")
			a.accept(o)
			hears(t, "agent", a.Line.Meter, callerHz)
			far.next("heard")
			if c.bye == "agent" {
				require.NoError(t, a.Command(within(t), o.Contact, "hangup", ""))
				far.next("ended")
			} else {
				far.say("hangup")
				far.next("bye")
			}
			a.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
			require.NoError(t, a.WrapUp(within(t), o.Contact, "answered", ""))
			n.quiet()
			var in, lost int
			_, err := fmt.Sscan(far.next("stats"), &in, &lost)
			require.NoError(t, err)
			require.Zero(t, lost, "of %d packets", in)

			after := edge.counted("filter")
			side, other := "wan", "office"
			if c.from.name == "office" {
				side, other = other, side
			}
			require.Greater(t, after[side+" to lan"], before[side+" to lan"]+farPackets/2)
			require.Greater(t, after["lan to "+side], before["lan to "+side]+farPackets)
			require.Equal(t, before[other+" to lan"], after[other+" to lan"])
			require.Equal(t, before["lan to "+other], after["lan to "+other])
		})
	}
	flows := lab.edge.counted("nat")
	require.GreaterOrEqual(t, flows["dnat sip"], 2, "%v", flows)
	require.GreaterOrEqual(t, flows["dnat rtp"], 2, "%v", flows)
	require.Zero(t, flows["hairpin"], "who is local is never sent to the public address")
	require.GreaterOrEqual(t, lab.home.counted("nat")["masquerade"], 4, "each call is two flows at least")
	require.Positive(t, lab.home.counted("filter")["in"])
	t.Logf("edge %v, %v; home %v", flows, lab.edge.counted("filter"), lab.home.counted("filter"))
}
