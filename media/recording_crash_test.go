package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recordingVictim names the directory in which a child of the test records
// until it is killed.
const recordingVictim = "FILO_TEST_RECORDING_VICTIM"

func TestRecordingVictim(t *testing.T) {
	dir := os.Getenv(recordingVictim)
	if dir == "" {
		return // only the child has something to do
	}
	en := newEngine(t, func(c *Config) { c.RecordingsDir = dir })
	p := newPeer(t, "127.0.0.1")
	caller := p.answered(en, Options{})
	room := en.NewRoom()
	room.Join(caller, Role{})
	_, err := room.Record(RecordOptions{Left: caller, Name: "call.wav"})
	require.NoError(t, err)
	p.stream()
	<-time.After(time.Minute)
}

func TestRecordingCanBePlayedAfterKill(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run", "^TestRecordingVictim$") //nolint:gosec // ourselves
	child.Env = append(os.Environ(), recordingVictim+"="+dir)
	require.NoError(t, child.Start())
	path := filepath.Join(dir, "call.wav")
	grown := func() bool {
		s, err := os.Stat(path)
		return err == nil && s.Size() > wavHeaderLen+2*sampleRate
	}
	require.Eventually(t, grown, 30*time.Second, time.Millisecond)
	seconds := soxiSeconds(t, path) // while it is written
	require.Positive(t, seconds)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())

	require.GreaterOrEqual(t, soxiSeconds(t, path), 1.0)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	said := binary.LittleEndian.Uint32(b[wavHeaderLen-4:])
	require.LessOrEqual(t, int(said), len(b)-wavHeaderLen, "the header never says too much")
	require.Zero(t, said%2)
	soxStat(t, path)
}

// A sink that cannot go back gets a header that is good for any length.
func TestRecordingIntoAStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stream.wav")
	f, err := os.Create(path)
	require.NoError(t, err)
	w := wavWriter{open: func() (io.WriteCloser, error) { return struct{ io.WriteCloser }{f}, nil }}
	require.NoError(t, w.drain())
	w.silence(sampleRate)
	require.NoError(t, w.drain())
	require.Contains(t, soxStat(t, path), "Samples read:             16000\n")
	w.silence(sampleRate / 2)
	require.NoError(t, w.drain())
	require.NoError(t, w.close())
	require.Contains(t, soxStat(t, path), "Samples read:             24000\n")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, readWave(t, b)[left], sampleRate*3/2)
}

// soxStat plays the file into nowhere.
func soxStat(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("sox", path, "-n", "stat").CombinedOutput() //nolint:gosec // our file
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "WARN")
	return string(out)
}

// soxiSeconds asks sox for the length; it must be stereo mu-law of 8 kHz.
func soxiSeconds(t *testing.T, path string) (seconds float64) {
	t.Helper()
	out, err := exec.Command("soxi", path).CombinedOutput()
	require.NoError(t, err, "soxi comes with sox: %s", out)
	for _, want := range []string{"Channels       : 2", "Sample Rate    : 8000", "8-bit u-law"} {
		require.Contains(t, string(out), want)
	}
	require.NotContains(t, strings.ToUpper(string(out)), "WARN")
	out, err = exec.Command("soxi", "-D", path).Output()
	require.NoError(t, err)
	_, err = fmt.Sscan(string(out), &seconds)
	require.NoError(t, err)
	return seconds
}
