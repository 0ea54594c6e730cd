package media

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func collect(t *testing.T, e Endpoint, n int) string {
	t.Helper()
	var keys []rune
	for len(keys) < n {
		select {
		case d := <-e.Digits():
			keys = append(keys, d.Key)
		case <-time.After(eventually):
			t.Fatalf("only %q", string(keys))
		}
	}
	select {
	case d := <-e.Digits():
		t.Fatalf("one key too many: %c", d.Key)
	default:
	}
	return string(keys)
}

func TestDigitsBothWays(t *testing.T) {
	for _, kind := range []Kind{RTP, WebRTC} {
		t.Run(kind.String(), func(t *testing.T) {
			robots, server := newEngine(t), newEngine(t)
			r, s := dial(t, robots, server, kind, Options{}, Options{})
			if kind == WebRTC {
				require.Equal(t, Connected, (<-r.Events()).Kind)
				require.Equal(t, Connected, (<-s.Events()).Kind)
			}
			talk(t, r, 440) // keys interrupt speech
			require.NoError(t, r.SendDigits(t.Context(), "155#"))
			require.Equal(t, "155#", collect(t, s, 4))
			require.NoError(t, s.SendDigits(t.Context(), "*0d"))
			require.Equal(t, "*0D", collect(t, r, 3))
		})
	}
}

func TestDigitsCrossARoom(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	phone := newPeer(t, "127.0.0.1") // its telephone-event is 101, the browser's 126
	leg := phone.answered(server, Options{})
	browser, browserLeg := dial(t, robots, server, WebRTC, Options{}, Options{})
	require.Equal(t, Connected, (<-browser.Events()).Kind)
	require.Equal(t, Connected, (<-browserLeg.Events()).Kind)
	room := server.NewRoom()
	defer room.Join(leg, Role{})()
	defer room.Join(browserLeg, Role{})()
	require.NoError(t, browser.SendDigits(t.Context(), "42"))
	require.Equal(t, "42", collect(t, browserLeg, 2))
	got := phone.waitFor(2 * (digitTicks + endPackets))
	requireContinuous(t, got)
	var ends int
	for _, c := range got {
		require.EqualValues(t, 101, c.h.pt)
		if c.payload[1]&0x80 != 0 {
			ends++
			require.EqualValues(t, digitTicks*frameSamples, binary.BigEndian.Uint16(c.payload[2:]))
		}
	}
	require.Equal(t, 2*endPackets, ends)
}

func TestSendDigitsRefuses(t *testing.T) {
	server := newEngine(t)
	p := newPeer(t, "127.0.0.1")
	leg := p.answered(server, Options{})
	require.ErrorIs(t, leg.SendDigits(t.Context(), "1x"), ErrBadDigit)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, leg.SendDigits(ctx, "1"), context.Canceled)
	plain, _, err := server.Answer(t.Context(), []byte("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"), Options{})
	require.NoError(t, err)
	require.ErrorIs(t, plain.SendDigits(t.Context(), "1"), ErrNoDTMF)
}

// event builds one telephone-event payload.
func event(key byte, end bool, duration uint16) []byte {
	b := []byte{key, 10, 0, 0}
	if end {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], duration)
	return b
}

func TestDigitReader(t *testing.T) {
	type packet struct {
		ts      uint32
		payload []byte
		marker  bool
	}
	cases := map[string]struct {
		packets []packet
		want    string
	}{
		"start, updates, three ends": {[]packet{
			{1000, event(5, false, 160), true},
			{1000, event(5, false, 320), false},
			{1000, event(5, true, 480), false},
			{1000, event(5, true, 480), false},
			{1000, event(5, true, 480), false},
		}, "5"},
		"only an end arrives":      {[]packet{{1000, event(11, true, 480), false}}, "#"},
		"same key twice":           {[]packet{{1000, event(1, true, 480), true}, {3000, event(1, true, 480), true}}, "11"},
		"late end of the last key": {[]packet{{1000, event(1, false, 160), true}, {3000, event(2, false, 160), true}, {1000, event(1, true, 480), false}}, "12"},
		"time wraps":               {[]packet{{0xFFFFFF00, event(1, true, 480), true}, {0x100, event(2, true, 480), true}}, "12"},
		"a new clock":              {[]packet{{500000, event(1, true, 480), true}, {1000, event(2, true, 480), true}}, "12"},
		"long press in segments": {[]packet{
			{1000, event(3, false, 0xFFFF), true},
			{1000 + 0xFFFF, event(3, false, 160), false},
			{1000 + 0xFFFF, event(3, true, 320), false},
		}, "3"},
		"flash and unknown events": {[]packet{{1000, event(16, true, 480), true}, {2000, event(200, true, 480), true}}, ""},
		"short":                    {[]packet{{1000, []byte{5, 10, 0}, true}}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var d digitReader
			got := ""
			for _, p := range c.packets {
				if k, ok := d.read(&rtpHeader{ssrc: 7, ts: p.ts, marker: p.marker}, p.payload); ok {
					got += string(k)
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func FuzzDigitReader(f *testing.F) {
	f.Add(uint32(1), uint32(1000), true, event(5, false, 160))
	f.Add(uint32(1), uint32(1000), false, event(5, true, 480))
	f.Add(uint32(2), uint32(0), false, []byte{})
	f.Fuzz(func(t *testing.T, ssrc, ts uint32, marker bool, payload []byte) {
		d := digitReader{ssrc: 1, ts: 900, any: true, open: true, key: 5}
		h := &rtpHeader{ssrc: ssrc, ts: ts, marker: marker}
		if _, ok := d.read(h, payload); !ok {
			return
		}
		if _, again := d.read(h, payload); again {
			t.Fatal("one event was reported twice")
		}
	})
}

func FuzzParseRTP(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xFF})
	f.Add([]byte{0xB1, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 2, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, ok := parseRTP(b)
		if !ok {
			return
		}
		if len(payload) > len(b)-rtpHeaderLen || h.pt > 127 {
			t.Fatalf("payload of %d from %d bytes", len(payload), len(b))
		}
	})
}
