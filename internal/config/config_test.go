package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/internal/config"
)

func TestDefaultIsValid(t *testing.T) {
	require.NoError(t, config.Default().Validate())
}

func TestEmptyFileIsDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "http:\nivr:\nrouter:\n"} {
		cfg, err := config.Parse("filo.yaml", []byte(text))
		require.NoError(t, err, "%q", text)
		require.Equal(t, config.Default(), cfg, "%q", text)
	}
}

func TestMergesOverDefaults(t *testing.T) {
	cfg, err := config.Parse("filo.yaml", []byte(`
data_dir: /var/lib/filo
ivr:
  speech:
    voices: {en: en-us}
router:
  channels:
    voice: {offer_timeout: 9s}
    web: null
  queues:
    checkout:
      skills: [{name: checkout, min: 40}]
`))
	require.NoError(t, err)
	def := config.Default()

	require.Equal(t, "/var/lib/filo", cfg.DataDir)
	require.Equal(t, def.HTTP, cfg.HTTP)
	require.Equal(t, map[string]string{"en": "en-us", "it": "it"}, cfg.IVR.Speech.Voices)
	want := def.Router.Channels[contact.Voice]
	want.OfferTimeout = 9 * time.Second
	want.Interrupts = cfg.Router.Channels[contact.Voice].Interrupts
	require.Empty(t, want.Interrupts)
	require.Equal(t, want, cfg.Router.Channels[contact.Voice], "the rest of the default entry stays")
	require.Equal(t, def.Router.Channels[contact.Email], cfg.Router.Channels[contact.Email])
	require.NotContains(t, cfg.Router.Channels, contact.Web, "null removes")
	require.Equal(t, []contact.Skill{{Name: "checkout", Min: 40}}, cfg.Router.Queues["checkout"].Skills)
	require.Contains(t, cfg.Router.Queues, "general")
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string
	}{
		{
			"not YAML", "http: [",
			"filo.yaml:2: did not find expected node content",
		},
		{
			"no mapping", "- a\n- b\n",
			"filo.yaml:1: should be a list of keys and values",
		},
		{
			"unknown keys and wrong kinds, all at once",
			"http:\n  adr: x\ndata_dir: [a]\nmedia:\n  rtp_timeout: soon\n  port_min: many\nnonsense: 1\n",
			"filo.yaml:2: http: unknown key adr\n" +
				"filo.yaml:3: data_dir: cannot use a list into string\n" +
				"filo.yaml:5: media.rtp_timeout: cannot use `soon` into a duration such as 20s\n" +
				"filo.yaml:6: media.port_min: cannot use `many` into int\n" +
				"filo.yaml:7: unknown key nonsense",
		},
		{
			"an unknown key hides no other mistake, and a line is named once",
			"sip:\n  listn: []\nmedia:\n  rtp_timeout: soon\nvoice:\n  line_grace: -1s\n",
			"filo.yaml:2: sip: unknown key listn\n" +
				"filo.yaml:4: media.rtp_timeout: cannot use `soon` into a duration such as 20s\n" +
				"filo.yaml:6: voice.line_grace: -1s must be more than 0",
		},
		{
			"key twice", "http:\n  addr: 127.0.0.1:1\n  addr: 127.0.0.1:2\n",
			`filo.yaml:3: http: mapping key "addr" already defined at line 2`,
		},
		{
			"values of several packages, in the order of lines",
			"router:\n  queues:\n    checkout:\n      skills:\n        - {name: a}\n        - {name: \"\"}\n  rona_limit: -1\n" +
				"media:\n  rtp_timeout: -1s\nlog: {level: loud, format: xml}\ndrain: -1s\n",
			"filo.yaml:6: router.queues.checkout.skills[1].name: is empty\n" +
				"filo.yaml:7: router.rona_limit: -1 is not within 0..100\n" +
				"filo.yaml:9: media.rtp_timeout: -1s is negative\n" +
				"filo.yaml:10: log.level: \"loud\" is none of debug, info, warn, error\n" +
				"filo.yaml:10: log.format: \"xml\" is none of text, json\n" +
				"filo.yaml:11: drain: -1s is not within 0..24h",
		},
		{
			"off loopback without TLS", "http:\n  addr: 0.0.0.0:443\n",
			"filo.yaml:2: http.addr: \"0.0.0.0:443\" is not loopback, so tls_cert_file and tls_key_file are needed: " +
				"browsers refuse the microphone without TLS",
		},
		{
			"half a certificate, bad origins and networks",
			"http:\n  tls_cert_file: a.pem\n  public_url: shop.example\n  origins: [https://ok.example, https://x.example/path]\n  metrics_allow: [10.0.0.1]\n",
			"filo.yaml:2: http.tls_cert_file: set tls_cert_file and tls_key_file, or neither\n" +
				"filo.yaml:3: http.public_url: \"shop.example\" should be https://host or http://host, without a path\n" +
				"filo.yaml:4: http.origins[1]: \"https://x.example/path\" should be https://host or http://host, without a path\n" +
				"filo.yaml:5: http.metrics_allow[0]: \"10.0.0.1\" is no network such as 10.0.0.0/8",
		},
		{
			"a key that the file does not have", "ivr:\n  speech:\n    command: [say]\n",
			"filo.yaml:3: ivr.speech.command: has no {out}: the WAV file to write",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("filo.yaml", []byte(tt.text))
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "filo.yaml")
	require.NoError(t, os.WriteFile(path, []byte("http: {addr: nope}\n"), 0o600))
	_, err := config.Load(path)
	require.EqualError(t, err, `filo.yaml:1: http.addr: "nope" is not host:port`)

	_, err = config.Load(path + ".absent")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"http: {addr: 127.0.0.1:0}", "numbers: {\"+39\": null}", "router: {channels: {voice: {weight: 1}}}",
		"a: &a [*a]", "router: *x", "? [a]: b", "log: {level: \"\\x00\"}", "http: &h {addr: x}\nlog: *h",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = config.Parse("filo.yaml", text)
	})
}
