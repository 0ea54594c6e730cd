package dialog

import "fmt"

// judge watches the messages that reach and leave one machine, in its order,
// and knows the rules without knowing the machine.
type judge struct {
	faults []string

	seqs    map[string]uint32 // last CSeq sent, by far side
	sends   map[string]int    // copies of what the machine itself repeats
	tells   map[string]int    // what the application was told
	over    bool              // Ended was told
	dialogs map[string]*talks // by the tag of the far side
	sent2xx bool
	sentACK bool

	unacked map[uint32]bool // RSeq of what carried a description and has no PRACK

	statuses map[int]int // that were sent, in all calls
}

func newJudge() *judge {
	j := &judge{}
	j.reset()
	return j
}

// reset begins with a new call.
func (j *judge) reset() {
	if j.statuses == nil {
		j.statuses = map[int]int{}
	}
	*j = judge{faults: j.faults, statuses: j.statuses, seqs: map[string]uint32{}, sends: map[string]int{}, tells: map[string]int{}, dialogs: map[string]*talks{}, unacked: map[uint32]bool{}}
}

func (j *judge) fault(format string, a ...any) {
	if len(j.faults) < 10 {
		j.faults = append(j.faults, fmt.Sprintf(format, a...))
	}
}

// told checks what the application hears.
func (j *judge) told(e Effect) {
	switch e := e.(type) {
	case Refused:
		return
	case Ended:
		if j.over {
			j.fault("ended twice: %v", e)
		}
		j.over = true
		return
	case Confirmed:
		j.tells["confirmed"]++
		if j.tells["confirmed"] > 1 {
			j.fault("confirmed twice")
		}
		if !j.sent2xx && !j.sentACK {
			j.fault("confirmed without 2xx and ACK")
		}
	}
	if j.over {
		j.fault("told after the end: %#v", e)
	}
}

// message checks what is sent, and follows offer and answer.
func (j *judge) message(in bool, ev any) {
	switch m := ev.(type) {
	case *Request:
		j.request(in, m)
	case *Response:
		j.response(in, m)
	case *Abandon: // as good as refused (RFC 3261 section 9.1)
		for _, t := range j.dialogs {
			for e, c := range t.exchanges {
				if e.ours && e.method == INVITE && e.seq == m.CSeq {
					t.closes(c)
				}
			}
		}
	}
}

func (j *judge) request(in bool, r *Request) {
	far := r.ToTag
	if in {
		far = r.FromTag
		if r.Method == PRACK {
			delete(j.unacked, r.RAck.RSeq)
		}
	} else {
		j.sentRequest(r)
	}
	if !in && far == "" && r.Method == INVITE { // a first try, or another one
		clear(j.dialogs)
	}
	j.talks(far).request(in, r)
}

func (j *judge) sentRequest(r *Request) {
	switch r.Method {
	case ACK:
		j.sentACK = true
	case CANCEL:
		j.count(1, "CANCEL %d", r.CSeq)
	default:
		if last := j.seqs[r.ToTag]; r.CSeq <= last {
			j.fault("%s with CSeq %d after %d", r.Method, r.CSeq, last)
		}
		j.seqs[r.ToTag] = r.CSeq
	}
}

func (j *judge) response(in bool, r *Response) {
	far := r.ToTag
	if in && r.Phrase == "Out Of Order" && !j.over {
		j.fault("our %s %d came out of order", r.Method, r.CSeq)
	}
	if !in {
		far = r.FromTag
		j.statuses[r.Status]++
		if r.Method == INVITE && r.success() {
			j.sent2xx = true
			if len(j.unacked) > 0 {
				j.fault("2xx while a description has no PRACK")
			}
			j.count(11, "%d to INVITE %d", r.Status, r.CSeq)
		}
		if r.RSeq != 0 {
			j.count(7, "reliable %d", r.RSeq)
			if r.SDP != nil {
				j.unacked[r.RSeq] = true
			}
		}
	}
	if first := j.dialogs[""]; first != nil && in && r.Status >= 300 && r.Method == INVITE {
		first.response(in, r) // the INVITE that opened the call: all of its branches have failed
	}
	if in && r.ToTag == "" && r.provisional() {
		return // it makes no dialog
	}
	j.talks(far).response(in, r)
}

func (j *judge) count(limit int, format string, a ...any) {
	key := fmt.Sprintf(format, a...)
	if j.sends[key]++; j.sends[key] > limit {
		j.fault("%s sent %d times", key, j.sends[key])
	}
}

func (j *judge) talks(tag string) *talks {
	t := j.dialogs[tag]
	if t == nil {
		t = &talks{j: j, exchanges: map[exchange]*carried{}}
		j.dialogs[tag] = t
		if tag != "" && j.dialogs[""] != nil { // a fork of the first INVITE
			for k, v := range j.dialogs[""].exchanges {
				copied := *v
				t.exchanges[k] = &copied
				if v.offer && !v.closed {
					t.open, t.ours = &copied, true
				}
			}
		}
	}
	return t
}

// exchange is a transaction, as far as session descriptions are concerned.
type exchange struct {
	ours   bool
	method Method
	seq    uint32
	tx     any // of theirs: a peer may use a CSeq twice
}

// carried is what an exchange carried.
type carried struct {
	offer  bool // the request made one
	back   bool // a response made one
	closed bool // it was answered or refused
	rseq   uint32
	final  bool // its final response is known: what comes after is a repeat
	stray  bool // an offer that came while another was open: to be refused
}

// talks is offer and answer with one far side (RFC 3264, RFC 6337 section 2).
type talks struct {
	j         *judge
	exchanges map[exchange]*carried
	open      *carried
	ours      bool // the open offer is ours
}

// offers opens an offer.
func (t *talks) offers(in bool, c *carried, what string) {
	if t.open != nil {
		if in {
			c.stray = true
		} else {
			t.j.fault("offer in %s while one is open (ours: %v)", what, t.ours)
		}
		return
	}
	t.open, t.ours = c, !in
}

// answers closes the offer of an exchange.
func (t *talks) answers(in bool, c *carried, what string) {
	switch {
	case !in && c.stray:
		t.j.fault("%s answers an offer that had to be refused", what)
	case !in && (t.open != c || t.ours):
		t.j.fault("%s answers no offer", what)
	}
	t.closes(c)
}

func (t *talks) closes(c *carried) {
	c.closed = true
	if t.open == c {
		t.open = nil
	}
}

// awaits is the INVITE of this CSeq whose response made an offer; nil: none.
func (t *talks) awaits(ours bool, seq uint32) *carried {
	for e, c := range t.exchanges {
		if e.ours == ours && e.method == INVITE && e.seq == seq && c.back {
			return c
		}
	}
	return nil
}

func (t *talks) request(in bool, r *Request) {
	switch r.Method {
	case ACK:
		if c := t.awaits(!in, r.CSeq); c != nil && !c.closed && c.rseq == 0 {
			if !in && r.SDP == nil {
				t.j.fault("ACK without the answer")
			}
			t.answers(in, c, "ACK")
		}
	case PRACK:
		invite := t.awaits(!in, r.RAck.CSeq)
		c := &carried{}
		t.exchanges[exchange{!in, PRACK, r.CSeq, r.Tx}] = c
		switch {
		case r.SDP == nil:
		case invite != nil && invite.rseq == r.RAck.RSeq:
			if !invite.closed { // else the INVITE has failed by now
				t.answers(in, invite, "PRACK")
			}
		default:
			c.offer = true
			t.offers(in, c, "PRACK")
		}
	case INVITE, UPDATE:
		c := &carried{offer: r.SDP != nil}
		t.exchanges[exchange{!in, r.Method, r.CSeq, r.Tx}] = c
		if c.offer {
			t.offers(in, c, string(r.Method))
		}
	default:
	}
}

func (t *talks) response(in bool, r *Response) {
	tx := r.Tx
	if in { // whatever the far side calls it
		tx = nil
	}
	c := t.exchanges[exchange{in, r.Method, r.CSeq, tx}]
	if c == nil || c.final || r.Method == CANCEL {
		return
	}
	c.final = r.Status >= 200
	if r.Status >= 300 {
		if !c.closed {
			t.closes(c)
		}
		return
	}
	reliable := r.Status >= 200 || r.RSeq != 0
	switch {
	case !reliable && r.SDP != nil && !in && !c.offer:
		t.j.fault("offer in an unreliable response")
	case !reliable:
	case r.SDP == nil && r.Status >= 200 && c.offer && !c.closed:
		if !in {
			t.j.fault("2xx to %s without the answer", r.Method)
		}
		t.closes(c)
	case r.SDP == nil:
	case c.offer && !c.closed:
		t.answers(in, c, "response to "+string(r.Method))
	case !c.offer && !c.back && r.Method == INVITE:
		c.back, c.rseq = true, r.RSeq
		t.offers(in, c, "response to INVITE")
	}
}
