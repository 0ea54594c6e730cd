package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
)

// baresip is one running baresip: its microphone plays a file with a tone,
// what it hears is written to a file, and we press its buttons over TCP.
type baresip struct {
	t    *testing.T
	dir  string
	conn net.Conn
	out  logBuffer

	mu     sync.Mutex
	events []string
}

const baresipModules = "/usr/lib/baresip/modules"

// startBaresip runs a phone with the given account line; see baresip's
// manual. It says hz.
func startBaresip(t *testing.T, account string, hz float64) *baresip {
	t.Helper()
	needs(t, "baresip", "baresip-core")
	for _, m := range []string{"g711", "aufile", "aubridge", "sndfile", "account", "menu", "ctrl_tcp"} {
		_, err := os.Stat(filepath.Join(baresipModules, m+".so"))
		require.NoError(t, err, "a module of baresip is missing; install it:\n\tapt-get update && apt-get install -y --no-install-recommends baresip-core")
	}
	b := &baresip{t: t, dir: t.TempDir()}
	control := "127.0.0.1:" + freePort(t)
	write := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(b.dir, name), content, 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, "heard"), 0o700))
	write("say.wav", toneWAV(hz, 20*time.Second))
	write("accounts", []byte(account+"\n"))
	write("contacts", nil)
	write("config", []byte(strings.NewReplacer("DIR", b.dir, "CONTROL", control, "MODULES", baresipModules).Replace(`
poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_source aufile,DIR/say.wav
audio_player aubridge,nobody
audio_alert aubridge,nobody
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path MODULES
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path DIR/heard
module_app account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen CONTROL
`)))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, "baresip", "-4", "-v", "-f", b.dir)
	cmd.Stdout, cmd.Stderr = &b.out, &b.out
	require.NoError(t, cmd.Start())
	var wg sync.WaitGroup
	wg.Go(func() { _ = cmd.Wait() })
	t.Cleanup(func() {
		cancel()
		if b.conn != nil {
			_ = b.conn.Close()
		}
		wg.Wait()
		if t.Failed() {
			t.Logf("baresip: %s\nevents: %s", &b.out, strings.Join(b.seen(), "\n"))
		}
	})
	eventually(t, "baresip listens", func() bool {
		c, err := net.Dial("tcp", control)
		if err == nil {
			b.conn = c
		}
		return err == nil
	})
	wg.Go(b.read)
	return b
}

// press runs one of baresip's commands.
func (b *baresip) press(command, params string) {
	b.t.Helper()
	msg, err := json.Marshal(map[string]string{"command": command, "params": params, "token": command})
	require.NoError(b.t, err)
	_, err = fmt.Fprintf(b.conn, "%d:%s,", len(msg), msg)
	require.NoError(b.t, err)
}

// read collects the events, which come as netstrings.
func (b *baresip) read() {
	for {
		var n int
		if _, err := fmt.Fscanf(b.conn, "%d:", &n); err != nil || n <= 0 || n > 1<<20 {
			return
		}
		msg := make([]byte, n+1) // and the comma
		if _, err := io.ReadFull(b.conn, msg); err != nil {
			return
		}
		b.mu.Lock()
		b.events = append(b.events, string(msg[:n]))
		b.mu.Unlock()
	}
}

func (b *baresip) seen() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.events...)
}

// event waits until baresip has told so many events of a type.
func (b *baresip) event(kind string, times int) {
	b.t.Helper()
	eventually(b.t, "baresip tells "+kind, func() bool {
		n := 0
		for _, e := range b.seen() {
			if strings.Contains(e, strconv.Quote(kind)) {
				n++
			}
		}
		return n >= times
	})
}

// heard asserts that the call that just ended had hz in what baresip heard:
// at least five frames in which it is nearly all there is.
func (b *baresip) heard(hz float64) {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "heard", "*dec.wav"))
	require.NoError(b.t, err)
	frames := 0
	for _, f := range files {
		wav, err := os.ReadFile(f)
		require.NoError(b.t, err)
		frames += toneFrames(wav, hz)
		require.NoError(b.t, os.Remove(f)) // the next call has a file of its own
	}
	require.GreaterOrEqual(b.t, frames, 5, "frames of 20 ms with %v Hz in what baresip heard: %v", hz, files)
}

// toneFrames counts the 20 ms frames of a WAV file (16 bit, 8 kHz, mono) whose
// energy is at hz, by Goertzel's algorithm.
func toneFrames(wav []byte, hz float64) (n int) {
	const header, frame = 44, 160
	if len(wav) < header {
		return 0
	}
	pcm := make([]int16, (len(wav)-header)/2)
	_ = binary.Read(bytes.NewReader(wav[header:]), binary.LittleEndian, pcm)
	for ; len(pcm) >= frame; pcm = pcm[frame:] {
		w := 2 * math.Cos(2*math.Pi*hz/8000)
		var s1, s2, all float64
		for _, v := range pcm[:frame] {
			x := float64(v)
			all += x * x
			s1, s2 = x+w*s1-s2, s1
		}
		if tone := (s1*s1 + s2*s2 - w*s1*s2) * 2 / frame; all > 200*200*frame && tone > .8*all {
			n++
		}
	}
	return n
}

// toneWAV is a sound file that baresip can read: 16 bit, 8 kHz, mono.
func toneWAV(hz float64, d time.Duration) []byte {
	n := int(d.Seconds() * 8000)
	var b bytes.Buffer
	b.WriteString("RIFF")
	for _, v := range []any{
		uint32(36 + 2*n), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(8000), uint32(16000), uint16(2), uint16(16), []byte("data"), uint32(2 * n),
	} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	for i := range n {
		_ = binary.Write(&b, binary.LittleEndian, int16(8000*math.Sin(2*math.Pi*hz*float64(i)/8000)))
	}
	return b.Bytes()
}

// baresip as the caller: both hear each other; first the caller hangs up,
// then the agent.
func TestRowCaller_Baresip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	phone := startBaresip(t, "<sip:"+giulia.Phone+"@127.0.0.1>;regint=0;audio_codecs=PCMU/8000/1", callerHz)
	giulia.checkout(t, n.visitor("baresip", ""))
	paola := n.ready("paola")
	for i, hangup := range []func(o offer){
		func(offer) { phone.press("hangup", "") },
		func(o offer) { require.NoError(t, paola.Command(within(t), o.Contact, "hangup", "")) },
	} {
		phone.press("dial", "sip:100@"+n.SIP)
		o := paola.offer("voice")
		require.True(t, isPeer(o, giulia))
		phone.event("CALL_ESTABLISHED", i+1)
		paola.Line.Meter.Forget(callerHz)
		quiet := paola.accept(o)
		hears(t, "agent", paola.Line.Meter, callerHz)
		begun := paola.Line.Stats().PacketsOut
		eventually(t, "the agent talks for a while", func() bool { return paola.Line.Stats().PacketsOut > begun+25 })
		hangup(o)
		phone.event("CALL_CLOSED", i+1)
		quiet()
		phone.heard(agentHz)
		paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
		require.NoError(t, paola.WrapUp(within(t), o.Contact, "answered", ""))
		paola.state("ready")
	}
	n.quiet()
}

// baresip as an agent's phone: it registers with digest and answers by itself.
func TestRowSIPPhone_Baresip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(5 * time.Second)
	elena := n.signIn("elena")
	phone := startBaresip(t, fmt.Sprintf(`<sip:luca@filo.local>;auth_user=luca;auth_pass=%s;outbound="sip:%s";regint=300;answermode=auto;audio_codecs=PCMU/8000/1`,
		sipPassword, n.SIP), agentHz)
	eventually(t, "baresip is registered, beside the line of elena", func() bool { return n.metric("filo_sip_registered_bindings") == 2 })
	c := n.known(giulia)
	hears(t, "caller", c.Meter, agentHz)
	begun := c.Stats().PacketsOut
	eventually(t, "the caller talks for a while", func() bool { return c.Stats().PacketsOut > begun+25 })
	require.NoError(t, c.Hangup(within(t)))
	phone.event("CALL_CLOSED", 1)
	phone.heard(callerHz)
	elena.awaitFloor("luca is free again", func(f floor) bool { s, _ := f.agent("luca"); return s == string(contact.Ready) })
	n.quiet()
}

// baresip as the caller puts the call on hold and takes it back. What baresip
// 1.0 hears after that is in no file of it; TestRowTrunk_HeldByTheCaller hears
// both sides.
func TestRowCaller_BaresipHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	phone := startBaresip(t, "<sip:"+giulia.Phone+"@127.0.0.1>;regint=0;audio_codecs=PCMU/8000/1", callerHz)
	giulia.checkout(t, n.visitor("baresip-holds", ""))
	paola := n.ready("paola")
	phone.press("dial", "sip:100@"+n.SIP)
	o := paola.offer("voice")
	paola.accept(o)
	hears(t, "agent", paola.Line.Meter, callerHz)

	phone.press("hold", "")
	silent(t, paola.Line)
	phone.press("resume", "")
	paola.Line.Meter.Forget(callerHz)
	hears(t, "agent", paola.Line.Meter, callerHz)

	phone.press("hangup", "")
	phone.event("CALL_CLOSED", 1)
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// silent waits until nothing audible has come over a line for a while.
func silent(t *testing.T, l *robot.Line) {
	t.Helper()
	eventually(t, "silence", func() bool { return l.Meter.RMS() < 50 || time.Since(l.Stats().LastRTPIn) > 300*time.Millisecond })
}

// The same by an agent's phone.
func TestRowSIPPhone_BaresipHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.phones(5 * time.Second)
	phone := startBaresip(t, fmt.Sprintf(`<sip:luca@filo.local>;auth_user=luca;auth_pass=%s;outbound="sip:%s";regint=300;answermode=auto;audio_codecs=PCMU/8000/1`,
		sipPassword, n.SIP), agentHz)
	eventually(t, "baresip is registered", func() bool { return n.metric("filo_sip_registered_bindings") == 1 })
	c := n.known(giulia)
	hears(t, "caller", c.Meter, agentHz)

	phone.press("hold", "")
	eventually(t, "the agent is not heard", func() bool {
		return c.Meter.RMS() < 50 || time.Since(c.Stats().LastRTPIn) > 300*time.Millisecond || c.Meter.Level(agentHz) < .2
	})
	phone.press("resume", "")
	c.Meter.Forget(agentHz)
	hears(t, "caller", c.Meter, agentHz)

	require.NoError(t, c.Hangup(within(t)))
	phone.event("CALL_CLOSED", 1)
	n.quiet()
}
