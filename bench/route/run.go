package route

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"
)

const (
	checks = 50 // decisions that a plain scan makes again
	rounds = 5  // of cycles; the median counts
	warmUp = 10 // a tenth as many decisions come first and do not count
)

// Quantiles of nanoseconds.
type Quantiles struct {
	N    int     `json:"n"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Result is what a run of one world saw. Figures of what did not happen are
// nil or 0.
type Result struct {
	Agents   int    `json:"agents"`
	Waiting  int    `json:"waiting"`
	Skills   int    `json:"skills"`
	Distinct bool   `json:"distinct"`
	Seed     uint64 `json:"seed"`
	Profiles int    `json:"profiles"`
	Kinds    int    `json:"kinds"`

	Arrive *Quantiles `json:"arrive_ns"`       // a contact arrives and is offered
	Free   *Quantiles `json:"free_ns"`         // an agent becomes free and is offered a contact
	Queue  *Quantiles `json:"arrive_queue_ns"` // a contact arrives and waits
	Idle   *Quantiles `json:"free_idle_ns"`    // an agent becomes free and nothing fits

	Cycles  float64 `json:"cycles_per_s"`        // on one core, by the clock
	CPU     float64 `json:"cycles_per_cpu_s"`    // by the processor time that was used: others on the machine do not count
	Allocs  float64 `json:"allocs_per_decision"` // of memory; a decision is an arrival or a free agent
	Waiter  float64 `json:"bytes_per_waiting"`   // heap that the backlog took, per contact
	Load    float64 `json:"dram_ns"`             // a dependent load from memory, see Memory
	Brute   float64 `json:"brute_ns"`            // brute_free_ns beside a backlog, else brute_arrive_ns
	Scan    float64 `json:"brute_arrive_ns"`     // best agent by a plain scan
	Search  float64 `json:"brute_free_ns"`       // best contact by a plain scan
	Reading float64 `json:"clock_ns"`            // cost of reading the counter, subtracted
	Machine string  `json:"machine"`
}

// Run measures one world. The memory is walked before and after: the lesser
// figure counts, as others on the machine can only make it larger.
func Run(ctx context.Context, cfg Config, memory *Memory) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	count := calibrate()
	f := newFloor(cfg)
	res := &Result{
		Agents: cfg.Agents, Waiting: cfg.Waiting, Skills: cfg.Skills, Distinct: cfg.Distinct, Seed: cfg.Seed,
		Profiles: len(f.world.profiles), Kinds: len(f.world.kinds), Load: memory.Load(),
		Reading: round(float64(count.cost) / count.perNs),
		Machine: fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
	}
	if before := heap(); cfg.Waiting > 0 {
		f.fill()
		res.Waiter = round((heap() - before) / float64(cfg.Waiting))
	}
	f.open()
	m := &measurement{floor: f, cfg: cfg, result: res}
	if err := m.run(ctx); err != nil {
		return nil, err
	}
	res.Arrive, res.Free = count.quantiles(f.arrive), count.quantiles(f.free)
	res.Queue, res.Idle = count.quantiles(f.queue), count.quantiles(f.idle)
	res.Load = round(min(res.Load, memory.Load()))
	return res, nil
}

// measurement is one run, and what it has counted.
type measurement struct {
	*floor
	cfg     Config
	result  *Result
	mallocs uint64
	counted int // decisions
}

func (m *measurement) run(ctx context.Context) error {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if m.cfg.Profile != nil {
		if err := pprof.StartCPUProfile(m.cfg.Profile); err != nil {
			return fmt.Errorf("start CPU profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	parts := []func() error{m.arrivals}
	if m.cfg.Waiting > 0 {
		parts = append(parts, m.backlog)
	}
	for _, part := range parts {
		if err := part(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("measure: %w", err)
		}
	}
	m.result.Brute = m.result.Search
	if m.cfg.Waiting == 0 {
		m.result.Brute = m.result.Scan
	}
	m.result.Allocs = float64(m.mallocs) / float64(max(m.counted, 1))
	return nil
}

// arrivals measures calls that arrive while half of the agents are idle.
func (m *measurement) arrivals() error {
	n := m.cfg.Samples
	m.callsArrive(n / warmUp)
	forget(&m.arrive, &m.queue, &m.idle)
	m.count(func() { m.callsArrive(n) })
	times, err := m.checkArrivals(checks)
	m.result.Scan = round(median(times))
	if m.cfg.Waiting == 0 {
		m.cycles(m.callCycles)
	}
	return err
}

// backlog measures agents who become free, all of them being busy before.
func (m *measurement) backlog() error {
	n := m.cfg.Samples
	m.takeMail()
	m.agentsFree(n / warmUp)
	forget(&m.free, &m.queue, &m.idle)
	m.count(func() { m.agentsFree(n) })
	times, err := m.checkFree(checks)
	m.result.Search = round(median(times))
	m.cycles(m.mailCycles)
	return err
}

// cycles measures rounds of cycles by the clock.
func (m *measurement) cycles(live func(n int) int) {
	rates, perCPU := make([]float64, rounds), make([]float64, rounds)
	live(m.cfg.Samples / warmUp)
	m.count(func() {
		for i := range rates {
			start, used := time.Now(), cpuTime()
			done := float64(live(m.cfg.Samples))
			rates[i] = done / time.Since(start).Seconds()
			perCPU[i] = done / max(cpuTime()-used, time.Microsecond).Seconds()
		}
	})
	m.result.Cycles, m.result.CPU = math.Round(median(rates)), math.Round(median(perCPU))
}

// cpuTime is what this process has used, which has one busy thread.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// count adds the allocations and decisions of what it runs.
func (m *measurement) count(run func()) {
	var before, after runtime.MemStats
	decisions := m.decisions
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	m.mallocs += after.Mallocs - before.Mallocs
	m.counted += m.decisions - decisions
}

// heap returns the bytes that are alive.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func round(x float64) float64 { return math.Round(x*10) / 10 }
