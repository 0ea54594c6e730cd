package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/internal/config"
)

// scan runs programs of SIPVicious side by side, each for at most
// scanFor, and returns what they say. Their requests come from 127.0.0.1.
func (n *node) scan(attacks [][]string) (said []string) {
	n.t.Helper()
	needs(n.t, "svmap", "sipvicious")
	ctx, cancel := context.WithTimeout(n.t.Context(), scanFor)
	defer cancel()
	host, port, _ := strings.Cut(n.SIP, ":")
	said = make([]string, len(attacks))
	var wg sync.WaitGroup
	for i, a := range attacks {
		wg.Go(func() {
			cmd := exec.CommandContext(ctx, a[0], append(a[1:], "-p", port, host)...)
			cmd.Dir, cmd.WaitDelay = n.t.TempDir(), time.Second
			cmd.Env = append(cmd.Environ(), "HOME="+cmd.Dir) // they keep their sessions there
			out, err := cmd.CombinedOutput()
			said[i] = string(out) + fmt.Sprint(err)
		})
	}
	wg.Wait()
	return said
}

// scanFor is enough for svmap and svwar; svcrack would go on.
const scanFor = 10 * time.Second

// friendHost is where the trunk and the phones are while 127.0.0.1 is a stranger.
const friendHost = "127.0.0.5"

// Scanners find nobody, and a call in progress notices nothing.
func TestRowScanner_SIPVicious(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(with(func(c *config.Config) { c.SIP.Trunks[0].Allow = []string{friendHost} }))
	paola := n.ready("paola")
	friends, err := robot.NewKit(t.Context(), robot.Config{Bind: friendHost})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, friends.Close()) })
	giulia.checkout(t, n.visitor("scanned", ""))
	c, err := friends.Call(within(t), robot.Dial{Server: n.SIP, From: giulia.Phone, To: "100", Say: robot.Tone(callerHz)})
	require.NoError(t, err)
	o := paola.offer("voice")
	paola.accept(o)
	bothTalk(t, c.Meter, paola)

	w.write("extensions.txt", "luca\npiero\n100\nnobody\npaola\nline\nadmin\n")
	// Which few of the guesses are looked at is chance, so the right one is far
	// beyond what can be tried in the time.
	w.write("passwords.txt", strings.Repeat("wrong\n", 20_000)+sipPassword+"\n")
	before := n.metric("filo_sip_rejected_total", "reason", "auth")
	attacks := [][]string{{"svmap"}, {"svcrack", "-u", "luca", "-d", w.path("passwords.txt")}}
	for _, method := range []string{"REGISTER", "OPTIONS", "INVITE"} {
		attacks = append(attacks, []string{"svwar", "-d", w.path("extensions.txt"), "-m", method, "--force", "--maximumtime", "2"})
	}
	said := n.scan(attacks)
	require.Contains(t, said[0], "found nothing")
	require.Positive(t, n.metric("filo_sip_rejected_total", "reason", "stranger"), "svmap has asked")
	require.NotContains(t, said[1], sipPassword, "svcrack has found the password")
	tried := n.metric("filo_sip_rejected_total", "reason", "auth") - before
	require.Less(t, tried, 40.0, "passwords that were looked at, and challenges")
	for i, out := range said[2:] {
		require.Contains(t, out, "found nothing", attacks[2+i])
	}
	phone, err := friends.Phone(within(t), robot.PhoneConfig{Server: n.SIP, User: "luca", Password: sipPassword})
	require.NoError(t, err, "the user is not locked out elsewhere")
	require.NoError(t, phone.Unregister(within(t)))

	c.Meter.Forget(agentHz)
	paola.Line.Meter.Forget(callerHz)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}
