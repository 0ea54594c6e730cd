package dialog

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write what the machine does into the ladders anew")

// TestLadders plays testdata/ladders/*.txt, whose README tells the language.
func TestLadders(t *testing.T) {
	files, err := filepath.Glob("testdata/ladders/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var played strings.Builder
		for i, text := range strings.Split(string(data), "\n== ") {
			if i == 0 {
				played.WriteString(text)
				continue
			}
			name, script, _ := strings.Cut(text, "\n")
			var got string
			ok := t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				got = newLadder(t, script).play()
				if !*rewrite {
					require.Equal(t, strings.TrimSpace(script), strings.TrimSpace(got))
				}
			})
			if *rewrite {
				require.True(t, ok)
			}
			played.WriteString("\n== " + name + "\n" + got)
		}
		if *rewrite {
			require.NoError(t, os.WriteFile(file, []byte(played.String()), 0o600))
		}
	}
}

// ladder is one call, told line by line.
type ladder struct {
	t      *testing.T
	script string
	m      *Machine
	begin  time.Time
	now    time.Time
	out    strings.Builder
	txs    []Request // received; Tx is the index
}

func newLadder(t *testing.T, script string) *ladder {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &ladder{t: t, script: script, begin: begin, now: begin}
}

// play runs the lines that are input and writes down what follows from them.
func (l *ladder) play() string {
	cfg := Config{Tag: "us", Seq: 1}
	for _, line := range strings.Split(strings.TrimSpace(l.script), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest, _, _ = strings.Cut(rest, "  #")
		switch word {
		case "<", "*", "=":
			continue // what was expected
		case "", "#":
			l.out.WriteString(line + "\n")
			continue
		}
		l.out.WriteString(line + "\n")
		if word == "config" {
			l.config(&cfg, rest)
			continue
		}
		if l.m == nil {
			l.m = New(cfg)
		}
		switch word {
		case "+":
			d, err := time.ParseDuration(rest)
			require.NoError(l.t, err, line)
			l.pass(l.now.Add(d))
		case ">":
			l.apply(l.message(rest), "")
		default:
			l.apply(l.command(word, rest), "")
		}
	}
	l.out.WriteString("= " + l.status() + "\n")
	return l.out.String()
}

func (l *ladder) config(cfg *Config, rest string) {
	for _, f := range strings.Fields(rest) {
		key, value, _ := strings.Cut(f, "=")
		d, _ := time.ParseDuration(value)
		switch key {
		case "seed":
			cfg.Seed, _ = strconv.ParseUint(value, 10, 64)
		case "session":
			cfg.Session = d
		case "minsession":
			cfg.MinSession = d
		case "early":
			cfg.MaxEarly = d
		case "duration":
			cfg.MaxDuration = d
		case "100rel":
			cfg.Reliable = true
		case "need100rel":
			cfg.Require = Rel100
		default:
			l.t.Fatalf("config %q", f)
		}
	}
}

func (l *ladder) status() string {
	state := [...]string{"idle", "early", "accepted", "confirmed", "ended"}[l.m.state]
	if at := l.m.Deadline(); !at.IsZero() {
		return fmt.Sprintf("%s, timer @%v", state, at.Sub(l.begin))
	}
	if l.m.Done() {
		return "done"
	}
	return state
}

// pass lets the time go on, from timer to timer.
func (l *ladder) pass(until time.Time) {
	for n := 0; ; n++ {
		require.Less(l.t, n, 1000, "too many timers")
		at := l.m.Deadline()
		if at.IsZero() || at.After(until) {
			break
		}
		l.now = at
		l.apply(Tick{}, fmt.Sprintf(" @%v", at.Sub(l.begin)))
	}
	l.now = until
}

func (l *ladder) apply(ev Event, suffix string) {
	for _, e := range l.m.Apply(l.now, ev, nil) {
		l.out.WriteString(l.effect(e) + suffix + "\n")
	}
}

// message reads "METHOD cseq key=value..." or "status METHOD cseq key=value...".
func (l *ladder) message(text string) Event {
	f := strings.Fields(text)
	if status, err := strconv.Atoi(f[0]); err == nil {
		r := Response{Status: status, Method: Method(f[1])}
		r.FromTag, r.ToTag = "us", "peer"
		if status > 100 && status < 300 && r.Method == INVITE {
			r.Contact = "sip:peer"
		}
		l.header(&r.Header, f[2:], func(key, value string) { l.responseField(&r, key, value) })
		return r
	}
	r := Request{Method: Method(f[0]), Tx: len(l.txs)}
	r.FromTag, r.ToTag = "peer", "us"
	if r.Method == INVITE || r.Method == UPDATE {
		r.Contact = "sip:peer"
	}
	l.header(&r.Header, f[1:], func(key, value string) { l.requestField(&r, key, value) })
	l.txs = append(l.txs, r)
	return r
}

func (l *ladder) header(h *Header, fields []string, other func(key, value string)) {
	h.CSeq = l.number(fields[0])
	for _, f := range fields[1:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "sdp":
			h.SDP = []byte(value)
		case "contact":
			h.Contact = value
		case "routes":
			h.Routes = l.routes(value)
		case "supported":
			h.Supported = l.extensions(value)
		case "require":
			h.Require = l.extensions(value)
		case "update":
			h.Updates = true
		case "se":
			h.Timer.Expires, h.Timer.Refresher = l.expires(value)
		case "minse":
			h.Timer.Min, _ = time.ParseDuration(value)
		default:
			other(key, value)
		}
	}
}

func (l *ladder) requestField(r *Request, key, value string) {
	switch key {
	case "from":
		r.FromTag = value
	case "rack":
		parts := strings.Split(value, "/")
		r.RAck = RAck{RSeq: l.number(parts[0]), CSeq: l.number(parts[1]), Method: INVITE}
	case "unknown":
		r.Unknown = strings.Split(value, ",")
	case "refuse":
		r.Refuse = int(l.number(value))
	case "to":
		r.ReferTo = value
	case "event":
		r.Event = l.number(value)
	case "status":
		r.Status = int(l.number(value))
	case "final":
		r.Final = true
	case "expires":
		r.Expires, _ = time.ParseDuration(value)
	default:
		l.t.Fatalf("field %q", key)
	}
}

func (l *ladder) responseField(r *Response, key, value string) {
	switch key {
	case "tag":
		r.ToTag = value
	case "rseq":
		r.RSeq = l.number(value)
		r.Require |= Rel100
	case "retryafter":
		r.RetryAfter, _ = time.ParseDuration(value)
	case "local":
		r.Local = true
	case "retry":
		r.Retry = true
	default:
		l.t.Fatalf("field %q", key)
	}
}

func (l *ladder) number(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	require.NoError(l.t, err)
	return uint32(n)
}

func (l *ladder) routes(s string) (out []Route) {
	for uri := range strings.SplitSeq(s, ",") {
		out = append(out, Route{URI: uri, Loose: strings.HasSuffix(uri, ";lr")})
	}
	return out
}

func (l *ladder) extensions(s string) (e Extensions) {
	for tag := range strings.SplitSeq(s, ",") {
		switch tag {
		case "100rel":
			e |= Rel100
		case "timer":
			e |= Timer
		default:
			l.t.Fatalf("extension %q", tag)
		}
	}
	return e
}

func (l *ladder) expires(s string) (time.Duration, Refresher) {
	interval, by, _ := strings.Cut(s, ";")
	d, err := time.ParseDuration(interval)
	require.NoError(l.t, err)
	return d, Refresher(by)
}

func (l *ladder) command(word, rest string) Event {
	arg, more, _ := strings.Cut(rest, " ")
	number, _ := strconv.Atoi(arg)
	var sdp []byte
	if arg != "" {
		sdp = []byte(arg)
	}
	switch word {
	case "invite":
		return Invite{Target: "sip:target", SDP: sdp}
	case "ring":
		return Ring{}
	case "progress":
		return Progress{SDP: sdp}
	case "answer":
		return Answer{SDP: sdp}
	case "hangup":
		return Hangup{Status: number, Now: arg == "now"}
	case "offer":
		return Offer{SDP: sdp}
	case "withdraw":
		return Withdraw{}
	case "accept":
		return Accept{Tag: cmp(more, "peer"), SDP: sdp}
	case "decline":
		return Decline{Tag: "peer", Status: number}
	case "refer":
		return Refer{To: arg}
	case "notify":
		return Notify{Status: number}
	}
	l.t.Fatalf("command %q", word)
	return nil
}

func cmp(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// effect writes one effect as a line.
func (l *ladder) effect(e Effect) string {
	switch e := e.(type) {
	case Request:
		return "< " + writeRequest(&e)
	case Response:
		tx := l.txs[e.Tx.(int)]
		require.Equal(l.t, tx.Method, e.Method, "a response belongs to its request")
		require.Equal(l.t, tx.CSeq, e.CSeq)
		require.Equal(l.t, "us", e.ToTag)
		return "< " + writeResponse(&e)
	case Abandon:
		return fmt.Sprintf("< nothing more for INVITE %d", e.CSeq)
	case Provisional:
		return "* provisional " + strconv.Itoa(e.Status) + tagged(e.Tag) + described(e.SDP)
	case Confirmed:
		return "* confirmed"
	case Offered:
		return "* offered" + tagged(e.Tag) + described(e.SDP)
	case Answered:
		s := "* answered" + tagged(e.Tag) + described(e.SDP)
		s += flagged(e.Offer, "offer") + flagged(e.Refresh, "refresh")
		return s
	case Failed:
		return fmt.Sprintf("* failed %d", e.Status)
	case Passed:
		return fmt.Sprintf("* passed %s %d", e.Method, e.CSeq)
	case Transferred:
		return "* transferred to=" + e.ReferTo
	case Transfer:
		return fmt.Sprintf("* transfer %d%s", e.Status, flagged(e.Final, "final"))
	case Ended:
		s := "* ended: " + e.Cause.String()
		if e.Status != 0 {
			s += " " + strconv.Itoa(e.Status)
		}
		return s
	case Refused:
		return strings.TrimPrefix(fmt.Sprintf("* refused %T", e.Event), "")
	}
	l.t.Fatalf("effect %T", e)
	return ""
}

func writeRequest(r *Request) string {
	s := fmt.Sprintf("%s %d", r.Method, r.CSeq)
	if r.ToTag != "" && r.ToTag != "peer" {
		s += " to=" + r.ToTag
	}
	if r.Target != "sip:peer" && r.Target != "sip:target" {
		s += " target=" + r.Target
	}
	if len(r.Routes) > 0 {
		uris := make([]string, len(r.Routes))
		for i, route := range r.Routes {
			uris[i] = route.URI
		}
		s += " route=" + strings.Join(uris, ",")
	}
	s += described(r.SDP) + writeTimer(r.Timer)
	switch r.Method {
	case PRACK:
		s += fmt.Sprintf(" rack=%d/%d", r.RAck.RSeq, r.RAck.CSeq)
	case REFER:
		s += " refer-to=" + r.ReferTo
	case NOTIFY:
		s += fmt.Sprintf(" event=%d status=%d%s", r.Event, r.Status, flagged(r.Final, "final"))
	default:
	}
	return s
}

func writeResponse(r *Response) string {
	s := fmt.Sprintf("%d %s %d", r.Status, r.Method, r.CSeq) + described(r.SDP) + writeTimer(r.Timer)
	if r.RSeq != 0 {
		s += fmt.Sprintf(" rseq=%d", r.RSeq)
	}
	if r.Require != 0 {
		s += " require=" + writeExtensions(r.Require)
	}
	if len(r.Unsupported) > 0 {
		s += " unsupported=" + strings.Join(r.Unsupported, ",")
	}
	if r.RetryAfter > 0 {
		s += fmt.Sprintf(" retryafter=%v", r.RetryAfter)
	}
	return s
}

func writeExtensions(e Extensions) string {
	var tags []string
	if e&Rel100 != 0 {
		tags = append(tags, "100rel")
	}
	if e&Timer != 0 {
		tags = append(tags, "timer")
	}
	return strings.Join(tags, ",")
}

func writeTimer(t SessionTimer) (s string) {
	if t.Expires > 0 {
		s = fmt.Sprintf(" se=%v", t.Expires)
		if t.Refresher != "" {
			s += ";" + string(t.Refresher)
		}
	}
	if t.Min > 0 {
		s += fmt.Sprintf(" minse=%v", t.Min)
	}
	return s
}

func described(sdp []byte) string {
	if sdp == nil {
		return ""
	}
	return " sdp=" + strings.NewReplacer("\r\n", "|", " ", "_").Replace(string(sdp))
}

func tagged(tag string) string {
	if tag == "peer" || tag == "" {
		return ""
	}
	return " tag=" + tag
}

func flagged(on bool, flag string) string {
	if on {
		return " " + flag
	}
	return ""
}
