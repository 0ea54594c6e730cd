package sip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rawPeer speaks SIP as text, so that nothing is too malformed to be said.
type rawPeer struct {
	t       *testing.T
	conn    net.Conn
	network string // "UDP" or "TCP"
	read    *bufio.Reader
}

func newRawPeer(t *testing.T, u *UA, network string) *rawPeer {
	t.Helper()
	conn, err := net.Dial(strings.ToLower(network), u.Addr(strings.ToLower(network)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &rawPeer{t: t, conn: conn, network: network, read: bufio.NewReaderSize(conn, 65535)}
}

// send fills in a message: its lines end in CRLF, {id} is unlike any other,
// {via} a whole Via value, {self} our host and port, {len} the length of what
// follows the empty line.
func (w *rawPeer) send(message string) {
	w.t.Helper()
	head, body, _ := strings.Cut(strings.TrimPrefix(message, "\n"), "\n\n")
	body = strings.ReplaceAll(body, "\n", "\r\n")
	id, self := newToken(), w.conn.LocalAddr().String()
	text := strings.NewReplacer(
		"\n", "\r\n", "{id}", id, "{self}", self, "{len}", strconv.Itoa(len(body)),
		"{via}", "SIP/2.0/"+w.network+" "+self+";rport;branch=z9hG4bK"+id, "{tcp}", w.network,
	).Replace(head) + "\r\n\r\n" + body
	_, err := io.WriteString(w.conn, text)
	require.NoError(w.t, err)
}

// reply is one message that came back; code 0 is a request.
type reply struct {
	code   int
	header textproto.MIMEHeader
}

// next reads a message; errors are that of the connection and a time-out.
func (w *rawPeer) next(patience time.Duration) (r reply, err error) {
	_ = w.conn.SetReadDeadline(time.Now().Add(patience))
	if w.network == "UDP" { // one datagram is one message
		w.read.Reset(w.conn)
	}
	text := textproto.NewReader(w.read)
	start, err := text.ReadLine()
	if err != nil {
		return r, err
	}
	_, _ = fmt.Sscanf(start, "SIP/2.0 %d", &r.code)
	if r.header, err = text.ReadMIMEHeader(); err != nil {
		return r, err
	}
	n, err := strconv.Atoi(r.header.Get("Content-Length"))
	require.NoError(w.t, err)
	_, err = io.CopyN(io.Discard, w.read, int64(n))
	return r, err
}

// final skips provisional responses.
func (w *rawPeer) final() reply {
	w.t.Helper()
	for {
		r, err := w.next(5 * time.Second)
		require.NoError(w.t, err, "no answer")
		if r.code >= 200 {
			return r
		}
	}
}

// tortureCall is a call that stands while others are malformed.
type tortureCall struct {
	*rawPeer
	id, to string
	seq    int
}

func newTortureCall(t *testing.T, u *UA) *tortureCall {
	t.Helper()
	c := &tortureCall{rawPeer: newRawPeer(t, u, "UDP"), id: newToken(), to: "<sip:stay@filo.local>", seq: 1}
	c.request("INVITE", testSDP)
	r := c.final()
	require.Equal(t, 200, r.code)
	c.to = r.header.Get("To")
	c.request("ACK", "")
	return c
}

func (c *tortureCall) request(method, body string) {
	c.t.Helper()
	c.send(fmt.Sprintf("%s sip:stay@filo.local SIP/2.0\nVia: {via}\nMax-Forwards: 70\nFrom: <sip:100@peer>;tag=s\nTo: %s\nCall-ID: %s\n"+
		"CSeq: %d %s\nContact: <sip:100@{self}>\nContent-Type: application/sdp\nContent-Length: {len}\n\n%s",
		method, c.to, c.id, c.seq, method, strings.ReplaceAll(body, "\r\n", "\n")))
}

// stands says that the call is unharmed: it is asked, and answers at once.
func (c *tortureCall) stands() {
	c.t.Helper()
	c.seq++
	c.request("OPTIONS", "")
	r := c.final()
	require.Equal(c.t, 200, r.code)
	require.Equal(c.t, fmt.Sprintf("%d OPTIONS", c.seq), r.header.Get("CSeq"))
}

// hangsUp ends the call in the ordinary way.
func (c *tortureCall) hangsUp() {
	c.t.Helper()
	c.seq++
	c.request("BYE", "")
	require.Equal(c.t, 200, c.final().code)
}

const (
	none = 0   // no answer, the sender is ignored
	busy = 486 // the application's own answer: the request was understood
)

// torture is one message in the manner of RFC 4475 or RFC 5118, and what the
// RFCs want as an answer.
type torture struct {
	name   string
	text   string
	want   []int // any of these over UDP
	tcp    []int // over TCP, when that differs
	header string
}

func codes(c ...int) []int { return c }

// withSDP ends a message with an offer.
const withSDP = `Contact: <sip:caller@{self}>
Content-Type: application/sdp
Content-Length: {len}

v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40000 RTP/AVP 0
`

// dialogFields are the headers of a request outside dialogs, less CSeq.
const dialogFields = `Via: {via}
Max-Forwards: 70
From: <sip:caller@example.net>;tag=f{id}
To: <sip:service@filo.local>
Call-ID: {id}
`

func invite(fields string) string {
	return "INVITE sip:service@filo.local SIP/2.0\n" + dialogFields + "CSeq: 1 INVITE\n" + fields + withSDP
}

func optionsOf(line string) string {
	return line + "\n" + dialogFields + "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"
}

// swap is a good INVITE with one thing changed.
func swap(from, to string) string {
	m := invite("")
	if !strings.Contains(m, from) {
		panic("no " + from)
	}
	return strings.Replace(m, from, to, 1)
}

func register(fields string) string {
	return "REGISTER sip:filo.local SIP/2.0\n" + dialogFields + "CSeq: 7 REGISTER\n" + fields + "Content-Length: 0\n\n"
}

// validTortures are strange and correct (RFC 4475 section 3.1.1).
var validTortures = []torture{
	{name: "3.1.1.1 everything that the grammar allows", text: `
INVITE sip:service@filo.local;unknown-param=what;lr SIP/2.0
TO :
  sip:service@filo.local ;   unknown-param=strange
from   : "A \\\" quoted \" name"
  <sip:caller@example.net>
  ;
  tag = f{id}
MaX-fOrWaRdS: 0068
Call-ID: {id}
Content-Length   : {len}
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /{tcp}
    {self};rport;branch=
  z9hG4bK{id}
s :
NewFangledHeader:   newfangled value
  continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
  <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     192.0.2.2   ;
  branch  =   z9hG4bK390skdjuw ;
m:"Quoted string \"\"" <sip:caller@{self}> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40000 RTP/AVP 0
`, want: codes(busy)},
	{
		name: "3.1.1.2 a method of all the characters of a token", text: strings.NewReplacer("OPTIONS", "!odd-Method0123456789_*+`.%really'~").
			Replace(optionsOf("OPTIONS sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@filo.local SIP/2.0")),
		want: codes(405, 501), header: "Allow",
	},
	{name: "3.1.1.3 escapes in the URI", text: swap("INVITE sip:service@", "INVITE sip:sips%3Auser%40example.com@"), want: codes(busy)},
	{name: "3.1.1.4 an escaped null", text: strings.ReplaceAll(register("Contact: <sip:%00@{self}>\nContact: <sip:%00%00@{self}>\n"), "sip:caller@", "sip:null-%00-null@"), want: codes(401)},
	{name: "3.1.1.5 a method that looks escaped", text: strings.ReplaceAll(register(""), "REGISTER", "RE%47IST%45R"), want: codes(405, 501)},
	{name: "3.1.1.6 no space before the bracket", text: swap("From: <sip:caller", "From: caller<sip:caller"), want: codes(busy)},
	{
		name: "3.1.1.7 long values", text: swap("From: <sip:caller@", `From: "`+strings.Repeat("a long name ", 40)+`" <sip:`+strings.Repeat("caller", 50)+"@"),
		want: codes(busy),
	},
	{name: "3.1.1.7 a long header", text: invite("Unknown-" + strings.Repeat("Long-", 50) + "Name: " + strings.Repeat("value ", 100) + "\n"), want: codes(busy)},
	{name: "3.1.1.8 octets behind the message", text: register("") + "INVITE sip:joe@example.com SIP/2.0\nt: <sip:joe@example.com>\n\n", want: codes(401)},
	{name: "3.1.1.9 a semicolon in the user part", text: optionsOf("OPTIONS sip:user;par=u%40example.net@filo.local SIP/2.0"), want: codes(200)},
	{name: "3.1.1.10 all the transports", text: strings.Replace(optionsOf("OPTIONS sip:user@filo.local SIP/2.0"), "Max-Forwards",
		"Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKb\nVia: SIP/2.0/TLS t3.example.com;branch=z9hG4bKc\nVia: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKd\nMax-Forwards", 1), want: codes(200)},
	{name: "3.1.1.11 a body in parts", text: "MESSAGE sip:user@filo.local SIP/2.0\n" + dialogFields + "CSeq: 1 MESSAGE\nContent-Type: multipart/mixed;boundary=7a9c\nContent-Length: {len}\n\n" +
		"--7a9c\nContent-Type: text/plain\nContent-Transfer-Encoding: binary\n\nHello\n--7a9c--\n", want: codes(405, 501)},
	{name: "3.1.1.12 an unusual reason", text: "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e\n" + dialogFields + "CSeq: 35 INVITE\nContact: <sip:user@{self}>\nContent-Length: 0\n\n", want: codes(none)},
	{name: "3.1.1.13 no reason", text: "SIP/2.0 100 \n" + dialogFields + "CSeq: 35 INVITE\nContent-Length: 0\n\n", want: codes(none)},
}

// invalidTortures must be refused or ignored (RFC 4475 sections 3.1.2 to 3.4).
var invalidTortures = []torture{
	{name: "3.1.2.1 separators with nothing between", text: swap("Via: {via}", "Via: {via};;,;,,"), want: codes(400)},
	{name: "3.1.2.1 a contact that ends nowhere", text: swap("Contact: <sip:caller@{self}>", `Contact: "" <> ;,"Joe" <sip:joe@example.org>;;,,;;`), want: codes(400)},
	{name: "3.1.2.2 Content-Length beyond the datagram", text: swap("{len}", "9999"), want: codes(400), tcp: codes(none)},
	{name: "3.1.2.3 Content-Length below zero", text: swap("{len}", "-999"), want: codes(400), tcp: codes(none, 400)},
	{name: "3.1.2.4 CSeq beyond 32 bits", text: swap("CSeq: 1 ", "CSeq: 36893488147419103232 "), want: codes(400)},
	{name: "3.1.2.4 Max-Forwards beyond 255", text: swap("Max-Forwards: 70", "Max-Forwards: 3000000000"), want: codes(400)},
	{name: "3.1.2.5 a response with a CSeq beyond 32 bits", text: "SIP/2.0 503 Service Unavailable\n" + dialogFields + "CSeq: 9292394834772304023312 OPTIONS\nContent-Length: 0\n\n", want: codes(none)},
	{name: "3.1.2.6 a quote without end", text: swap("To: <sip:service", `To: "Mr J. User <sip:service`), want: codes(400)},
	{name: "3.1.2.7 the URI in brackets", text: swap("INVITE sip:service@filo.local", "INVITE <sip:service@filo.local>"), want: codes(400)},
	{name: "3.1.2.8 a space in the URI", text: swap("INVITE sip:service@filo.local", "INVITE sip:service@filo.local; lr"), want: codes(400)},
	{name: "3.1.2.9 spaces in the request line", text: swap("INVITE sip:service@filo.local SIP", "INVITE  sip:service@filo.local  SIP"), want: codes(400)},
	{name: "3.1.2.10 a space behind the request line", text: swap("SIP/2.0\n", "SIP/2.0  \n"), want: codes(400)},
	{name: "3.1.2.11 headers in the URI", text: swap("INVITE sip:service@filo.local", "INVITE sip:service@filo.local?Route=%3Csip:example.com%3E"), want: codes(400, busy)},
	{name: "3.1.2.12 a time zone that is not GMT", text: invite("Date: Fri, 01 Jan 2010 16:00:00 EST\n"), want: codes(400, busy)},
	{name: "3.1.2.13 a contact whose URI needs brackets", text: register("Contact: sip:user@{self}?Route=%3Csip:sip.example.com%3E\n"), want: codes(400, 401)},
	{name: "3.1.2.14 a space in an address", text: swap("To: <sip:service@filo.local>", `To: "Watson, Thomas" < sip:service@filo.local >`), want: codes(400, busy)},
	{name: "3.1.2.15 a display name that is no token", text: swap("From: <sip:caller@example.net>", "From: Bell, Alexander <sip:caller@example.net>"), want: codes(400, busy)},
	{name: "3.1.2.16 another version", text: swap("SIP/2.0\n", "SIP/7.0\n"), want: codes(505)},
	{name: "3.1.2.17 CSeq of another method", text: swap("CSeq: 1 INVITE", "CSeq: 1 OPTIONS"), want: codes(400)},
	{name: "3.1.2.18 CSeq of another method than an unknown one", text: optionsOf("NEWMETHOD sip:user@filo.local SIP/2.0"), want: codes(400, 405, 501)},
	{name: "3.1.2.19 a status that is none", text: "SIP/2.0 4294967301 better not break the receiver\n" + dialogFields + "CSeq: 35 INVITE\nContent-Length: 0\n\n", want: codes(none)},
	{name: "3.2.1 a branch that is only the cookie", text: strings.Replace(optionsOf("OPTIONS sip:user@filo.local SIP/2.0"), "{via}", "SIP/2.0/{tcp} {self};rport;branch=z9hG4bK", 1), want: codes(200)},
	{name: "3.3.1 no Call-ID, From and To", text: "INVITE sip:user@filo.local SIP/2.0\nCSeq: 193942 INVITE\nVia: {via}\nContent-Length: {len}\n\nv=0\n", want: codes(400)},
	{name: "3.3.2 a scheme that nobody knows", text: optionsOf("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), want: codes(416)},
	{name: "3.3.3 a scheme of something else", text: optionsOf("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"), want: codes(416)},
	{name: "3.3.4 unknown schemes in To and Contact", text: strings.Replace(register("Contact: <name:John_Smith>\n"), "To: <sip:service@filo.local>", "To: <isbn:2983792873>", 1), want: codes(400, 401, 403, 404, 416)},
	{name: "3.3.5 required extensions", text: strings.Replace(optionsOf("OPTIONS sip:user@filo.local SIP/2.0"), "Max-F", "Require: nothingSupportsThis\nRequire: nothingSupportsThisEither\nMax-F", 1), want: codes(420), header: "Unsupported"},
	{name: "3.3.6 an unknown kind of body", text: swap("application/sdp", "application/unknownformat"), want: codes(415), header: "Accept"},
	{name: "3.3.7 an unknown kind of credentials", text: register("Authorization: NoOneKnowsThisScheme opaque-data=here\n"), want: codes(401), header: "Www-Authenticate"},
	{name: "3.3.8 two of each", text: swap("CSeq: 1 INVITE", "CSeq: 1 INVITE\nCSeq: 2 INVITE\nCall-ID: second\nFrom: <sip:second@example.net>;tag=2\nTo: <sip:second@example.net>"), want: codes(400)},
	{name: "3.3.9 two lengths", text: swap("Content-Length: {len}", "Content-Length: 13\nContent-Length: {len}"), want: codes(400), tcp: codes(none, 400)},
	{name: "3.3.10 a response from a broadcast address", text: "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\n" + dialogFields + "CSeq: 35 INVITE\nContact: <sip:user@{self}>\nContent-Length: 0\n\n", want: codes(none)},
	{name: "3.3.11 no forward left for what ends here", text: strings.Replace(optionsOf("OPTIONS sip:user@filo.local SIP/2.0"), "Max-Forwards: 70", "Max-Forwards: 0", 1), want: codes(200, 483)},
	{name: "3.3.11 no forward left for a call", text: swap("Max-Forwards: 70", "Max-Forwards: 0"), want: codes(483)},
	{name: "3.3.12 unknown parameters of a contact", text: register("Contact: <sip:user@{self};unknownparam>\nContact: sip:user@{self};unknownparam\n"), want: codes(401)},
	{name: "3.3.14 an escaped header in a contact", text: register("Contact: <sip:user@{self}?Route=%3Csip:sip.example.com%3E>\n"), want: codes(401)},
	{name: "3.3.15 nothing acceptable", text: invite("Accept: text/nobodyKnowsThis\n"), want: codes(406, busy)},
	{name: "3.4.1 an INVITE of RFC 2543", text: strings.NewReplacer("{via}", "SIP/2.0/{tcp} {self};rport", ";tag=f{id}", "").Replace(invite("")), want: codes(400, busy)},
}

// ipv6Tortures are those of RFC 5118.
var ipv6Tortures = []torture{
	{name: "4.1 a reference", text: optionsOf("OPTIONS sip:[2001:db8::10] SIP/2.0"), want: codes(200)},
	{name: "4.2 no brackets", text: optionsOf("OPTIONS sip:2001:db8::10 SIP/2.0"), want: codes(400)},
	{name: "4.3 what looks like a port is not one", text: optionsOf("OPTIONS sip:[2001:db8::10:5070] SIP/2.0"), want: codes(200)},
	{name: "4.4 and what is one", text: optionsOf("OPTIONS sip:[2001:db8::10]:5070 SIP/2.0"), want: codes(200)},
	{name: "4.5 received in brackets", text: strings.Replace(optionsOf("OPTIONS sip:user@filo.local SIP/2.0"), "Max-F", "Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3\nMax-F", 1), want: codes(200)},
	{name: "4.5 received without", text: strings.Replace(optionsOf("OPTIONS sip:user@filo.local SIP/2.0"), "Max-F", "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3\nMax-F", 1), want: codes(200)},
	{name: "4.6 a contact with and one without port", text: strings.ReplaceAll(invite(""), "caller@{self}", "caller@[2001:db8::20]:5061"), want: codes(busy)},
	{name: "4.7 SDP of IPv6", text: strings.ReplaceAll(invite(""), "IN IP4 127.0.0.1", "IN IP6 2001:db8::20"), want: codes(busy)},
	{name: "4.9 IPv4 mapped", text: strings.NewReplacer("caller@{self}", "caller@[::ffff:192.0.2.10]:19823", "IN IP4 127.0.0.1", "IN IP6 ::ffff:192.0.2.2").Replace(invite("")), want: codes(busy)},
	{name: "4.10 three colons", text: optionsOf("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0"), want: codes(400)},
	{name: "a zone", text: optionsOf("OPTIONS sip:user@[fe80::1%25eth0] SIP/2.0"), want: codes(200, 400)},
	{name: "a bracket that stays open", text: optionsOf("OPTIONS sip:user@[2001:db8::1 SIP/2.0"), want: codes(400)},
}

// TestTorture sends each message over each transport and asks for the RFC's
// answer, while another call must not notice anything.
func TestTorture(t *testing.T) {
	cfg := testConfig()
	cfg.Domain = "filo.local"
	u := run(t, cfg, passwords{}, func(ctx context.Context, l *Leg) {
		if l.Info().Called == "stay" {
			if l.Answer(ctx, []byte(testSDP)) == nil {
				<-ctx.Done()
			}
			return
		}
		_ = l.Reject(ctx, busy, "")
	})
	call := newTortureCall(t, u)
	for _, set := range [][]torture{validTortures, invalidTortures, ipv6Tortures} {
		for _, m := range set {
			for _, network := range []string{"UDP", "TCP"} {
				t.Run(network+" "+m.name, func(t *testing.T) {
					want := m.want
					if network == "TCP" && m.tcp != nil {
						want = m.tcp
					}
					w := newRawPeer(t, u, network)
					w.send(m.text)
					w.answered(want, m.header)
					c := *call
					c.rawPeer = &rawPeer{t, call.conn, call.network, call.read}
					c.stands()
					call.seq = c.seq
				})
			}
		}
	}
	call.hangsUp()
}

// answered checks the answer to a message.
func (w *rawPeer) answered(want []int, header string) {
	w.t.Helper()
	if slices.Contains(want, none) {
		r, err := w.next(100 * time.Millisecond)
		if err != nil {
			require.True(w.t, errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "reset"), "%v", err)
			return
		}
		require.Contains(w.t, want, r.code, "%v", r.header)
		return
	}
	r := w.final()
	require.Contains(w.t, want, r.code, "%v", r.header)
	if header != "" {
		require.NotEmpty(w.t, r.header.Get(header))
	}
}
