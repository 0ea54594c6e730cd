package e2e

import (
	"crypto/md5" //nolint:gosec // digest authentication as phones do it
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

// party is a SIP peer over UDP that does nothing by itself: each message is
// written by the test, in any order, and each that comes waits until the test
// asks for it. It shares no code with the node.
type party struct {
	t    *testing.T
	conn *net.UDPConn
	node *net.UDPAddr
	wg   sync.WaitGroup

	mu      sync.Mutex
	came    []text
	arrived chan struct{} // closed and replaced at each message
}

// text is a whole SIP message.
type text string

func (n *node) newParty() *party {
	n.t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(n.t, err)
	server, err := net.ResolveUDPAddr("udp4", n.SIP)
	require.NoError(n.t, err)
	p := &party{t: n.t, conn: conn, node: server, arrived: make(chan struct{})}
	p.wg.Go(p.read)
	n.t.Cleanup(func() {
		_ = conn.Close()
		p.wg.Wait()
		if n.t.Failed() {
			n.t.Logf("messages that nobody asked for:\n%s", p.rest())
		}
	})
	return p
}

func (p *party) addr() string { return p.conn.LocalAddr().String() }

func (p *party) read() {
	b := make([]byte, 64<<10)
	for {
		n, err := p.conn.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.came = append(p.came, text(b[:n]))
		close(p.arrived)
		p.arrived = make(chan struct{})
		p.mu.Unlock()
	}
}

func (p *party) rest() (all []text) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.came)
}

// send sends messages back to back.
func (p *party) send(all ...text) {
	p.t.Helper()
	for _, m := range all {
		_, err := p.conn.WriteToUDP([]byte(m), p.node)
		require.NoError(p.t, err)
	}
}

// await takes the first message of a kind ("BYE", "200 INVITE") of a call;
// others wait on.
func (p *party) await(kind, callID string) text {
	p.t.Helper()
	limit := time.After(patience)
	for {
		m, ok, arrived := p.take(kind, callID)
		if ok {
			return m
		}
		select {
		case <-arrived:
		case <-limit:
			require.FailNow(p.t, "no "+kind)
		}
	}
}

func (p *party) take(kind, callID string) (m text, ok bool, arrived <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, m := range p.came {
		if kindOf(string(m)) == kind && (callID == "" || m.header("Call-ID") == callID) {
			p.came = slices.Delete(p.came, i, i+1)
			return m, true, nil
		}
	}
	return "", false, p.arrived
}

// header is the first header of a name.
func (m text) header(name string) string {
	if all := m.headers(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (m text) headers(name string) (all []string) {
	head, _, _ := strings.Cut(string(m), "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			all = append(all, strings.TrimSpace(v))
		}
	}
	return all
}

func (m text) seq() int {
	n, _ := strconv.Atoi(strings.Fields(m.header("CSeq"))[0])
	return n
}

var toTag = regexp.MustCompile(`;tag=([^;>\s]+)`)

func (m text) toTag() string {
	if tag := toTag.FindStringSubmatch(m.header("To")); tag != nil {
		return tag[1]
	}
	return ""
}

// uri is what stands between the angle brackets.
func uri(header string) string {
	_, rest, _ := strings.Cut(header, "<")
	inside, _, _ := strings.Cut(rest, ">")
	return inside
}

// write makes a message of lines; Content-Length comes by itself.
func write(body string, lines ...string) text {
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)), "", "")
	return text(strings.Join(lines, "\r\n") + body)
}

// side is one side of a dialog, ours.
type side struct {
	p               *party
	callID, target  string
	local, remote   string // From and To of our requests
	seq             int
	invite, inBound text // the first INVITE: ours, or theirs
}

// caller begins a call from a number; nothing is sent yet.
func (p *party) caller(from, called string) *side {
	id := contact.NewToken("x", time.Now())
	d := &side{
		p: p, callID: id, target: "sip:" + called + "@filo.local",
		local: "<sip:" + from + "@telco.example>;tag=a" + id, remote: "<sip:" + called + "@filo.local>", seq: 1,
	}
	d.invite = d.request("INVITE", string(sdpFor("40000")))
	return d
}

// request writes the next request of the dialog; ACK and CANCEL have the
// number of the last one.
func (d *side) request(method, body string, extra ...string) text {
	if method != "ACK" && method != "CANCEL" {
		d.seq++
	}
	return d.numbered(method, d.seq, contact.NewToken("b", time.Now()), body, extra...)
}

func (d *side) numbered(method string, seq int, branch, body string, extra ...string) text {
	return write(body, append([]string{
		method + " " + d.target + " SIP/2.0",
		"Via: SIP/2.0/UDP " + d.p.addr() + ";branch=z9hG4bK" + branch + ";rport",
		"From: " + d.local, "To: " + d.remote, "Call-ID: " + d.callID,
		fmt.Sprintf("CSeq: %d %s", seq, method), "Contact: <sip:party@" + d.p.addr() + ">", "Max-Forwards: 70",
	}, extra...)...)
}

// cancel is the CANCEL of an INVITE of ours.
func (d *side) cancel(invite text) text {
	return write("", "CANCEL "+d.target+" SIP/2.0", "Via: "+invite.header("Via"), "From: "+d.local, "To: "+invite.header("To"),
		"Call-ID: "+d.callID, fmt.Sprintf("CSeq: %d CANCEL", invite.seq()), "Max-Forwards: 70")
}

// refusedACK ends an INVITE transaction that was refused.
func (d *side) refusedACK(invite, refusal text) text {
	return write("", "ACK "+d.target+" SIP/2.0", "Via: "+invite.header("Via"), "From: "+d.local, "To: "+refusal.header("To"),
		"Call-ID: "+d.callID, fmt.Sprintf("CSeq: %d ACK", invite.seq()), "Max-Forwards: 70")
}

// answered takes a 2xx to our INVITE.
func (d *side) answered() text {
	d.p.t.Helper()
	ok := d.p.await("200 INVITE", d.callID)
	d.remote, d.target = ok.header("To"), uri(ok.header("Contact"))
	return ok
}

// up calls until the dialog stands.
func (d *side) up() *side {
	d.p.t.Helper()
	d.p.send(d.invite)
	d.answered()
	d.p.send(d.request("ACK", ""))
	return d
}

// hangUp says goodbye and waits for the answer.
func (d *side) hangUp() {
	d.p.t.Helper()
	d.p.send(d.request("BYE", ""))
	d.p.await("200 BYE", d.callID)
}

// respond answers a request; tag is ours.
func (p *party) respond(req text, code int, tag, body string, extra ...string) text {
	lines := []string{fmt.Sprintf("SIP/2.0 %d Whatever", code)}
	for _, h := range []string{"Via", "Record-Route"} {
		for _, v := range req.headers(h) {
			lines = append(lines, h+": "+v)
		}
	}
	to := req.header("To")
	if tag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	lines = append(lines, "From: "+req.header("From"), "To: "+to, "Call-ID: "+req.header("Call-ID"),
		"CSeq: "+req.header("CSeq"), "Contact: <sip:party@"+p.addr()+">")
	return write(body, append(lines, extra...)...)
}

// rung takes an INVITE to this party's phone.
func (p *party) rung() *side {
	p.t.Helper()
	inv := p.await("INVITE", "")
	return &side{
		p: p, callID: inv.header("Call-ID"), target: uri(inv.header("Contact")), inBound: inv,
		local: inv.header("To") + ";tag=phone", remote: inv.header("From"), seq: 100,
	}
}

// says answers the INVITE.
func (d *side) says(code int, tag, body string) {
	d.p.t.Helper()
	d.p.send(d.p.respond(d.inBound, code, tag, body))
}

// register binds the party to a user.
func (p *party) register(user string) {
	p.t.Helper()
	d := &side{
		p: p, callID: contact.NewToken("x", time.Now()), target: "sip:filo.local",
		local: "<sip:" + user + "@filo.local>;tag=r", remote: "<sip:" + user + "@filo.local>",
	}
	p.send(d.request("REGISTER", ""))
	challenge := p.await("401 REGISTER", d.callID).header("WWW-Authenticate")
	p.send(d.request("REGISTER", "", "Expires: 300", "Authorization: "+digest(challenge, user, sipPassword)))
	p.await("200 REGISTER", d.callID)
}

var digestParam = regexp.MustCompile(`(\w+)="([^"]*)"`)

// digest answers a challenge by RFC 2617, with MD5 and without a client nonce
// where none is asked for.
func digest(challenge, user, secret string) string {
	is := map[string]string{}
	for _, m := range digestParam.FindAllStringSubmatch(challenge, -1) {
		is[m[1]] = m[2]
	}
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) } //nolint:gosec // so
	ha1, ha2 := sum(user+":"+is["realm"]+":"+secret), sum("REGISTER:sip:filo.local")
	answer, more := sum(ha1+":"+is["nonce"]+":"+ha2), ""
	if is["qop"] != "" {
		answer, more = sum(ha1+":"+is["nonce"]+":00000001:cn:auth:"+ha2), `, qop=auth, nc=00000001, cnonce="cn"`
	}
	return fmt.Sprintf(`Digest username=%q, realm=%q, nonce=%q, uri="sip:filo.local", response=%q, algorithm=MD5%s`,
		user, is["realm"], is["nonce"], answer, more)
}
