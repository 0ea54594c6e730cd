package media

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// sing sends a tone every 20 ms in a payload type of G.711, until stopped.
func (p *peer) sing(pt uint8, hz float64) (stop func()) {
	c := PCMU
	if pt == PCMA.staticPT() {
		c = PCMA
	}
	sound := Tone(hz, time.Second).sound
	frame := 0
	return p.every(func() {
		p.send(pt, sound.frame(c, frame%sound.frames()))
		frame++
	})
}

// level is the share of a tone in the last 200 ms that the peer received.
func (p *peer) level(c Codec, hz float64) float64 {
	got := p.received()
	var tone, all float64
	for _, g := range got[max(0, len(got)-meterFrames):] {
		t, e := goertzel(c.decode(nil, g.payload), hz)
		tone, all = tone+t, all+e
	}
	if all < toneRMS*toneRMS*frameSamples {
		return 0
	}
	return tone / all
}

// member of a call with supervisor and colleague, each with a tone of its own.
type voice struct {
	leg   Endpoint
	hz    float64
	level func(hz float64) float64
}

const musicHz = 620

// TestWhoHearsWhom walks one call through all that a desk can do with it. The
// caller is a phone with mu-law, the agent a browser, the boss and the
// colleague are phones with A-law.
func TestWhoHearsWhom(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	alaw := Options{Codecs: []Codec{PCMA}}
	phone := func(pt uint8, hz float64, o Options) (*peer, voice) {
		p := newPeer(t, "127.0.0.1")
		leg := p.answered(server, o)
		p.sing(pt, hz)
		return p, voice{leg, hz, func(f float64) float64 { return p.level(leg.Stats().Codec, f) }}
	}
	callerPhone, caller := phone(0, 400, Options{})
	bossPhone, boss := phone(8, 1500, alaw)
	colleaguePhone, colleague := phone(8, 2300, alaw)
	browser, line := dial(t, robots, server, WebRTC, Options{}, Options{IdleLine: true})
	require.Equal(t, Connected, nextEvent(t, browser).Kind)
	talk(t, browser, 1000)
	agent := voice{line, 1000, robots.Meter(browser).Level}
	all := map[string]voice{"caller": caller, "agent": agent, "boss": boss, "colleague": colleague}

	room := server.NewRoom()
	to := func(vs ...voice) Role {
		r := Role{SpeaksTo: []Endpoint{}}
		for _, v := range vs {
			r.SpeaksTo = append(r.SpeaksTo, v.leg)
		}
		return r
	}
	type roles map[*voice]Role
	var music func()
	stages := []struct {
		name  string
		roles roles // changes
		do    func()
		hears map[string][]string // who hears nobody stands not here
	}{
		{
			"talk",
			roles{&caller: {}, &agent: {}},
			nil,
			map[string][]string{"caller": {"agent"}, "agent": {"caller"}},
		},
		{
			"listen",
			roles{&boss: to()},
			nil,
			map[string][]string{"caller": {"agent"}, "agent": {"caller"}, "boss": {"caller", "agent"}},
		},
		{
			"whisper",
			roles{&boss: to(agent)},
			nil,
			map[string][]string{"caller": {"agent"}, "agent": {"caller", "boss"}, "boss": {"caller", "agent"}},
		},
		{
			"barge",
			roles{&boss: {}},
			nil,
			map[string][]string{"caller": {"agent", "boss"}, "agent": {"caller", "boss"}, "boss": {"caller", "agent"}},
		},
		{
			"agent muted", nil, func() { line.Mute(true) },
			map[string][]string{"caller": {"boss"}, "agent": {"caller", "boss"}, "boss": {"caller"}},
		},
		{
			"boss listens again",
			roles{&boss: to()},
			func() { line.Mute(false) },
			map[string][]string{"caller": {"agent"}, "agent": {"caller"}, "boss": {"caller", "agent"}},
		},
		{
			"consult",
			roles{&caller: to(), &agent: to(colleague, boss), &colleague: to(agent, boss)},
			func() { music = talk(t, caller.leg, musicHz) },
			map[string][]string{"caller": {"music"}, "agent": {"colleague"}, "colleague": {"agent"}, "boss": {"agent", "colleague"}},
		},
		{
			"swap",
			roles{&caller: to(agent), &agent: to(caller), &colleague: to()},
			func() { music(); music = talk(t, colleague.leg, musicHz) },
			map[string][]string{"caller": {"agent"}, "agent": {"caller"}, "colleague": {"music"}},
		},
		{
			"conference",
			roles{&caller: {}, &agent: {}, &colleague: {}},
			func() { music() },
			map[string][]string{
				"caller": {"agent", "colleague"}, "agent": {"caller", "colleague"}, "colleague": {"caller", "agent"},
				"boss": {"caller", "agent", "colleague"},
			},
		},
	}
	for _, s := range stages {
		for v, role := range s.roles {
			room.Join(v.leg, role)
		}
		if s.do != nil {
			s.do()
		}
		expectHearing(t, s.name, all, s.hears)
	}
	room.drop(line.(*webrtcEndpoint).member) // the agent leaves: attended transfer
	expectHearing(t, "complete", all, map[string][]string{
		"caller": {"colleague"}, "colleague": {"caller"}, "boss": {"caller", "colleague"},
	})
	for _, p := range []*peer{callerPhone, bossPhone, colleaguePhone} {
		requireContinuous(t, p.received())
	}
	require.Zero(t, browser.Stats().Lost, "no gap at the browser")
}

// expectHearing waits until everybody hears exactly who is said.
func expectHearing(t *testing.T, stage string, all map[string]voice, want map[string][]string) {
	t.Helper()
	who := map[string]float64{"music": musicHz}
	for name, v := range all {
		who[name] = v.hz
	}
	var got map[string][]string
	now := func() map[string][]string {
		got = map[string][]string{}
		for name, v := range all {
			for source, hz := range who {
				if source != name && v.level(hz) > 0.1 {
					got[name] = append(got[name], source)
				}
			}
			slices.Sort(got[name])
		}
		return got
	}
	for name := range want {
		slices.Sort(want[name])
	}
	for began := time.Now(); !equalHearing(now(), want); {
		require.Less(t, time.Since(began), eventually, "%s: got %v, want %v", stage, got, want)
		<-time.After(10 * time.Millisecond)
	}
}

// equalHearing ignores who hears silence and what an endpoint that is in no
// room heard last.
func equalHearing(got, want map[string][]string) bool {
	for name, w := range want {
		if !slices.Equal(got[name], w) {
			return false
		}
	}
	return true
}

// Whatever the caller hears one after the other, there is no click in it and no
// hole: the slope of two low tones has a bound that a jump would exceed.
func TestChangesDoNotClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, "")
		caller, agent, boss := newDryLeg(en, PCMU), newDryLeg(en, PCMA), newDryLeg(en, PCMU)
		room := en.NewRoom()
		tones := map[*dryLeg]float64{caller: 150, agent: 210, boss: 270}
		listens, barges := Role{SpeaksTo: []Endpoint{}}, Role{}
		time.Sleep(7 * time.Millisecond) // out of step with the pacing
		hear := func() { speech(310*time.Millisecond, tones) }

		music := &player{t: &caller.e.tx, sound: Tone(330, time.Second).sound, loop: true}
		play := func(on bool) {
			caller.e.tx.mu.Lock()
			defer caller.e.tx.mu.Unlock()
			caller.e.tx.playing = nil
			if on {
				music.over.Store(false)
				caller.e.tx.playing = music
				en.playout.add(music)
				return
			}
			music.over.Store(true)
		}
		room.Join(caller, Role{})
		room.Join(agent, Role{})
		hear() // passthrough
		room.Join(boss, listens)
		hear()
		room.Join(boss, barges)
		hear() // mix
		room.Join(boss, Role{SpeaksTo: []Endpoint{agent}})
		hear() // passthrough
		play(true)
		hear() // prompt
		play(false)
		hear() // passthrough
		room.Join(boss, barges)
		hear() // mix
		play(true)
		hear() // music in a conference
		play(false)
		hear() // mix
		leave := room.Join(agent, listens)
		hear() // passthrough of the boss
		leave()
		room.Join(boss, listens)
		play(true)
		hear() // alone with music
		play(false)
		room.Join(boss, barges)
		hear()

		requireSmooth(t, caller.received(), PCMU, 270+210)
		requireSmooth(t, agent.received(), PCMA, 150+270)
		requireSmooth(t, boss.received(), PCMU, 150+210)
	})
}

// requireSmooth checks numbers, timestamps and slope of what a far side got; hz
// is the sum of the tones that it can hear at once.
func requireSmooth(t *testing.T, r recorder, c Codec, hz float64) {
	t.Helper()
	const amplitude = 8000
	slope := amplitude*2*math.Pi*hz/sampleRate + 2*amplitude/fadeSamples*2 + 1024 // a fade, and two steps of the code
	var before int16
	for i, h := range r.got {
		if i > 0 {
			prev := r.got[i-1]
			require.Equal(t, prev.ssrc, h.ssrc)
			require.Equal(t, prev.seq+1, h.seq, "packet %d", i)
			gap := h.ts - prev.ts
			require.GreaterOrEqual(t, gap, uint32(frameSamples), "packet %d", i)
			if gap > frameSamples {
				require.True(t, h.marker, "packet %d: silence ends with a marker", i)
				before = 0
			}
		}
		for k, s := range c.decode(nil, r.payload[i]) {
			require.Less(t, math.Abs(float64(s)-float64(before)), slope, "packet %d, sample %d", i, k)
			before = s
		}
	}
}

// Five voices at full scale are clipped, not wrapped round.
func TestMixSaturates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, "")
		room := en.NewRoom()
		listener := newDryLeg(en, PCMU)
		room.Join(listener, Role{})
		loud := make([]byte, frameSamples) // 0x00 is -32124, 0x80 is 32124
		for i := range loud {
			loud[i] = byte(i/40%2) << 7
		}
		var legs []*dryLeg
		for range 5 {
			l := newDryLeg(en, PCMU)
			room.Join(l, Role{})
			legs = append(legs, l)
		}
		for range 20 {
			for _, l := range legs {
				h, _ := l.packet(0)
				l.e.deliver(&h, loud, time.Now())
			}
			time.Sleep(framePeriod)
		}
		heard := listener.received()
		last := PCMU.decode(nil, heard.payload[len(heard.payload)-1])
		for i, s := range last {
			require.Equal(t, ulawToPCM[loud[i]], s, "sample %d", i)
		}
	})
}
