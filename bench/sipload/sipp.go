package sipload

import (
	"context"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed scenarios
var scenarios embed.FS

// load is one run of callers.
type load struct {
	to     string        // host:port of whom they call
	from   string        // IP address of the callers; "": 127.0.0.1
	called string        // number; "": 100
	rate   float64       // calls per second
	calls  int           // in all
	hold   time.Duration // from answer to hang-up
	core   int
	within []string      // what the command line begins with
	limit  time.Duration // of the whole run beyond the arrivals; 0: patience
}

// patience is longer than any transaction of the RFC takes: 64*T1.
const patience = 40 * time.Second

// Traffic is what SIPp's callers saw.
type Traffic struct {
	Calls         int           `json:"calls"`
	Good          int           `json:"good"`    // answered, and the BYE too
	Refused       int           `json:"refused"` // 503
	Failed        int           `json:"failed"`
	Retransmitted int           `json:"retransmitted"` // messages, by the callers
	Elapsed       time.Duration `json:"elapsed_ns"`
	Seconds       []Second      `json:"-"`
	Refusals      []float64     `json:"-"` // INVITE to 503 in milliseconds, ascending
}

// Second is what was counted until a moment.
type Second struct {
	At                           time.Time
	Calls, Good, Refused, Failed int
	Retransmitted, InProgress    int
}

// rate is how many calls were started in a second.
func (t Traffic) rate() float64 { return float64(t.Calls) / t.Elapsed.Seconds() }

// refusedP99 is in milliseconds, 0 without any.
func (t Traffic) refusedP99() float64 {
	if len(t.Refusals) == 0 {
		return 0
	}
	return t.Refusals[int(math.Ceil(.99*float64(len(t.Refusals))))-1]
}

// receiveBuffer of SIPp's sockets, in bytes: the kernel's default drops
// bursts, which would be told as loss by the server.
const receiveBuffer = "4194304"

// call runs SIPp as so many callers. Failed calls are no error.
func (b *Bench) call(ctx context.Context, l load) (Traffic, error) {
	dir, err := os.MkdirTemp(b.dir, "callers")
	if err != nil {
		return Traffic{}, fmt.Errorf("callers: %w", err)
	}
	argv, err := b.callers(l)
	if err != nil {
		return Traffic{}, err
	}
	if l.limit == 0 {
		l.limit = patience
	}
	limit := time.Duration(float64(l.calls)/l.rate*float64(time.Second)) + l.hold + l.limit
	argv = append(argv, "-timeout", strconv.Itoa(int(limit.Seconds())+1)+"s")
	ctx, cancel := context.WithTimeout(ctx, limit+2*lastWords)
	defer cancel()
	begun := time.Now()
	p, err := start(ctx, launch{name: "SIPp callers", argv: argv, dir: dir, core: l.core})
	if err != nil {
		return Traffic{}, err
	}
	err = p.wait()
	t, readErr := readTraffic(dir)
	if readErr != nil { // the exit code says whether calls failed; no statistics are another matter
		return Traffic{}, errors.Join(err, readErr)
	}
	t.Elapsed = min(time.Since(begun), max(t.Elapsed, time.Millisecond))
	return t, nil
}

func (b *Bench) callers(l load) ([]string, error) {
	local, err := freeAddr()
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(local, ":")
	if l.from != "" {
		host = l.from
	}
	if l.called == "" {
		l.called = "100"
	}
	return append(append([]string{}, l.within...),
		"sipp", l.to, "-sf", filepath.Join(b.dir, "caller.xml"), "-key", "called", l.called,
		"-i", host, "-p", port, "-r", strconv.FormatFloat(l.rate, 'f', 0, 64), "-m", strconv.Itoa(l.calls),
		"-d", strconv.FormatInt(l.hold.Milliseconds(), 10), "-l", "1000000", "-nostdin", "-buff_size", receiveBuffer,
		"-max_invite_retrans", "7", "-max_non_invite_retrans", "11", "-cp", strconv.Itoa(controlPort(port)),
		"-trace_stat", "-stf", "seconds.csv", "-fd", "1", "-trace_rtt", "-rtt_freq", "1000",
	), nil
}

// controlPort keeps SIPp from looking for one by itself, which takes the ports
// of others.
func controlPort(port string) int {
	n, _ := strconv.Atoi(port)
	return n + 1000
}

// answer runs a stock SIPp UAS.
func (b *Bench) answer(ctx context.Context, at string, core int) (*process, error) {
	host, port, _ := strings.Cut(at, ":")
	p, err := start(ctx, launch{name: "SIPp UAS", core: core, dir: b.dir, argv: []string{
		"sipp", "-sn", "uas", "-i", host, "-p", port, "-nostdin", "-l", "1000000", "-buff_size", receiveBuffer,
		"-cp", strconv.Itoa(controlPort(port)),
	}})
	if err != nil {
		return nil, err
	}
	return p, p.awaitUDP(ctx, at)
}

// errNoFigures: SIPp ended without telling what it saw.
var errNoFigures = errors.New("SIPp wrote no statistics")

// readTraffic reads the files that SIPp has written.
func readTraffic(dir string) (t Traffic, err error) {
	rows, err := readCSV(filepath.Join(dir, "seconds.csv"))
	if err != nil {
		return t, err
	}
	if len(rows) == 0 {
		return t, errNoFigures
	}
	for _, r := range rows {
		t.Seconds = append(t.Seconds, r.second())
	}
	last := t.Seconds[len(t.Seconds)-1]
	t.Calls, t.Good, t.Refused, t.Failed, t.Retransmitted = last.Calls, last.Good, last.Refused, last.Failed, last.Retransmitted
	t.Elapsed = last.At.Sub(rows[0].start())
	times, err := filepath.Glob(filepath.Join(dir, "*_rtt.csv"))
	for _, f := range times {
		rows, err := readCSV(f)
		if err != nil {
			return t, err
		}
		for _, r := range rows {
			t.Refusals = append(t.Refusals, r.number("response_time_ms"))
		}
	}
	slices.Sort(t.Refusals)
	return t, err
}

// row is a line of SIPp's statistics by the names of its columns.
type row map[string]string

func (r row) number(column string) float64 {
	n, _ := strconv.ParseFloat(r[column], 64)
	return n
}

func (r row) count(column string) int { return int(r.number(column)) }

// start is when SIPp began; times are "date TAB time TAB seconds since 1970".
func (r row) start() time.Time { return sippTime(r["StartTime"]) }

func (r row) second() Second {
	s := Second{
		At: sippTime(r["CurrentTime"]), Calls: r.count("TotalCallCreated"), Refused: r.count("GenericCounter1(C)"),
		Failed: r.count("FailedCall(C)"), Retransmitted: r.count("Retransmissions(C)"), InProgress: r.count("CurrentCall"),
	}
	s.Good = r.count("SuccessfulCall(C)") - s.Refused
	return s
}

func sippTime(text string) time.Time {
	fields := strings.Split(text, "\t")
	seconds, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
	return time.UnixMicro(int64(seconds * 1e6))
}

func readCSV(file string) ([]row, error) {
	f, err := os.Open(file) //nolint:gosec // in a directory of ours
	if err != nil {
		return nil, fmt.Errorf("read SIPp's statistics: %w", err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord = ';', -1
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read SIPp's statistics: %w", err)
	}
	var rows []row
	for i, line := range lines {
		if i == 0 || len(line) < 2 {
			continue
		}
		named := row{}
		for c := range min(len(line), len(lines[0])) {
			named[lines[0][c]] = line[c]
		}
		rows = append(rows, named)
	}
	return rows, nil
}
