package sipload

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	line := func(name string) []byte {
		return []byte("4711 (" + name + ") S 1 4700 4700 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 9 0 100 0 0")
	}
	for _, name := range []string{"filo", "a) b (c", "", "with space"} {
		group, ticks := parseStat(line(name))
		require.Equal(t, 4700, group, name)
		require.EqualValues(t, 175, ticks, name)
	}
	group, ticks := parseStat([]byte("nonsense"))
	require.Zero(t, group)
	require.Zero(t, ticks)
}

func TestParsePackets(t *testing.T) {
	list := `Chain INPUT (policy ACCEPT 30 packets, 9 bytes)
    pkts      bytes target     prot opt in     out     source               destination
     318   101010            udp  --  *      *       0.0.0.0/0            0.0.0.0/0            udp dpt:27311
      16     5050 DROP       udp  --  *      *       0.0.0.0/0            0.0.0.0/0            udp dpt:27311 statistic mode random probability 0.05
`
	p := parsePackets(list)
	require.Equal(t, Packets{Seen: 318, Lost: 16}, p)
	require.InDelta(t, .0503, p.share(), .0001)
	require.Zero(t, parsePackets("").share())
}

// writeSIPp writes what SIPp writes: every second a line.
func writeSIPp(t *testing.T, dir string, seconds ...string) {
	t.Helper()
	text := "StartTime;CurrentTime;TotalCallCreated;CurrentCall;SuccessfulCall(C);FailedCall(C);Retransmissions(C);GenericCounter1(C);\n"
	for _, s := range seconds {
		text += "2026-11-22\t03:09:53.835450\t1795316993.835450;" + s + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "seconds.csv"), []byte(text), 0o600))
}

func TestReadTraffic(t *testing.T) {
	dir := t.TempDir()
	writeSIPp(t, dir,
		"2026-11-22\t03:09:54.835450\t1795316994.835450;100;5;95;0;0;10;",
		"2026-11-22\t03:09:55.835450\t1795316995.835450;200;5;190;5;3;20;")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "caller_1_rtt.csv"), []byte("Date_ms;response_time_ms;rtd_no\n1;7;1\n2;3;1\n"), 0o600))
	got, err := readTraffic(dir)
	require.NoError(t, err)
	require.Equal(t, 200, got.Calls)
	require.Equal(t, 170, got.Good, "a refused call has ended well for SIPp, not for us")
	require.Equal(t, 20, got.Refused)
	require.Equal(t, 5, got.Failed)
	require.Equal(t, 3, got.Retransmitted)
	require.Equal(t, 2*time.Second, got.Elapsed)
	require.Equal(t, []float64{3, 7}, got.Refusals)
	require.InDelta(t, 7, got.refusedP99(), 0)
	require.InDelta(t, 100, got.rate(), .001)
}

func TestReadTraffic_NothingWritten(t *testing.T) {
	_, err := readTraffic(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
	dir := t.TempDir()
	writeSIPp(t, dir)
	_, err = readTraffic(dir)
	require.ErrorIs(t, err, errNoFigures)
}

// seconds is a run of one line a second.
func seconds(all ...Second) (t Traffic) {
	for i, s := range all {
		s.At = time.Unix(int64(i), 0)
		t.Seconds = append(t.Seconds, s)
	}
	return t
}

func TestOverfullCountsBetweenTheMoments(t *testing.T) {
	var all []Second
	for i := range int(overfullLength/time.Second) + 3 {
		all = append(all, Second{Calls: 200 * i, Good: 80 * i})
	}
	got := seconds(all...).overfull(100)
	require.InDelta(t, 200, got.Offered, .001)
	require.InDelta(t, .8, got.Goodput, .001)
}

func TestLastTrouble(t *testing.T) {
	for _, c := range []struct {
		name string
		run  Traffic
		want time.Duration
	}{
		{"none", seconds(Second{}, Second{Good: 5}, Second{Good: 9}), 0},
		{"what came before does not count", seconds(Second{Refused: 7}, Second{Refused: 7}), 0},
		{"refused in the second second", seconds(Second{}, Second{}, Second{Refused: 1}, Second{Refused: 1}), 2 * time.Second},
		{"sent again at the end", seconds(Second{}, Second{Failed: 1}, Second{Failed: 1, Retransmitted: 1}), 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.run.lastTrouble()) })
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var said tail
	for range 10 {
		_, err := said.Write(bytes.Repeat([]byte("x"), tailSize))
		require.NoError(t, err)
	}
	_, err := said.Write([]byte("end"))
	require.NoError(t, err)
	require.Len(t, said.String(), tailSize)
	require.True(t, strings.HasSuffix(said.String(), "xend"))
}

func TestReportVerdict(t *testing.T) {
	r := NewReport()
	r.add("x", nil, told("a", 1, "s"), atLeast("b", 2, "", 2), atMost("c", 2, "", 2))
	require.Equal(t, "PASS", r.Verdict)
	r.add("y", nil, atMost("c", 3, "ms", 2))
	require.Equal(t, "FAIL", r.Verdict)
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Regexp(t, `c +3 ms +at most 2 +MISSED`, text.String())
	require.NoError(t, r.WriteJSON(&text))
}

func TestUpTo(t *testing.T) {
	r := dice(1, 2)
	short := 0
	for range 1000 {
		d := upTo(r, time.Second)
		require.LessOrEqual(t, d, time.Second)
		if d < time.Second/10 {
			short++
		}
	}
	require.Greater(t, short, 300)
	require.Less(t, short, 900)
}
