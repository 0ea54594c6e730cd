package dialog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzApply lets a hostile peer, a careless application and a slow clock do
// what the bytes say. The judge watches; in the end the call is over and
// nothing is left.
func FuzzApply(f *testing.F) {
	for _, seed := range []string{
		"\x00\x20\x01\x00\x00\x0a\x01\x21\x00\x22\x00\x00", "\x01\x09\x01\x40\x04\x41\x80\x0d\x01\x42\x12", "\x07\x09\x01\x60\x33\x44\x55\x66\x77\x88",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 400 {
			return
		}
		a := newAttack(t, data)
		a.run()
		a.finish()
	})
}

// attack is one run.
type attack struct {
	t       *testing.T
	data    []byte
	m       *Machine
	judge   *judge
	now     time.Time
	seq     uint32         // of the peer
	ours    []Request      // requests of ours that may be answered
	rseq    uint32         // last that we sent
	peerSeq uint32         // last RSeq that the peer sent
	finals  map[int]int    // final responses by Tx
	methods map[int]Method // requests of the peer by Tx
	asked   []Offered
}

func newAttack(t *testing.T, data []byte) *attack {
	a := &attack{t: t, data: data, judge: newJudge(), now: time.Unix(1, 0), finals: map[int]int{}, methods: map[int]Method{}, seq: 1}
	flags := a.next()
	cfg := Config{Tag: "us", Seq: 1, Seed: uint64(flags), Reliable: flags&1 != 0}
	if flags&2 != 0 {
		cfg.Session = 5 * time.Minute
	}
	if flags&4 != 0 {
		cfg.MaxEarly, cfg.MaxDuration = 3*time.Minute, 10*time.Minute
	}
	if flags&8 != 0 {
		cfg.Require = Rel100
	}
	a.m = New(cfg)
	if flags&16 != 0 {
		a.apply(Invite{Target: "sip:target", SDP: a.sdp()})
	} else {
		a.receive(INVITE)
	}
	return a
}

// next is the next byte; 0 when there is none.
func (a *attack) next() byte {
	if len(a.data) == 0 {
		return 0
	}
	b := a.data[0]
	a.data = a.data[1:]
	return b
}

func (a *attack) sdp() []byte {
	if a.next()&1 != 0 {
		return []byte("m=audio 1 RTP/AVP 0\r\n")
	}
	return nil
}

func (a *attack) tag(b byte) string { return []string{"peer", "peer", "peer", "other", ""}[b%5] }

func (a *attack) run() {
	for len(a.data) > 0 {
		op := a.next()
		switch op >> 5 {
		case 0, 1:
			methods := []Method{INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, REFER, NOTIFY, "INFO"}
			a.receive(methods[int(op)%len(methods)])
		case 2, 3:
			a.respond()
		case 4, 5:
			a.command(op)
		case 6:
			a.pass(time.Duration(op&31) * 100 * time.Millisecond)
		default:
			a.pass(time.Duration(op&31) * 20 * time.Second)
		}
	}
}

// receive makes a request of the peer.
func (a *attack) receive(method Method) {
	flags := a.next()
	r := Request{Method: method, Tx: len(a.methods)}
	if method != ACK && method != CANCEL {
		a.seq += uint32(flags & 3)
	}
	r.CSeq, r.FromTag, r.ToTag = a.seq-uint32(flags>>2&1), a.tag(flags>>3&7), "us"
	r.Contact, r.SDP = "sip:peer", a.sdp()
	r.Supported, r.Updates = Extensions(flags>>6), flags&1 != 0
	switch more := a.next(); method {
	case INVITE, UPDATE:
		r.Timer.Expires = time.Duration(more) * 10 * time.Second
		if more&1 != 0 {
			r.Timer.Refresher = ByClient
		}
		if more == 255 {
			r.Unknown = []string{"magic"}
		}
	case PRACK:
		r.RAck = RAck{RSeq: a.rseq + uint32(more&1), CSeq: r.CSeq - uint32(more>>1&3), Method: INVITE}
	case REFER:
		r.ReferTo = "sip:c"
	case NOTIFY:
		r.Status, r.Final = int(more)*2, more&1 != 0
	default:
	}
	if method != ACK {
		a.methods[r.Tx.(int)] = method
	}
	a.judge.message(true, &r)
	a.apply(r)
}

// respond makes a response of the peer to a request of ours.
func (a *attack) respond() {
	if len(a.ours) == 0 {
		return
	}
	which, flags := int(a.next()), a.next()
	req := a.ours[len(a.ours)-1-which%len(a.ours)]
	statuses := []int{100, 180, 183, 200, 200, 202, 302, 401, 405, 408, 422, 481, 486, 487, 491, 500}
	r := Response{Status: statuses[flags&15], Method: req.Method}
	r.CSeq, r.FromTag, r.ToTag = req.CSeq, "us", req.ToTag
	if r.ToTag == "" && r.Status > 100 {
		r.ToTag = a.tag(flags >> 4)
	}
	if r.ToTag == "" && r.success() {
		r.ToTag = "none" // the judge would take it for the INVITE's
	}
	r.Contact, r.SDP, r.Updates = "sip:peer", a.sdp(), flags&16 != 0
	r.Retry, r.Local = flags&128 != 0 && r.Status == 401, flags&128 != 0 && r.Status == 408
	if r.Status == 422 {
		r.Timer.Min = time.Duration(flags) * 10 * time.Second
	}
	if r.Status == 500 {
		r.RetryAfter = time.Duration(flags>>4) * time.Second
	}
	if r.provisional() && flags&64 != 0 {
		a.peerSeq += uint32(flags >> 7)
		r.RSeq, r.Require = a.peerSeq+1, Rel100
	}
	if r.success() && flags&32 != 0 {
		r.Timer = SessionTimer{Expires: time.Duration(flags) * time.Second, Refresher: ByClient}
	}
	a.judge.message(true, &r)
	a.apply(r)
}

func (a *attack) command(op byte) {
	var last Offered
	if n := len(a.asked); n > 0 {
		last = a.asked[n-1]
	}
	commands := []func() Event{
		func() Event { return Ring{} },
		func() Event { return Progress{SDP: a.sdp()} },
		func() Event { return Answer{SDP: a.sdp()} },
		func() Event { return Offer{SDP: a.sdp()} },
		func() Event { return Withdraw{} },
		func() Event { return Accept{Tag: last.Tag, SDP: a.sdp()} },
		func() Event { return Decline{Tag: last.Tag, Status: int(a.next()) * 3} },
		func() Event { return Refer{To: "sip:c"} },
		func() Event { return Notify{Status: int(a.next()) * 3} },
		func() Event { return Hangup{Status: int(a.next()) * 3} },
	}
	a.apply(commands[int(op)%len(commands)]())
}

// pass lets the time go on; the driver may be late.
func (a *attack) pass(d time.Duration) {
	a.now = a.now.Add(d)
	a.apply(Tick{})
}

func (a *attack) apply(ev Event) {
	out := a.m.Apply(a.now, ev, nil)
	if testing.Verbose() {
		a.t.Logf("%v > %s", a.now.Sub(time.Unix(1, 0)), show(pointed(ev)))
		for _, e := range out {
			a.t.Logf("   < %s", show(pointed(e)))
		}
	}
	require.LessOrEqual(a.t, len(out), 100, "a flood")
	for _, e := range out {
		switch e := e.(type) {
		case Request:
			a.judge.message(false, &e)
			if e.Method != ACK {
				a.ours = append(a.ours, e)
			}
		case Response:
			a.judge.message(false, &e)
			a.responded(&e)
		case Abandon:
			a.judge.message(false, &e)
		case Passed:
			a.finals[e.Tx.(int)]++
		case Offered:
			a.asked = append(a.asked, e)
			a.judge.told(e)
		default:
			a.judge.told(e)
		}
	}
	require.Empty(a.t, a.judge.faults)
	at := a.m.Deadline()
	require.True(a.t, at.IsZero() || at.After(a.now), "a deadline that has passed")
}

// pointed is for show, which takes messages by pointer.
func pointed(ev any) any {
	switch ev := ev.(type) {
	case Request:
		return &ev
	case Response:
		return &ev
	}
	return ev
}

func (a *attack) responded(r *Response) {
	if r.RSeq != 0 {
		a.rseq = r.RSeq
	}
	tx := r.Tx.(int)
	require.Equal(a.t, a.methods[tx], r.Method)
	switch {
	case r.Status < 200:
		require.Zero(a.t, a.finals[tx], "1xx after the final response")
	case r.success() && r.Method == INVITE: // may be repeated
		a.finals[tx] = max(a.finals[tx], 1)
	default:
		a.finals[tx]++
	}
}

// finish hangs up and lets the time pass until nothing is owed.
func (a *attack) finish() {
	if a.m.state == idle {
		return
	}
	a.apply(Hangup{})
	for range 1000 {
		at := a.m.Deadline()
		if at.IsZero() {
			break
		}
		a.now = at
		a.apply(Tick{})
	}
	if a.m.ours != nil { // nothing came: its transaction would say so
		r := Response{Status: 408, Local: true, Method: INVITE, Header: a.m.ours.req.Header}
		a.apply(r)
	}
	require.True(a.t, a.m.Done())
	require.True(a.t, a.judge.over)
	require.Nil(a.t, a.m.theirs)
	for tx, method := range a.methods {
		require.Equal(a.t, 1, a.finals[tx], "final responses to %s", method)
	}
}
