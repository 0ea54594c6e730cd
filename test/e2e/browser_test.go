package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browser is a headless Chromium with a microphone of its own, driven through
// browser/driver.mjs.
type browser struct {
	t     *testing.T
	stdin io.WriteCloser

	mu      sync.Mutex
	id      int
	waiting map[int]chan<- answer
	over    error // why no more answers come
	tabs    []*tab
}

type answer struct {
	ID    int
	Value json.RawMessage
	Error string
}

// newBrowser starts a Chromium whose microphone hears a tone.
func newBrowser(t *testing.T, hz float64) *browser {
	t.Helper()
	needs(t, "chromium", "chromium")
	chromium, err := exec.LookPath("chromium")
	require.NoError(t, err)
	needsWeb(t)
	mic := filepath.Join(t.TempDir(), "mic.wav")
	require.NoError(t, os.WriteFile(mic, micWAV(hz), 0o600))
	cmd := exec.Command("node", filepath.Join("browser", "driver.mjs"), mic)
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	b := &browser{t: t, stdin: stdin, waiting: map[int]chan<- answer{}}
	var wg sync.WaitGroup
	wg.Go(func() { b.read(stdout) })
	t.Cleanup(func() {
		b.showIfFailed()
		_ = stdin.Close() // the driver ends with it
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		wg.Wait()
		err := cmd.Wait()
		kill.Stop()
		require.NoError(t, err, "browser driver: %s", stderr.Bytes())
	})
	return b
}

// needsWeb fails the test when the pages are not built or their tools missing.
func needsWeb(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is missing; install Node 20.19 or later (https://nodejs.org)")
	}
	web := filepath.Join("..", "..", "desk", "web")
	for file, install := range map[string]string{
		"node_modules/playwright-core/package.json":      "(cd desk/web && npm ci)",
		"node_modules/@axe-core/playwright/package.json": "(cd desk/web && npm ci)",
		"dist/desk/index.html":                           "make web",
	} {
		if _, err := os.Stat(filepath.Join(web, filepath.FromSlash(file))); err != nil {
			t.Fatalf("desk/web/%s is missing; make it:\n\t%s", file, install)
		}
	}
}

// micWAV is ten seconds of a tone, 48 kHz, 16 bits, mono; it loops without a click.
func micWAV(hz float64) []byte {
	const rate, seconds = 48000, 10
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			_ = binary.Write(&b, binary.LittleEndian, x)
		}
	}
	put([]byte("RIFF"), uint32(36+2*rate*seconds), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2*rate), uint16(2), uint16(16))
	put([]byte("data"), uint32(2*rate*seconds))
	for i := range rate * seconds {
		put(int16(12000 * math.Sin(2*math.Pi*hz*float64(i)/rate)))
	}
	return b.Bytes()
}

func (b *browser) read(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	var err error
	for err == nil {
		var line []byte
		if line, err = lines.ReadBytes('\n'); err != nil {
			break
		}
		var a answer
		if err = json.Unmarshal(line, &a); err != nil {
			break
		}
		b.mu.Lock()
		to := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		if to != nil {
			to <- a
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = err
	for _, to := range b.waiting {
		close(to)
	}
	clear(b.waiting)
}

// args are the fields of a driver's command.
type args map[string]any

// do sends a command and returns its value.
func (b *browser) do(tab, verb string, more args) (json.RawMessage, error) {
	to := make(chan answer, 1)
	b.mu.Lock()
	if b.over != nil {
		defer b.mu.Unlock()
		return nil, fmt.Errorf("browser driver has ended: %w", b.over)
	}
	b.id++
	c := args{"id": b.id, "tab": tab, "do": verb, "ms": patience.Milliseconds()}
	for k, v := range more {
		c[k] = v
	}
	b.waiting[b.id] = to
	line, err := json.Marshal(c)
	if err == nil {
		_, err = b.stdin.Write(append(line, '\n'))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", verb, err)
	}
	select {
	case a, ok := <-to:
		if !ok {
			return nil, fmt.Errorf("%s: browser driver has ended", verb)
		}
		if a.Error != "" {
			return nil, fmt.Errorf("%s: %s", verb, a.Error)
		}
		return a.Value, nil
	case <-time.After(2 * patience):
		return nil, fmt.Errorf("%s: the browser does not answer", verb)
	}
}

// showIfFailed leaves a picture and the accessibility tree of every open tab.
func (b *browser) showIfFailed() {
	if !b.t.Failed() {
		return
	}
	for _, p := range b.tabs {
		path := shotPath(b.t, "failed-"+b.t.Name()+"-"+p.name)
		_, err := b.do(p.name, "shot", args{"path": path})
		tree, terr := b.do(p.name, "aria", args{"at": place{CSS: "body"}})
		problems, _ := b.do(p.name, "problems", nil) //nolint:errcheck // shown as far as there is anything
		var text string
		_ = json.Unmarshal(tree, &text)
		b.t.Logf("tab %s: picture %s (%v)\nproblems: %s\n%s (%v)", p.name, path, err, problems, text, terr)
	}
}

func shotPath(t *testing.T, name string) string {
	path, err := filepath.Abs(filepath.Join("..", "..", "test-results", "browser", strings.ReplaceAll(name, "/", "-")+".png"))
	require.NoError(t, err)
	return path
}

// tab is one page in a context of its own: its own cookies, as a person's own
// computer.
type tab struct {
	b      *browser
	t      *testing.T
	name   string
	origin string // of the node
	// allowed are console errors that a test causes on purpose.
	allowed []string
}

// tabOptions are what a person's browser is told before it opens.
type tabOptions struct {
	Permissions []string       // "microphone" when nil
	Script      string         // runs before every page's own scripts
	Files       map[string]any // JSON that a site of its own would serve, by path
}

// tab opens an empty tab. Its console must stay clean until the test's end.
func (b *browser) tab(n *node, name string, o tabOptions) *tab {
	b.t.Helper()
	p := &tab{b: b, t: b.t, name: name, origin: n.URL}
	more := args{"script": o.Script, "files": o.Files}
	if o.Permissions != nil {
		more["permissions"] = o.Permissions
	}
	p.must("open", more)
	b.tabs = append(b.tabs, p)
	return p
}

// place is where something is on a page: by role and accessible name, by label,
// by test id, by CSS, or by text alone. Text narrows the others.
type place struct {
	Role    string `json:"role,omitempty"`
	Name    string `json:"name,omitempty"`
	Exact   bool   `json:"exact,omitempty"`   // Name or Text is the whole
	Pattern bool   `json:"pattern,omitempty"` // Name is a regular expression
	Label   string `json:"label,omitempty"`
	TestID  string `json:"testid,omitempty"`
	CSS     string `json:"css,omitempty"`
	Text    string `json:"text,omitempty"`
	First   bool   `json:"first,omitempty"`
	Pressed *bool  `json:"pressed,omitempty"` // of a button that stays down
	Checked *bool  `json:"checked,omitempty"`
	In      *place `json:"in,omitempty"`
	Frame   string `json:"frame,omitempty"` // CSS of an iframe to look into
}

func role(role, name string) place        { return place{Role: role, Name: name} }
func words(text string) place             { return place{Text: text, First: true} }
func (a place) pressed(on bool) place     { a.Pressed = &on; return a }
func (a place) checked() place            { on := true; a.Checked = &on; return a }
func (a place) in(outer place) place      { a.In = &outer; return a }
func (a place) exactly() place            { a.Exact = true; return a }
func (a place) with(text string) place    { a.Text = text; return a }
func matching(role, pattern string) place { return place{Role: role, Name: pattern, Pattern: true} }
func insideFrame(css, text string) place  { return place{Frame: css, Text: text, First: true} }
func (p *tab) fill(where place, text string) {
	p.t.Helper()
	p.must("fill", args{"at": where, "text": text})
}

// must runs a verb of the driver on this tab.
func (p *tab) must(verb string, more args) json.RawMessage {
	p.t.Helper()
	v, err := p.b.do(p.name, verb, more)
	require.NoError(p.t, err, "tab %s", p.name)
	return v
}

func value[T any](t *testing.T, raw json.RawMessage) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

func (p *tab) goTo(path string) { p.t.Helper(); p.must("goto", args{"url": p.origin + path}) }
func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.must("press", args{"keys": k})
	}
}
func (p *tab) typeText(text string) { p.t.Helper(); p.must("type", args{"text": text}) }
func (p *tab) click(where place)    { p.t.Helper(); p.must("click", args{"at": where}) }
func (p *tab) choose(where place)   { p.t.Helper(); p.must("choose", args{"at": where}) }

// see waits until something is visible and returns when that was.
func (p *tab) see(where place) time.Time {
	p.t.Helper()
	p.must("see", args{"at": where})
	return time.Now()
}

// sees asserts several texts inside a place.
func (p *tab) sees(where place, texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		w := where
		w.Text = text
		p.see(w)
	}
}

// gone waits until something is not visible.
func (p *tab) gone(where place) { p.t.Helper(); p.must("see", args{"at": where, "gone": true}) }

func (p *tab) count(where place) int {
	p.t.Helper()
	return value[int](p.t, p.must("count", args{"at": where}))
}

func (p *tab) text(where place) string {
	p.t.Helper()
	return value[string](p.t, p.must("text", args{"at": where}))
}

func (p *tab) attr(where place, name string) *string {
	p.t.Helper()
	return value[*string](p.t, p.must("attr", args{"at": where, "name": name}))
}

func (p *tab) aria(where place) string {
	p.t.Helper()
	return value[string](p.t, p.must("aria", args{"at": where}))
}

func (p *tab) focus() string  { p.t.Helper(); return value[string](p.t, p.must("focus", nil)) }
func (p *tab) markup() string { p.t.Helper(); return value[string](p.t, p.must("markup", nil)) }
func (p *tab) title() string  { p.t.Helper(); return value[string](p.t, p.must("title", nil)) }

// eval runs JavaScript in the page.
func (p *tab) eval(js string) json.RawMessage { p.t.Helper(); return p.must("eval", args{"text": js}) }

// list returns what the driver has written down: problems, requests or frames.
func (p *tab) list(what string) []string {
	p.t.Helper()
	return value[[]string](p.t, p.must(what, nil))
}

// The audio elements in which the desk and the shop play the far side.
const (
	deskAudio = "#line-audio"
	shopAudio = "#call-audio"
)

// hears waits until the strongest frequency that an audio element gets is hz,
// and returns since when.
func (p *tab) hears(element string, hz float64) time.Time {
	p.t.Helper()
	peak := value[struct{ Hz, DB, Ago float64 }](p.t, p.must("hears", args{"element": element, "hz": hz}))
	p.t.Logf("%s hears %.1f Hz at %.0f dB", p.name, peak.Hz, peak.DB)
	return time.Now().Add(-time.Duration(peak.Ago) * time.Millisecond)
}

// shot keeps a picture in test-results/browser.
func (p *tab) shot(name string) {
	p.t.Helper()
	p.must("shot", args{"path": shotPath(p.t, name)})
}

// axe asserts that axe-core finds nothing to object to, by day and by night.
func (p *tab) axe(state string) {
	p.t.Helper()
	for _, scheme := range []string{"dark", "light"} {
		p.must("scheme", args{"name": scheme})
		require.Empty(p.t, value[[]string](p.t, p.must("axe", nil)), "axe on %s, %s", state, scheme)
		p.shot(strings.ReplaceAll("axe-"+state+"-"+scheme, " ", "-"))
	}
}

// clean asserts that the console shows no error and no CSP violation.
func (p *tab) clean() {
	p.t.Helper()
next:
	for _, problem := range p.list("problems") {
		for _, ok := range append(p.allowed, "401 (Unauthorized)") { // GET /api/session before the sign-in
			if strings.Contains(problem, ok) {
				continue next
			}
		}
		require.Fail(p.t, "console of "+p.name, problem)
	}
}

func (p *tab) close() {
	p.t.Helper()
	p.must("close", nil)
	tabs := p.b.tabs[:0]
	for _, o := range p.b.tabs {
		if o != p {
			tabs = append(tabs, o)
		}
	}
	p.b.tabs = tabs
}
