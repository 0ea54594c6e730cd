package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Expectation is what a figure ought to be: near a value, or within bounds.
type Expectation struct {
	Text     string
	Metric   reference
	Over     reference // the figure is Metric / Over, if it names one
	Value    float64   // NaN: bounds only
	Within   float64   // how far from Value
	Relative bool      // Within is a share of Value
	Min, Max float64   // NaN: none
}

// reference is a figure of a class, a group or of all.
type reference struct{ owner, measure string }

// Verdict is an expectation beside what was found.
type Verdict struct {
	Expectation
	Got  Estimate
	Pass bool
}

// MarshalJSON writes the expectation as it stands in the scenario.
func (v Verdict) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Expect string   `json:"expect"`
		Got    Estimate `json:"got"`
		Pass   bool     `json:"pass"`
	}{v.Text, v.Got, v.Pass})
}

// judge compares every expectation with what was found.
func (r *Result) judge() {
	r.Pass = true
	for _, x := range r.Scenario.expect {
		got := r.find(x.Metric)
		if x.Over.measure != "" {
			a, b := got, r.find(x.Over)
			got = estimate(a.Mean/b.Mean, len(a.each), func(k int) float64 { return a.each[k] / b.each[k] })
		}
		v := Verdict{x, got, x.met(got.Mean)}
		r.Expect = append(r.Expect, v)
		r.Pass = r.Pass && v.Pass
	}
}

func (x *Expectation) met(got float64) bool {
	if math.IsNaN(got) {
		return false
	}
	return !(math.Abs(got-x.Value) > x.Tolerance()) && !(got < x.Min) && !(got > x.Max)
}

// Tolerance is how far from Value the figure may be.
func (x *Expectation) Tolerance() float64 {
	if x.Relative {
		return x.Within * math.Abs(x.Value)
	}
	return x.Within
}

func (r *Result) find(f reference) Estimate {
	if f.owner == "all" {
		return r.All.Measures[f.measure]
	}
	for _, c := range r.Classes {
		if c.Name == f.owner {
			return c.Measures[f.measure]
		}
	}
	for _, g := range r.Groups {
		if g.Name == f.owner {
			return g.Measures[f.measure]
		}
	}
	return Estimate{Mean: math.NaN(), Half: math.NaN()}
}

const metricPattern = `([\w:-]+)\.(\w+)`

// sentence is "a.wait = 3/11 ± 1%", "all.service_level >= 80%" or
// "a.wait / all.wait = 0.5 ± 0.5%".
var sentence = regexp.MustCompile(`^` + metricPattern + `(?:\s*/\s*` + metricPattern + `)?\s*(==?|>=?|<=?|≥|≤)\s*([^±~]*?)\s*(?:(?:±|\+-|\+/-|~)\s*(.+))?$`)

// expectation reads a sentence, or keys that say the same.
func (d *decoder) expectation(v value) {
	x := Expectation{Value: math.NaN(), Within: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	if v.isMap() {
		d.expectationKeys(v, &x)
	} else {
		d.sentence(v, &x)
	}
	if !math.IsNaN(x.Value) && math.IsNaN(x.Within) {
		v.failf("a tolerance is needed, such as ± 1%% or ± 0.003")
	}
	d.sc.expect = append(d.sc.expect, x)
}

func (d *decoder) sentence(v value, x *Expectation) {
	x.Text = v.text()
	m := sentence.FindStringSubmatch(strings.TrimSpace(x.Text))
	if m == nil {
		v.failf("%q is not like \"a.wait = 0.27 ± 1%%\" or \"all.service_level >= 0.8\"", x.Text)
		return
	}
	x.Metric = d.reference(v, m[1], m[2])
	if m[4] != "" {
		x.Over = d.reference(v, m[3], m[4])
	}
	target := x.parse(v, m[6])
	switch m[5] {
	case "=", "==":
		x.Value = target
		x.tolerance(v, m[7])
		return
	case ">=", ">", "≥":
		x.Min = target
	default:
		x.Max = target
	}
	if m[7] != "" {
		v.failf("a bound has no tolerance")
	}
}

func (d *decoder) expectationKeys(v value, x *Expectation) {
	metric := func(v value) reference {
		owner, name, _ := strings.Cut(v.text(), ".")
		return d.reference(v, owner, name)
	}
	var parts []string
	note := func(format string, v value) { parts = append(parts, fmt.Sprintf(format, v.text())) }
	v.fields(map[string]func(value){
		"metric": func(v value) { x.Metric = metric(v); note("%s", v) },
		"over":   func(v value) { x.Over = metric(v); note("/ %s", v) },
		"value":  func(v value) { x.Value = x.parse(v, v.text()); note("= %s", v) },
		"within": func(v value) { x.tolerance(v, v.text()); note("± %s", v) },
		"min":    func(v value) { x.Min = x.parse(v, v.text()); note(">= %s", v) },
		"max":    func(v value) { x.Max = x.parse(v, v.text()); note("<= %s", v) },
	})
	x.Text = strings.Join(parts, " ")
	if x.Metric.measure == "" || math.IsNaN(x.Value) && math.IsNaN(x.Min) && math.IsNaN(x.Max) {
		v.failf("should have metric, and value and within, or min or max")
	}
}

// parse reads a number, a percentage or a time.
func (x *Expectation) parse(v value, s string) float64 {
	if p, ok := strings.CutSuffix(s, "%"); ok {
		if f, err := parseNumber(p); err == nil {
			return f / 100
		}
	}
	f, err := parseSpan(s, v.doc.unit)
	if err != nil {
		v.failf("%q is neither a number nor a time", s)
	}
	return f
}

func (x *Expectation) tolerance(v value, s string) {
	if s == "" {
		return
	}
	x.Relative = strings.HasSuffix(s, "%")
	if x.Within = x.parse(v, s); x.Within < 0 {
		v.failf("a tolerance is not negative")
	}
}

// reference finds the figure that OWNER.MEASURE names.
func (d *decoder) reference(v value, owner, name string) reference {
	isClass := slices.ContainsFunc(d.sc.classes, func(c class) bool { return c.name == owner })
	isGroup := slices.ContainsFunc(d.sc.groups, func(g group) bool { return g.name == owner })
	if !isClass && !isGroup && owner != "all" {
		v.failf("there is neither a class nor a group of agents %q", owner)
		return reference{}
	}
	var names []string
	if !isGroup {
		for _, m := range classMeasures {
			names = append(names, m.name)
		}
	}
	if !isClass {
		for _, m := range groupMeasures {
			names = append(names, m.name)
		}
	}
	if owner == "all" {
		names = append(names, allBusy)
	}
	if !slices.Contains(names, name) {
		v.failf("%s has no figure %q; there are %s", owner, name, strings.Join(names, ", "))
	}
	return reference{owner, name}
}
