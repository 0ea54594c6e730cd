package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestLadder: both legs in one ladder, with what happened between the messages.
func TestLadder(t *testing.T) {
	s := newScene(DefaultConfig()).play()
	for _, id := range []string{"c_1", trunkLeg.callID, phoneLeg.callID, "leg-1"} {
		l, err := s.r.Ladder(id, Options{Data: true})
		require.NoError(t, err)
		require.Equal(t, "c_1", l.ID)
		require.False(t, l.Overwritten)
		require.Equal(t, []Party{
			{Role: "caller", Name: "telco", User: "+39 347 ••• 4419", Address: "203.0.113.9:5070", Network: "udp"},
			{Role: "filo"},
			{Role: "agent", Name: "paola", User: "paola", Address: "192.168.1.20:5066", Network: "tcp"},
		}, l.Parties)
		require.Len(t, l.Rows, 23)
		require.Equal(t, Row{
			At: began.Add(500 * time.Millisecond), MS: 500, Kind: Request, To: 1, Text: "INVITE", Method: "INVITE", CSeq: 1, Again: 1, Of: 0,
			SDP: &SDP{Media: []Media{{
				Kind: "audio", Port: 4000, Profile: "RTP/AVP", Codecs: []string{"PCMA", "PCMU", "telephone-event"}, Address: "203.0.113.40", Class: "public", Direction: "sendrecv",
			}}},
			Bytes: l.Rows[0].Bytes, Network: "udp", Data: l.Rows[0].Data, Local: l.Rows[0].Local, Remote: l.Rows[0].Remote, in: true,
		}, l.Rows[2])
		require.Equal(t, "none sendonly", l.Rows[16].SDP.Media[0].Class+" "+l.Rows[16].SDP.Media[0].Direction)
		all, err := json.Marshal(l)
		require.NoError(t, err)
		require.Empty(t, survivors(string(all)))
	}
}

func TestText(t *testing.T) {
	l, err := newScene(DefaultConfig()).play().r.Ladder("c_1", Options{})
	require.NoError(t, err)
	want, err := os.ReadFile("testdata/ladder.txt")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, l.Text(&b))
	require.Equal(t, string(want), b.String())
	for line := range bytes.Lines(b.Bytes()) {
		require.LessOrEqual(t, utf8.RuneCount(bytes.TrimRight(line, "\n")), textWidth, "%s", line)
	}
}

func TestDialogOfNoContact(t *testing.T) {
	s := newScene(DefaultConfig())
	reg := far{callID: "reg-1", addr: "192.168.1.20:5066", network: "udp", from: "<sip:paola@filo.example>", to: "<sip:paola@filo.example>"}
	s.at(0).hear(true, reg, reg.message("REGISTER sip:filo.example SIP/2.0", "1 REGISTER", "", "", ""))
	s.at(1).hear(false, reg, reg.message("SIP/2.0 200 OK", "1 REGISTER", "", "", ""))
	s.at(2).hear(true, far{callID: "junk", addr: "192.168.1.20:5066", network: "udp"}, "HELLO THERE\r\nCall-ID: reg-2\r\n\r\n")
	l, err := s.r.Ladder("reg-1", Options{})
	require.NoError(t, err)
	require.Equal(t, "reg-1", l.ID)
	require.Empty(t, l.Contact)
	require.Equal(t, "REGISTER", l.Rows[0].Text)
	require.Equal(t, []int{0, 1, 1, 0}, []int{l.Rows[0].From, l.Rows[0].To, l.Rows[1].From, l.Rows[1].To})
	l, err = s.r.Ladder("reg-2", Options{Data: true})
	require.NoError(t, err)
	require.Equal(t, Broken, l.Rows[0].Kind)
	require.Empty(t, l.Rows[0].Data)

	for _, id := range []string{"", "c_9", "reg-3"} {
		_, err = s.r.Ladder(id, Options{})
		require.ErrorIs(t, err, ErrUnknown, id)
	}
	off := DefaultConfig()
	off.Bytes = 0
	_, err = New(off).Ladder("c_1", Options{})
	require.ErrorIs(t, err, ErrUnknown)
}

// TestOverwritten: what the ring has lost is said, and only where it is missed.
func TestOverwritten(t *testing.T) {
	s := newScene(small()).play()
	filler := far{callID: "other", addr: "203.0.113.9:5070", network: "udp", from: "<sip:a@b>", to: "<sip:c@d>"}
	flood := func() {
		for range minBytes / 1400 {
			s.hear(true, filler, fmt.Sprintf("%s%01000d", filler.message("INVITE sip:c@d SIP/2.0", "1 INVITE", "", "", ""), 0))
		}
	}
	l, err := s.r.Ladder("c_1", Options{})
	require.NoError(t, err)
	require.False(t, l.Overwritten)
	flood()
	s.at(60_000).hear(true, trunkLeg, trunkLeg.message("SIP/2.0 200 OK", "2 BYE", "f1", "", ""))
	flood()
	l, err = s.r.Ladder("c_1", Options{})
	require.NoError(t, err)
	require.True(t, l.Overwritten)
	require.True(t, l.Legs[0].Overwritten && l.Legs[1].Overwritten)
	require.Equal(t, []int{1, 0}, []int{l.Legs[0].Messages, l.Legs[1].Messages})
	var b bytes.Buffer
	require.NoError(t, l.Text(&b))
	require.Contains(t, b.String(), "The beginning was overwritten")
	flood()
	flood()
	l, err = s.r.Ladder("c_1", Options{})
	require.NoError(t, err, "the contact is remembered longer than its messages")
	require.Empty(t, l.Rows)
	require.True(t, l.Overwritten)
	require.NoError(t, l.Text(&b))
	require.NoError(t, l.PCAP(&b))

	s.at(90_000).hear(true, phoneLeg, phoneLeg.message("INVITE sip:a@b SIP/2.0", "1 INVITE", "", "", ""))
	s.r.Leg("c_2", phoneLeg.callID, "caller")
	l, err = s.r.Ladder("c_2", Options{})
	require.NoError(t, err)
	require.False(t, l.Overwritten, "the ring has lost much, but nothing of this")
}

// TestLine: the dialog of a browser's line serves one contact after the other.
func TestLine(t *testing.T) {
	s := newScene(DefaultConfig())
	line := far{callID: "line-paola", addr: "198.51.100.4:51234", network: "wss", from: "<sip:paola@filo.example>", to: "<sip:line@filo.example>"}
	caller := func(n int) far {
		return far{callID: fmt.Sprint("caller-", n), addr: "203.0.113.9:5070", network: "udp", from: "<sip:" + callerNumber + "@b>", to: "<sip:100@d>"}
	}
	s.at(0).hear(true, line, line.message("INVITE sip:line@filo.example SIP/2.0", "1 INVITE", "", "", ""))
	for n := range 2 {
		c := caller(n)
		s.at(10_000*n+1000).hear(true, c, c.message("INVITE sip:100@d SIP/2.0", "1 INVITE", "", "", ""))
		s.r.Leg(fmt.Sprint("c_", n), c.callID, "caller telco")
		s.at(10_000*n+2000).r.Leg(fmt.Sprint("c_", n), line.callID, "browser paola")
		s.at(10_000*n+3000).hear(true, line, line.message("INFO sip:line@filo.example SIP/2.0", fmt.Sprint(n+2, " INFO"), "x", "", ""))
	}
	for n := range 2 {
		l, err := s.r.Ladder(fmt.Sprint("c_", n), Options{})
		require.NoError(t, err)
		require.Len(t, l.Rows, 2)
		require.Equal(t, uint32(n+2), l.Rows[1].CSeq)
		require.Equal(t, n+1, l.Legs[1].Before)
		require.Equal(t, Party{Role: "browser", Name: "paola", User: "paola", Address: line.addr, Network: "wss"}, l.Parties[2])
		require.False(t, l.Overwritten)
	}
}

// TestClear: an operator may see numbers.
func TestClear(t *testing.T) {
	l, err := newScene(DefaultConfig()).play().r.Ladder("c_1", Options{Clear: true, Data: true})
	require.NoError(t, err)
	require.True(t, l.Clear)
	require.Contains(t, l.Rows[0].Data, callerName)
	require.Equal(t, callerNumber, l.Parties[0].User)
	var b bytes.Buffer
	require.NoError(t, l.Text(&b))
	require.Contains(t, b.String(), "IN CLEAR")
}

// TestFlood: who floods one Call-ID makes no ladder that nobody can draw, and
// no terminal obeys what a message says.
func TestFlood(t *testing.T) {
	s := newScene(DefaultConfig()).play()
	for i := range 5000 {
		s.at(13_000+i).hear(true, trunkLeg, trunkLeg.message("SIP/2.0 299 \x1b[2J"+fmt.Sprint(i), "9 INFO", "f1", "", ""))
	}
	l, err := s.r.Ladder("c_1", Options{Clear: true})
	require.NoError(t, err)
	require.Len(t, l.Rows, firstRows+lastRows)
	require.Equal(t, 5023-firstRows-lastRows, l.Omitted)
	var b bytes.Buffer
	require.NoError(t, l.Text(&b))
	require.NotContains(t, b.String(), "\x1b")
	require.Contains(t, b.String(), "2023 rows in the middle are left out.")
}

func BenchmarkLadder(b *testing.B) {
	s := newScene(DefaultConfig())
	other := trunkLeg
	other.callID = "another"
	text := other.message("INVITE sip:a@b SIP/2.0", "1 INVITE", "", "", sdpText("203.0.113.40", "sendrecv"))
	for range 2 * DefaultConfig().Bytes / len(text) {
		s.hear(true, other, text)
	}
	s.play()
	for b.Loop() {
		_, err := s.r.Ladder("c_1", Options{Data: true})
		require.NoError(b, err)
	}
}

func TestNotesHoldNoNumber(t *testing.T) {
	s := newScene(DefaultConfig()).play()
	s.at(13_000).r.NoteAt(began, "c_1", "", "first of all")
	s.r.Note("c_1", "", "dialled "+callerNumber+" for "+callerName)
	l, err := s.r.Ladder("c_1", Options{})
	require.NoError(t, err)
	require.Empty(t, survivors(l.Rows[len(l.Rows)-1].Text))
	require.Equal(t, "first of all", l.Rows[1].Text, "in its place")
}
