package ivr_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"filo/ivr"
)

func TestLookup(t *testing.T) {
	own := fstest.MapFS{"en/hello.wav": {Data: []byte("own")}}
	ours := fstest.MapFS{
		"en/hello.wav": {Data: []byte("built-in")}, "it/hello.wav": {Data: []byte("ciao")},
		"music.wav": {Data: []byte("music")}, "secret.txt": {Data: []byte("secret")},
	}
	library := ivr.NewPrompts(nil, own, ours)
	tests := []struct {
		name   string
		prompt ivr.Prompt
		want   string
		err    error
	}{
		{"the first source wins", ivr.Prompt{ID: "hello", Lang: "en"}, "own", nil},
		{"next source", ivr.Prompt{ID: "hello", Lang: "it"}, "ciao", nil},
		{"no language", ivr.Prompt{ID: "music", Lang: "it"}, "music", nil},
		{"no file and no text", ivr.Prompt{ID: "nothing", Lang: "en"}, "", ivr.ErrNoPrompt},
		{"text that cannot be spoken", ivr.Prompt{Text: "Hello", Lang: "en"}, "", ivr.ErrNoSpeech},
		{"a way out of the directory", ivr.Prompt{ID: "../secret.txt", Lang: "en"}, "", ivr.ErrNoPrompt},
		{"a language with a way out", ivr.Prompt{ID: "hello", Lang: "../en"}, "", ivr.ErrNoPrompt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := library.Lookup(t.Context(), tt.prompt)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, string(data))
		})
	}
}

func TestCheckPrompts(t *testing.T) {
	flow := parse(t, `
languages: [en, it]
prompts:
  hello: {en: Hello, it: Ciao}
  jingle: file
steps:
  one: {say: [hello, jingle, {en: Bye, it: Arrivederci}]}
  end: {hangup: }
`)
	files := fstest.MapFS{"en/hello.wav": {}, "it/hello.wav": {}}
	require.EqualError(t, ivr.NewPrompts(nil, files).Check(flow),
		"flow.yaml: no such prompt: no sound file en/jingle.wav\n"+
			"flow.yaml: no such prompt: \"Bye\" in \"en\" has no sound file and cannot be spoken: no speech command\n"+
			"flow.yaml: no such prompt: no sound file it/jingle.wav\n"+
			"flow.yaml: no such prompt: \"Arrivederci\" in \"it\" has no sound file and cannot be spoken: no speech command")

	files["jingle.wav"] = &fstest.MapFile{}
	speech, _ := newSpeech(t, "true {out}")
	require.NoError(t, ivr.NewPrompts(speech, files).Check(flow))
}

// newSpeech speaks by a shell command.
func newSpeech(t *testing.T, command string) (*ivr.Speech, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	return ivr.NewSpeech(ivr.SpeechConfig{
		Command: []string{"sh", "-c", command, "say", "{voice}", "{out}"},
		Voices:  map[string]string{"en": "en-gb"}, Timeout: 10 * time.Second,
	}, root), dir
}

func TestSpeech(t *testing.T) {
	t.Run("speaks once and keeps the result", func(t *testing.T) {
		// The command tells its voice and text, and how often it ran.
		speech, dir := newSpeech(t, `{ echo "$1:"; cat; } > "$2"; echo ran >> "$(dirname "$2")/count"`)
		library := ivr.NewPrompts(speech)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				data, err := library.Lookup(t.Context(), ivr.Prompt{ID: "hello", Text: "-Hello $HOME", Lang: "en"})
				if err != nil || string(data) != "en-gb:\n-Hello $HOME" {
					t.Errorf("got %q, %v", data, err)
				}
			})
		}
		wait.Wait()
		count, err := os.ReadFile(filepath.Join(dir, "count"))
		require.NoError(t, err)
		require.Equal(t, "ran\n", string(count))
	})
	t.Run("other language, other file", func(t *testing.T) {
		speech, _ := newSpeech(t, `echo "$1" > "$2"`)
		for lang, want := range map[string]string{"en": "en-gb\n", "it": "it\n"} {
			data, err := speech.Say(t.Context(), lang, "Hello")
			require.NoError(t, err)
			require.Equal(t, want, string(data))
		}
	})
	t.Run("a failure keeps nothing and tells why", func(t *testing.T) {
		speech, dir := newSpeech(t, `echo half > "$2"; echo no voice >&2; exit 3`)
		_, err := speech.Say(t.Context(), "en", "Hello")
		require.ErrorContains(t, err, "no voice")
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	})
	t.Run("not installed", func(t *testing.T) {
		root, err := os.OpenRoot(t.TempDir())
		require.NoError(t, err)
		defer func() { require.NoError(t, root.Close()) }()
		for _, command := range [][]string{nil, {"/no/such/command", "{out}"}} {
			_, err = ivr.NewSpeech(ivr.SpeechConfig{Command: command}, root).Say(t.Context(), "en", "Hello")
			require.ErrorIs(t, err, ivr.ErrNoSpeech)
		}
	})
	t.Run("too long", func(t *testing.T) {
		speech, _ := newSpeech(t, "true")
		_, err := speech.Say(t.Context(), "en", string(make([]byte, 3000)))
		require.ErrorContains(t, err, "longer than 2000 bytes")
	})
}

func TestEspeak(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	defer func() { require.NoError(t, root.Close()) }()
	speech := ivr.NewSpeech(ivr.DefaultSpeech(), root)
	require.NoError(t, speech.Available(), "apt-get install espeak-ng")
	data, err := speech.Say(t.Context(), "it", "Buongiorno.")
	require.NoError(t, err)
	require.Equal(t, "RIFF", string(data[:4]))
	require.Greater(t, len(data), 8000)
}

func TestConfig(t *testing.T) {
	require.NoError(t, ivr.DefaultConfig().Validate())
	cfg := ivr.DefaultConfig()
	cfg.Speech.Command, cfg.Speech.Timeout = []string{"say"}, 0
	require.EqualError(t, cfg.Validate(), "speech.command: has no {out}: the WAV file to write\nspeech.timeout: should be positive")
}

func TestLoadFlows(t *testing.T) {
	own := ivr.Source{Label: "/etc/filo", FS: fstest.MapFS{
		"default.yaml": {Data: []byte("steps: {own: {hangup: }}")},
		"Bad.yaml":     {Data: []byte("steps: {a: {hangup: }}")},
		"worse.yaml":   {Data: []byte("steps: {a: {say: hi}}")},
		"notes.txt":    {Data: []byte("not a flow")},
	}}
	ours := ivr.Source{FS: fstest.MapFS{"default.yaml": {Data: []byte("broken: [")}, "other.yaml": {Data: []byte("steps: {a: {hangup: }}")}}}
	flows, err := ivr.LoadFlows(own, ours)
	require.EqualError(t, err,
		"/etc/filo/Bad.yaml: bad name of a flow: small letters, digits, - and _\n"+
			"/etc/filo/worse.yaml:1: steps.a: the last step needs \"next\", or must end the flow\n"+
			"/etc/filo/worse.yaml:1: steps.a.say: prompt \"hi\" is not among the flow's prompts")
	require.Len(t, flows, 2)
	require.Equal(t, "/etc/filo/default.yaml", flows["default"].Name())
	require.Equal(t, "other.yaml", flows["other"].Name())
}
