package sim

import (
	"bufio"
	"cmp"
	"math"
	"slices"
	"strings"
)

var inf = math.Inf(1)

// dist reads a distribution of times: a bare time is fixed.
func (d *decoder) dist(v value) dist {
	if !v.isMap() {
		switch {
		case v.isNull(), v.text() == "never", v.text() == "none":
			return nil
		}
		return fixed(v.span())
	}
	var out dist = fixed(1)
	kinds := 0
	set := func(read func(value) dist) func(value) {
		return func(v value) {
			if kinds++; kinds > 1 {
				v.failf("one distribution only")
			}
			out = read(v)
		}
	}
	v.fields(map[string]func(value){
		"fixed":     set(func(v value) dist { return fixed(v.span()) }),
		"exp":       set(d.exponential),
		"erlang":    set(d.erlang),
		"lognormal": set(d.lognormal),
		"uniform":   set(d.uniform),
		"weibull":   set(d.weibull),
		"hyper":     set(d.hyper),
		"empirical": set(d.empirical),
		"mix":       set(d.mix),
	})
	if kinds == 0 {
		v.failf("a distribution is needed, such as {exp: 3m}")
	}
	return out
}

// keys reads the numbers of a distribution; those that are not given are 0.
func (v value) keys(spans, numbers map[string]*float64) {
	known := map[string]func(value){}
	for key, to := range spans {
		known[key] = func(v value) { *to = v.span() }
	}
	for key, to := range numbers {
		known[key] = func(v value) { *to = v.number(-1e9, 1e9) }
	}
	v.fields(known)
}

func (d *decoder) exponential(v value) dist {
	if !v.isMap() {
		return exponential(v.positive(v.span()))
	}
	var mean, rate float64
	v.fields(map[string]func(value){
		"mean": func(v value) { mean = v.span() },
		"rate": func(v value) { rate = v.rate() },
	})
	if rate > 0 {
		mean = 1 / rate
	}
	return exponential(v.positive(mean))
}

// positive complains about a time of 0, or none at all.
func (v value) positive(x float64) float64 {
	if x <= 0 {
		v.failf("should be more than 0")
		return 1
	}
	return x
}

func (d *decoder) erlang(v value) dist {
	var mean float64
	k := 0
	v.fields(map[string]func(value){
		"mean": func(v value) { mean = v.span() },
		"k":    func(v value) { k = v.whole(1, 10_000) },
	})
	if k == 0 {
		v.failf("k is needed: the number of phases")
		k = 1
	}
	return erlang{k: k, phase: v.positive(mean) / float64(k)}
}

func (d *decoder) lognormal(v value) dist {
	var mean, sd, cv, median, mu, sigma float64
	v.keys(map[string]*float64{"mean": &mean, "sd": &sd, "median": &median}, map[string]*float64{"cv": &cv, "mu": &mu, "sigma": &sigma})
	switch {
	case mean > 0 && sigma > 0:
		return lognormal{math.Log(mean) - sigma*sigma/2, sigma}
	case mean > 0 && sd > 0:
		return newLognormal(mean, sd/mean)
	case mean > 0 && cv > 0:
		return newLognormal(mean, cv)
	case median > 0 && sigma > 0:
		return lognormal{math.Log(median), sigma}
	case sigma > 0 && mean == 0 && median == 0:
		return lognormal{mu, sigma}
	}
	v.failf("should have mean and cv (or sd, or sigma), median and sigma, or mu and sigma")
	return fixed(1)
}

func (d *decoder) uniform(v value) dist {
	var ends []float64
	v.items(func(v value) { ends = append(ends, v.span()) })
	if len(ends) != 2 || ends[0] > ends[1] {
		v.failf("should be [from, to]")
		return fixed(1)
	}
	return uniform{ends[0], ends[1]}
}

func (d *decoder) weibull(v value) dist {
	var mean, scale, shape float64
	v.keys(map[string]*float64{"mean": &mean, "scale": &scale}, map[string]*float64{"shape": &shape})
	if shape <= 0 || (mean > 0) == (scale > 0) {
		v.failf("should have shape, and mean or scale")
		return fixed(1)
	}
	if mean > 0 {
		scale = mean / math.Gamma(1+1/shape)
	}
	return weibull{shape, scale}
}

func (d *decoder) hyper(v value) dist {
	var mean, cv float64
	v.keys(map[string]*float64{"mean": &mean}, map[string]*float64{"cv": &cv})
	if mean <= 0 || cv < 1 {
		v.failf("should have mean, and cv of at least 1")
		return fixed(1)
	}
	return newHyper(mean, cv)
}

// empirical reads values, {values: weights} beside them, or a file of values.
func (d *decoder) empirical(v value) dist {
	var values, weights []float64
	list := func(v value) { v.items(func(v value) { values = append(values, v.span()) }) }
	if !v.isMap() {
		list(v)
	} else {
		v.fields(map[string]func(value){
			"values":  list,
			"weights": func(v value) { v.items(func(v value) { weights = append(weights, v.number(0, inf)) }) },
			"file": func(v value) {
				d.lines(v, func(fields []string) error {
					x, err := parseSpan(fields[0], v.doc.unit)
					if err == nil {
						values = append(values, x)
					}
					return err
				})
			},
		})
	}
	if len(values) == 0 || weights != nil && (len(weights) != len(values) || slices.Max(weights) == 0) {
		v.failf("should have values, and as many weights or none")
		return fixed(1)
	}
	if slices.Min(values) < 0 {
		v.failf("no time may be negative")
	}
	return newEmpirical(values, weights)
}

// mix reads a list of {share, of}.
func (d *decoder) mix(v value) dist {
	var weights []float64
	var parts []dist
	v.items(func(v value) {
		var part dist
		share := 0.0
		v.fields(map[string]func(value){
			"share": func(v value) { share = v.share() },
			"of":    func(v value) { part = d.dist(v) },
		})
		if part == nil || share <= 0 {
			v.failf("should have share and of, a distribution")
			return
		}
		weights, parts = append(weights, share), append(parts, part)
	})
	if len(parts) == 0 {
		return fixed(1)
	}
	return newMixture(weights, parts)
}

// process reads how contacts arrive: a bare number is the rate of a Poisson
// process.
func (d *decoder) process(v value, class string) process {
	if !v.isMap() {
		if v.isNull() || v.text() == "none" {
			return nobody{}
		}
		return poisson(v.rate())
	}
	var out process
	p := piecewise{period: d.period}
	every := 0.0
	v.fields(map[string]func(value){
		"rate":    func(v value) { out = poisson(v.rate()) },
		"between": func(v value) { out = d.renewal(v) },
		"rates":   func(v value) { d.rates(&p, v) },
		"every":   func(v value) { every = v.span() },
		"period":  func(v value) { p.period = v.span() },
		"trace":   func(v value) { out = d.trace(v, class) },
	})
	switch {
	case out != nil && p.rate == nil:
		return out
	case p.rate == nil:
		v.failf("should have rate, rates, between or trace")
		return nobody{}
	}
	return p.spread(v, every)
}

func poisson(rate float64) process {
	if rate <= 0 {
		return nobody{}
	}
	return renewal{exponential(1 / rate)}
}

func (d *decoder) renewal(v value) process {
	between := d.dist(v)
	if between == nil || between.mean() <= 0 {
		v.failf("the mean should be more than 0")
		return nobody{}
	}
	return renewal{between}
}

// rates reads [{from, rate}, ...], or bare rates for spans of equal length.
func (d *decoder) rates(p *piecewise, v value) {
	v.items(func(v value) {
		from, rate := math.NaN(), 0.0
		if v.isMap() {
			from = 0
			v.fields(map[string]func(value){
				"from": func(v value) { from = v.span() },
				"rate": func(v value) { rate = v.rate() },
			})
		} else {
			rate = v.rate()
		}
		p.from, p.rate = append(p.from, from), append(p.rate, rate)
	})
}

// spread gives the spans of a piecewise process their places.
func (p piecewise) spread(v value, every float64) process {
	total := 0.0
	for i := range p.from {
		total += p.rate[i]
		if math.IsNaN(p.from[i]) {
			p.from[i] = float64(i) * every
		} else if every > 0 {
			v.failf("every is for bare rates")
		}
		if i > 0 && p.from[i] <= p.from[i-1] {
			v.failf("rates: each should begin after the one before; bare rates need every")
			return nobody{}
		}
	}
	if p.period == 0 && every > 0 {
		p.from, p.rate = append(p.from, float64(len(p.rate))*every), append(p.rate, 0) // then nobody comes
	}
	if p.from[0] > 0 {
		p.from, p.rate = append([]float64{0}, p.from...), append([]float64{0}, p.rate...)
	}
	if end := p.from[len(p.from)-1]; p.period > 0 && p.period <= end {
		v.failf("period should be more than %g units, where the last rate begins", end)
	}
	if total <= 0 {
		return nobody{}
	}
	return p
}

// trace reads arrival times of the class: a list, or a file with a line for
// each contact, "time[,service[,patience]]" or the columns that its heading
// names. With a column class, the lines of this class count.
func (d *decoder) trace(v value, class string) process {
	var t trace
	if v.isList() {
		v.items(func(v value) { t = append(t, arrival{v.span(), -1, -1}) })
	} else {
		columns := []string{"time", "service", "patience"}
		d.lines(v, func(fields []string) error {
			if slices.Contains(fields, "time") {
				columns = fields
				return nil
			}
			a, of, err := d.traceLine(v, columns, fields)
			if err == nil && (of == "" || of == class) {
				t = append(t, a)
			}
			return err
		})
	}
	if len(t) == 0 {
		return nobody{}
	}
	slices.SortStableFunc(t, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return t
}

// traceLine reads one contact of a file, and whose it is if that is said.
func (d *decoder) traceLine(v value, columns, fields []string) (a arrival, class string, err error) {
	a = arrival{service: -1, patience: -1}
	to := map[string]*float64{"time": &a.at, "service": &a.service, "patience": &a.patience}
	for i, field := range fields {
		switch {
		case i >= len(columns) || field == "":
		case columns[i] == "class":
			class = field
		case to[columns[i]] != nil:
			x, err := parseSpan(field, v.doc.unit)
			if err == nil && x < 0 {
				err = errNumber
			}
			if err != nil {
				return a, class, err
			}
			*to[columns[i]] = x
		}
	}
	return a, class, nil
}

// lines reads a file of comma-separated values: empty lines, comments and a
// heading are skipped.
func (d *decoder) lines(v value, read func(fields []string) error) {
	f, err := d.files.Open(v.text())
	if err != nil {
		v.failf("%v", err)
		return
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		text := strings.TrimSpace(in.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		fields := strings.Split(text, ",")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if err := read(fields); err != nil && n > 1 {
			v.failf("%s:%d: %v", v.text(), n, err)
			return
		}
	}
	if err := in.Err(); err != nil {
		v.failf("%v", err)
	}
}
