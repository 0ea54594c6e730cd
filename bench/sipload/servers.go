package sipload

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// server is what stands between callers and called.
type server interface {
	addr() string // whom the callers call
	stop()
}

// b2buaProcess is a B2BUA in a process of its own.
type b2buaProcess struct {
	at      string
	p       *process
	in, out *os.File
	lines   *bufio.Reader
}

func (s *b2buaProcess) addr() string { return s.at }

func (s *b2buaProcess) stop() {
	_ = s.in.Close() // the end of its standard input ends it
	s.p.end(lastWords)
	_ = s.out.Close()
}

// startB2BUA runs our own program again.
func (b *Bench) startB2BUA(ctx context.Context, next string, core int) (*b2buaProcess, error) {
	at, err := freeAddr()
	if err != nil {
		return nil, err
	}
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start b2bua: %w", err)
	}
	defer func() { _ = childIn.Close() }()
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start b2bua: %w", err)
	}
	defer func() { _ = childOut.Close() }()
	argv := append(append([]string{}, b.Self...), "sip", "b2bua", "-listen", at, "-next", next)
	p, err := start(ctx, launch{name: "b2bua", argv: argv, env: b.Env, core: core, stdin: childIn, stdout: childOut})
	if err != nil {
		return nil, err
	}
	s := &b2buaProcess{at: at, p: p, in: in, out: out, lines: bufio.NewReader(out)}
	if _, err := s.lines.ReadString('\n'); err != nil {
		s.stop()
		return nil, fmt.Errorf("b2bua %w: %s", errNotUp, p.said)
	}
	return s, nil
}

// usage asks the process; word is wordUsage or wordCollect.
func (s *b2buaProcess) usage(word string) (u Usage, err error) {
	if _, err := fmt.Fprintln(s.in, word); err != nil {
		return u, fmt.Errorf("ask b2bua: %w: %s", err, s.p.said)
	}
	line, err := s.lines.ReadBytes('\n')
	if err != nil {
		return u, fmt.Errorf("ask b2bua: %w: %s", err, s.p.said)
	}
	if err := json.Unmarshal(line, &u); err != nil {
		return u, fmt.Errorf("ask b2bua: %w", err)
	}
	return u, nil
}

// proxyProcess is a Kamailio.
type proxyProcess struct {
	at string
	p  *process
}

func (s *proxyProcess) addr() string { return s.at }
func (s *proxyProcess) stop()        { s.p.stop() }

// relay starts Kamailio as a transaction-stateful relay with so many workers
// for its UDP socket.
func (b *Bench) relay(workers string) func(ctx context.Context, next string, core int) (*proxyProcess, error) {
	return func(ctx context.Context, next string, core int) (*proxyProcess, error) {
		return b.startKamailio(ctx, "relay.cfg", core, map[string]string{"NEXT": next, "WORKERS": workers})
	}
}

// startKamailio runs one of our configurations with its words filled in.
func (b *Bench) startKamailio(ctx context.Context, config string, core int, words map[string]string) (*proxyProcess, error) {
	at, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "kamailio")
	if err != nil {
		return nil, fmt.Errorf("start kamailio: %w", err)
	}
	text, err := scenarios.ReadFile("scenarios/" + config)
	if err != nil {
		return nil, fmt.Errorf("start kamailio: %w", err)
	}
	fill := []string{"LISTEN", at, "DIR", dir}
	for word, value := range words {
		fill = append(fill, word, value)
	}
	file := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(fill...).Replace(string(text))), 0o600); err != nil {
		return nil, fmt.Errorf("start kamailio: %w", err)
	}
	p, err := start(ctx, launch{name: "kamailio", core: core, dir: dir, argv: []string{
		"kamailio", "-DD", "-E", "-f", file, "-m", "512", "-M", "32", "-w", dir, "-Y", dir,
	}})
	if err != nil {
		return nil, err
	}
	s := &proxyProcess{at: at, p: p}
	if err := p.awaitUDP(ctx, at); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}
