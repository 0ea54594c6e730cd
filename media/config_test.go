package media

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func TestConfigValidate(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	bad := Config{
		Bind: "0.0.0.0", Advertise: "host", PortMin: 80, PortMax: 70000, WebRTCPort: -1,
		PortQuarantine: -1, InitialRTPTimeout: -1, RTPTimeout: -time.Second, RTCPInterval: -1,
	}
	err := bad.Validate()
	require.Error(t, err)
	for _, key := range []string{
		"bind: ", "advertise: ", "port_min: ", "port_max: ", "webrtc_port: ",
		"port_quarantine: ", "initial_rtp_timeout: ", "rtp_timeout: ", "rtcp_interval: ",
	} {
		found := false
		for _, line := range strings.Split(err.Error(), "\n") {
			found = found || strings.HasPrefix(line, key)
		}
		require.True(t, found, "no error for %q in:\n%v", key, err)
	}
	half := DefaultConfig()
	half.PortMax = 0
	require.ErrorContains(t, half.Validate(), "port_max: ")
	narrow := DefaultConfig()
	narrow.PortMax = narrow.PortMin + 1
	require.ErrorContains(t, narrow.Validate(), "port_max: ")
	for name, change := range map[string]func(*Config){
		"bind: ":              func(c *Config) { c.Bind = "::" },
		"bind:":               func(c *Config) { c.Bind = "fe80::1%eth0" },
		"advertise: ":         func(c *Config) { c.Advertise = "2001:db8::1" },
		"local_networks[1]: ": func(c *Config) { c.LocalNetworks = []string{"10.0.0.0/8", "10.0.0.0/33"} },
		"local_networks[0]: ": func(c *Config) { c.LocalNetworks = []string{"lan"} },
	} {
		bad := DefaultConfig()
		change(&bad)
		require.ErrorContains(t, bad.Validate(), name)
	}
	_, err = New(half, Deps{})
	require.Error(t, err)
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	en, err := New(testConfig(), Deps{Registry: reg})
	require.NoError(t, err)
	p := newPeer(t, "127.0.0.1")
	leg := p.answered(en, Options{})
	p.sendSilence()
	p.seq++ // one is lost
	p.sendSilence()
	require.Eventually(t, func() bool { return leg.Stats().PacketsIn == 2 }, eventually, time.Millisecond)
	require.NoError(t, leg.Play(t.Context(), Tone(440, 40*time.Millisecond)))
	require.InDelta(t, 1, testutil.ToFloat64(en.metrics.active[RTP]), 0)
	require.NoError(t, en.Close())
	require.NoError(t, en.Close())
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.InDelta(t, 0, testutil.ToFloat64(en.metrics.active[RTP]), 0)
	require.InDelta(t, 2, testutil.ToFloat64(en.metrics.in), 0)
	require.InDelta(t, 2, testutil.ToFloat64(en.metrics.out), 0)
	require.InDelta(t, 1, testutil.ToFloat64(en.metrics.lost), 0)
	_, _, err = en.Answer(t.Context(), p.sdp(), Options{})
	require.ErrorIs(t, err, ErrClosed)
	_, _, err = en.Offer(t.Context(), Options{}, WebRTC)
	require.ErrorIs(t, err, ErrClosed)
	_, _, err = en.Offer(t.Context(), Options{}, 0)
	require.Error(t, err)
}
