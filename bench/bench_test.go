package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQuantiles(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for _, c := range []struct {
		name string
		n    int // latencies of 1, 2, ... n ms
		want Quantiles
	}{
		{"none", 0, Quantiles{}},
		{"one", 1, Quantiles{1, ms(1), ms(1), ms(1), ms(1)}},
		{"two", 2, Quantiles{2, ms(1), ms(2), ms(2), ms(2)}},
		{"ten", 10, Quantiles{10, ms(5), ms(9), ms(10), ms(10)}},
		{"hundred", 100, Quantiles{100, ms(50), ms(90), ms(99), ms(100)}},
		{"thousand", 1000, Quantiles{1000, ms(500), ms(900), ms(990), ms(1000)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l latencies
			for i := c.n; i > 0; i-- { // the order of arrival does not matter
				l.add(ms(i))
			}
			require.Equal(t, c.want, l.quantiles())
		})
	}
}

func TestQuantilesAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l latencies
		all := rapid.SliceOfN(rapid.Int64Range(0, 1e9), 1, 300).Draw(t, "latencies")
		for _, d := range all {
			l.add(time.Duration(d))
		}
		q := l.quantiles()
		if q.P50 > q.P90 || q.P90 > q.P99 || q.P99 > q.Max || q.N != len(all) {
			t.Fatalf("%+v", q)
		}
		above := 0
		for _, d := range all {
			if time.Duration(d) > q.P99 {
				above++
			}
		}
		if above*100 > len(all) {
			t.Fatalf("%d of %d above the p99", above, len(all))
		}
	})
}

func page(t *testing.T, text string) metrics {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	m, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	return m
}

const before = `# TYPE look histogram
look_bucket{status="hot",le="0.001"} 10
look_bucket{status="hot",le="0.002"} 10
look_bucket{status="hot",le="+Inf"} 10
look_sum{status="hot"} 1
look_count{status="hot"} 10
`

const after = `# TYPE look histogram
look_bucket{status="hot",le="0.001"} 60
look_bucket{status="hot",le="0.002"} 100
look_bucket{status="hot",le="+Inf"} 100
look_sum{status="hot"} 1
look_count{status="hot"} 100
look_bucket{status="miss",le="0.001"} 0
look_bucket{status="miss",le="0.002"} 9
look_bucket{status="miss",le="+Inf"} 10
look_sum{status="miss"} 1
look_count{status="miss"} 10
`

func TestHistogramGrowth(t *testing.T) {
	h, ok := grown(page(t, before), page(t, after), "look")
	require.True(t, ok)
	require.Equal(t, []uint64{50, 99, 100}, h.count, "summed over labels, less what was before")
	require.Equal(t, time.Millisecond, h.quantile(.5))
	require.Equal(t, 2*time.Millisecond, h.quantile(.99))
	require.Equal(t, 2*time.Millisecond, h.quantile(1), "the last bucket has no upper bound")
	require.InDelta(t, float64(1500*time.Microsecond), float64(h.quantile(.745)), float64(10*time.Microsecond))

	h, ok = grown(nil, page(t, before), "look")
	require.True(t, ok)
	require.Equal(t, []uint64{10, 10, 10}, h.count, "new since the first scrape")
	_, ok = grown(page(t, before), page(t, after), "other")
	require.False(t, ok)
	require.Zero(t, histogram{}.quantile(.5))
	require.Zero(t, histogram{upper: []float64{1, math.Inf(1)}, count: []uint64{0, 0}}.quantile(.5))
}

func TestCounterGrowth(t *testing.T) {
	old := page(t, "# TYPE used_total counter\nused_total{of=\"a\"} 2\n")
	now := page(t, "# TYPE used_total counter\nused_total{of=\"a\"} 3.5\nused_total{of=\"b\"} 1\n")
	require.InDelta(t, 2.5, counted(old, now, "used_total"), 1e-9, "summed over labels, less what was before")
	require.InDelta(t, 4.5, counted(nil, now, "used_total"), 1e-9)
	require.Zero(t, counted(old, now, "other_total"))
}

func TestJudge(t *testing.T) {
	good := CallReport{
		Started: 100, Completed: 100, Setup: Quantiles{N: 100, P99: 5 * time.Millisecond},
		Offer: Quantiles{N: 100, P99: 8 * time.Millisecond}, Context: &Quantiles{N: 100, P99: time.Millisecond},
	}
	strict := Limits{OfferP99: 10 * time.Millisecond, ContextP99: 2 * time.Millisecond, SetupP99: 10 * time.Millisecond}
	for _, c := range []struct {
		name   string
		change func(*CallReport, *Limits)
		missed string // "" for a pass
	}{
		{"all kept", func(*CallReport, *Limits) {}, ""},
		{"a failed call", func(r *CallReport, _ *Limits) { r.Failed = 1 }, "failed calls: 1 of 100, at most 0"},
		{"failed calls that may", func(r *CallReport, l *Limits) { r.Failed, l.MaxFailed = 50, -1 }, ""},
		{"a late offer", func(r *CallReport, _ *Limits) { r.Offer.P99 = 11 * time.Millisecond }, "offer p99: 11ms, at most 10ms"},
		{"no offer at all", func(r *CallReport, _ *Limits) { r.Offer = Quantiles{} }, "offer: nothing was measured"},
		{"a late 200", func(r *CallReport, _ *Limits) { r.Setup.P99 = time.Second }, "set-up p99: 1s"},
		{"no context figures", func(r *CallReport, _ *Limits) { r.Context = nil }, "context: the server shows no figures"},
		{"slow context", func(r *CallReport, _ *Limits) { r.Context = &Quantiles{N: 1, P99: time.Second} }, "context p99: 1s"},
		{"loss", func(r *CallReport, _ *Limits) { r.RTPLoss = .001 }, "RTP loss: 0.1000 %, at most 0.0000 %"},
		{"loss that may", func(r *CallReport, l *Limits) { r.RTPLoss, l.MaxLoss = .5, -1 }, ""},
		{"no thresholds", func(r *CallReport, l *Limits) {
			*r, *l = CallReport{Failed: 9, RTPLoss: 1}, Limits{MaxFailed: -1, MaxLoss: -1}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, l := good, strict
			c.change(&r, &l)
			r.Verdict, r.Missed = "PASS", []string{}
			r.judge(l)
			if c.missed == "" {
				require.Equal(t, "PASS", r.Verdict, "%v", r.Missed)
				return
			}
			require.Equal(t, "FAIL", r.Verdict)
			require.Len(t, r.Missed, 1)
			require.Contains(t, r.Missed[0], c.missed)
		})
	}
}

func TestReportForms(t *testing.T) {
	r := CallReport{
		Verdict: "FAIL", Missed: []string{"offer p99: 11ms, at most 10ms"}, Rate: 50, Started: 10, Completed: 8, Failed: 2,
		FailedBy: map[string]int{"503": 1, "486": 1}, Setup: Quantiles{N: 10, P50: 1500 * time.Microsecond}, Machine: "test",
	}
	var text, js bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	require.Regexp(t, `(?s)FAIL: 8 of 10 calls.*missed: offer.*failed 486 .*failed 503 .*set-up.*1\.5ms`, text.String())
	require.NotContains(t, text.String(), "audio", "what was not measured is not shown")
	require.NoError(t, r.WriteJSON(&js))
	var back map[string]any
	require.NoError(t, json.Unmarshal(js.Bytes(), &back))
	require.Equal(t, 1.5, back["setup"].(map[string]any)["p50_ms"])
	require.Nil(t, back["context"])
	require.Equal(t, 1, strings.Count(js.String(), "\n"))
}

func TestCommandLine(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte(" s3cret \n"), 0o600))
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"", 2, "", "Usage:"},
		{"help", 0, "filo-bench call", ""},
		{"dance", 2, "", `unknown command "dance"`},
		{"version", 0, "filo-bench v1", ""},
		{"call -h", 0, "", "-max-offer-p99"},
		{"call -rate 0 -password-file " + password, 2, "", "-rate must be more than 0"},
		{"call -agents 1", 2, "", "-password-file is needed"},
		{"call -password-file " + password + ".none", 2, "", "-password-file: "},
		{"call extra", 2, "", `unexpected argument: "extra"`},
		{"call -dance", 2, "", "not defined: -dance"},
		{"call -duration -1s -hold -1s -agents -1 -callers 0", 2, "", "-callers must be"},
		{"route -h", 0, "", "-cpuprofile"},
		{"route extra", 2, "", `unexpected argument: "extra"`},
		{"route -dance", 2, "", "not defined: -dance"},
		{"route -agents 0", 2, "", "-agents: bad world: 0 is not in"},
		{"route -all -cpuprofile f", 2, "", "-cpuprofile is of one world"},
		{"route -agents 20 -waiting 5 -skills 10 -samples 100 -json", 0, `"arrive_ns":{"n":100,`, ""},
		{"route -agents 20 -waiting 5 -skills 10 -samples 100", 0, "free -> contact", ""},
		{"staff -h", 0, "", "filo-bench staff [flags] plan.yaml"},
		{"staff", 2, "", "a plan, -rate or -simulate is needed"},
		{"staff -simulate s.yaml a.yaml", 2, "", "-simulate stands alone"},
		{"staff -simulate none.yaml", 2, "", "none.yaml"},
		{"staff -simulate ../configs/sim/oracles/n-model.yaml -contacts 0", 2, "", "-contacts must be"},
		{"staff -simulate ../configs/sim/oracles/n-model.yaml -contacts 1000", 1, "", "no figure to be >="},
		{"staff -rate 100/h a.yaml", 2, "", "a plan, -rate or -simulate is needed"},
		{"staff -rate 100", 2, "", `should be contacts a unit of time`},
		{"staff -rate 100/h", 2, "", "intervals[0].handle: should be"},
		{"staff -rate 100/h -handle 4m", 2, "", "no target is set"},
		{"staff -rate 100/h -handle 4m -target 80", 2, "", "should be percent and time"},
		{"staff -rate 100/h -handle 4m -target 80/20s", 0, "86.78 %", ""},
		{"staff -rate 100/h -handle 4m -target 80/20s -patience 2m -shrinkage 30% -json", 0, `"agents":9,`, ""},
		{"staff -rate 100/h -handle 4m -asa 20s -abandon 3% -occupancy 60%", 0, "one less:", ""},
		{"staff none.yaml", 2, "", "read plan: "},
		{"users -h", 0, "", "-prefix"},
		{"users -dance", 2, "", "not defined"},
		{"users -n 2 -skills checkout", 0, "user: bench2", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Main(t.Context(), strings.Fields(c.args), "v1", &out, &errs)
			require.Equal(t, c.code, code, "%s%s", out.String(), errs.String())
			require.Contains(t, out.String(), c.stdout)
			require.Contains(t, errs.String(), c.stderr)
		})
	}
	cfg, out, err := parseCall(strings.Fields("-rate 7 -json -password-file "+password), &bytes.Buffer{})
	require.NoError(t, err)
	require.Equal(t, "s3cret", cfg.Password)
	require.InDelta(t, 7, cfg.Rate, 0)
	require.True(t, out.json)
}

// Flags stand above the plan.
func TestStaffPlan(t *testing.T) {
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	require.NoError(t, os.WriteFile(plan, []byte(
		"target: {asa: 1s}\nintervals: [{start: 09:00, length: 1h, contacts: 100, handle: 1m, shrinkage: 50%}]\n"), 0o600))
	for _, c := range []struct{ flags, want string }{
		{"", `"agents":5,`},
		{"-asa 30s -target 80/20s -handle 4m", `"agents":10,`},
		{"-asa 30s -target 80/20s -handle 4m -patience 2m -shrinkage 0%", `"scheduled":9}`},
		{"-asa 0 -occupancy 10%", `"agents":17,`},
		{"-asa 0 -abandon 1% -patience 1m", `"shrinkage":0.5,`},
	} {
		var out, errs bytes.Buffer
		require.Zero(t, Main(t.Context(), append(append([]string{"staff", "-json"}, strings.Fields(c.flags)...), plan), "v1", &out, &errs), errs.String())
		require.Contains(t, out.String(), c.want)
	}
}

// No server: the bench fails by itself, not by a report.
func TestNobodyThere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := Call(ctx, CallConfig{Server: "127.0.0.1:9", Web: "http://127.0.0.1:9", WriteKey: "k", Callers: 1, Rate: 1, Duration: time.Second})
	require.ErrorContains(t, err, "introduce callers")
}
