package sim

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filo/router/core"
)

// Load reads a scenario file. Every mistake is in the error, with file, line
// and key. Files that the scenario names are relative to its own.
func Load(path string) (*Scenario, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(path, data, os.DirFS(filepath.Dir(path)))
}

// Parse reads a scenario; name stands in errors, files holds the traces and
// lists of values that it names.
func Parse(name string, data []byte, files fs.FS) (*Scenario, error) {
	doc := &document{name: name, unit: time.Second}
	root := doc.root(data)
	if root.node != nil && !root.isMap() {
		return nil, fmt.Errorf("%s: should be keys and values; see configs/sim/README.md", name)
	}
	if root.node == nil {
		return nil, errors.Join(doc.errs...)
	}
	d := &decoder{sc: &Scenario{
		Name: filepath.Base(name), Unit: time.Second, Seed: 1, Replications: 10,
		warmup: math.NaN(),
	}, files: files}
	d.scenario(root)
	if len(doc.errs) > 0 {
		slices.SortStableFunc(doc.errs, func(a, b error) int { return cmp.Compare(line(a), line(b)) })
		doc.errs = slices.CompactFunc(doc.errs, func(a, b error) bool { return a.Error() == b.Error() }) // defaults are read for each class
		return nil, errors.Join(doc.errs...)
	}
	return d.sc, nil
}

// line returns the number after the file's name.
func line(err error) int {
	var n int
	s := err.Error()
	for i := range len(s) {
		if _, e := fmt.Sscanf(s[i:], ":%d:", &n); e == nil {
			return n
		}
	}
	return 0
}

// decoder turns values into a Scenario. Names may be used before the place
// where they are defined, so what needs them is read later, in order.
type decoder struct {
	sc     *Scenario
	files  fs.FS
	later  []func()
	skills map[string]int // of agents
	period float64
}

// scenario reads the whole document: first what everything else depends on.
func (d *decoder) scenario(root value) {
	sc := d.sc
	d.skills = map[string]int{}
	var classes, groups, defaults, channels, rooms, expect, places value
	keep := func(to *value) func(value) { return func(v value) { *to = v } }
	var rest []func()
	// until the unit is known, no time can be read
	soon := func(read func(value)) func(value) {
		return func(v value) { rest = append(rest, func() { read(v) }) }
	}
	root.fields(map[string]func(value){
		"name":         func(v value) { sc.Name = v.text() },
		"about":        func(v value) { sc.About = v.text() },
		"unit":         d.unit,
		"seed":         func(v value) { sc.Seed = uint64(v.whole(0, math.MaxInt)) }, //nolint:gosec // not negative
		"replications": func(v value) { sc.Replications = v.whole(1, 10_000) },
		"contacts":     func(v value) { sc.Contacts = int64(v.whole(1, math.MaxInt)) },
		"duration":     soon(func(v value) { sc.Duration = v.span() }),
		"warmup":       soon(d.warmup),
		"interval":     soon(func(v value) { sc.interval = v.span() }),
		"period":       soon(func(v value) { d.period = v.span() }),

		"priority_step": soon(func(v value) { sc.priorityStep = v.span() }),
		"offers":        soon(d.offers),
		"channels":      keep(&channels),
		"rooms":         keep(&rooms),
		"places":        keep(&places),
		"defaults":      keep(&defaults),
		"classes":       keep(&classes),
		"agents":        keep(&groups),
		"expect":        keep(&expect),
	})
	for _, read := range rest {
		read()
	}
	d.channels(channels)
	d.rooms(rooms, places)
	if classes.node == nil || groups.node == nil {
		root.failf("classes and agents are needed")
		return
	}
	d.names(classes, groups)
	groups.entries(d.group)
	classes.entries(func(name string, v value) { d.class(name, v, defaults, places) })
	for _, f := range d.later {
		f()
	}
	d.check(root)
	if expect.node != nil && len(root.doc.errs) == 0 {
		expect.items(d.expectation)
	}
}

func (d *decoder) unit(v value) {
	x, err := time.ParseDuration(v.text())
	if err != nil || x <= 0 {
		v.failf("should be a duration such as 1s, 1m or 1h, not %q", v.node.Value)
		return
	}
	d.sc.Unit, v.doc.unit, d.sc.named = x, x, true
}

func (d *decoder) warmup(v value) {
	if s := v.text(); s != "" && s[len(s)-1] == '%' {
		d.sc.warmup, d.sc.share = v.share(), true
		return
	}
	d.sc.warmup = v.span()
}

func (d *decoder) offers(v value) {
	o := &d.sc.offer
	v.fields(map[string]func(value){
		"timeout":    func(v value) { o.timeout = v.span() },
		"exclude":    func(v value) { o.exclude = v.span() },
		"rona_limit": func(v value) { o.ronaLimit = v.whole(0, 1000) },
		"rona_pause": func(v value) { o.ronaPause = d.dist(v) },
	})
}

func (d *decoder) channels(v value) {
	sc := d.sc
	if v.node == nil {
		sc.channels = []channel{{name: "voice", weight: 1}}
		return
	}
	var names []string
	v.entries(func(name string, v value) { names = append(names, v.name(name)) })
	if len(names) > core.MaxChannels {
		v.failf("at most %d channels", core.MaxChannels)
		return
	}
	v.entries(func(name string, v value) {
		ch := channel{name: name, weight: 1}
		if !v.isMap() {
			ch.weight = v.whole(1, 10_000)
		} else {
			v.fields(map[string]func(value){
				"weight": func(v value) { ch.weight = v.whole(1, 10_000) },
				"limit":  func(v value) { ch.limit = v.whole(0, 30_000) },
				"interrupts": func(v value) {
					v.items(func(v value) { ch.interrupts = append(ch.interrupts, v.oneOf(names...)) })
				},
			})
		}
		sc.channels = append(sc.channels, ch)
	})
}

// rooms reads waiting rooms: those with a name, and the one of all classes.
func (d *decoder) rooms(v, places value) {
	if v.node != nil {
		v.entries(func(name string, v value) {
			d.sc.rooms = append(d.sc.rooms, room{v.name(name), v.whole(0, math.MaxInt32)})
		})
	}
	if places.node != nil {
		d.sc.rooms = append(d.sc.rooms, room{"", places.whole(0, math.MaxInt32)})
	}
}

// names makes classes and groups known before they are read.
func (d *decoder) names(classes, groups value) {
	seen := map[string]bool{}
	note := func(name string, v value) {
		if seen[v.name(name)] {
			v.failf("the name is taken by a class")
		}
		seen[name] = true
	}
	classes.entries(func(name string, v value) {
		note(name, v)
		d.sc.classes = append(d.sc.classes, newClass(name))
	})
	groups.entries(func(name string, v value) {
		note(name, v)
		d.sc.groups = append(d.sc.groups, group{name: name})
	})
}

func (d *decoder) classNamed(v value, name string) int {
	i := slices.IndexFunc(d.sc.classes, func(c class) bool { return c.name == name })
	if i < 0 {
		v.failf("there is no class %q", name)
	}
	return max(i, 0)
}

func (d *decoder) groupNamed(v value) int {
	name := v.text()
	i := slices.IndexFunc(d.sc.groups, func(g group) bool { return g.name == name })
	if i < 0 {
		v.failf("there are no agents %q", name)
	}
	return max(i, 0)
}

func (d *decoder) roomNamed(v value) int {
	name := v.text()
	i := slices.IndexFunc(d.sc.rooms, func(r room) bool { return r.name == name })
	if i < 0 {
		v.failf("there is no waiting room %q in rooms", name)
	}
	return i
}

// check finds what does not fit together.
func (d *decoder) check(root value) {
	sc := d.sc
	ends := true
	for i := range sc.classes {
		ends = ends && !math.IsInf(sc.classes[i].comes.last(), 1)
	}
	switch {
	case sc.Contacts > 0 && sc.Duration > 0:
		root.failf("contacts and duration both say when to end; give one")
	case sc.Contacts == 0 && sc.Duration == 0 && !ends:
		sc.Contacts = 10_000_000
	}
	if math.IsNaN(sc.warmup) {
		sc.share, sc.warmup = true, 0
		if sc.Contacts > 0 {
			sc.warmup = 0.05
		}
	}
	if len(sc.rooms) > 250 || len(sc.classes) > 10_000 || len(sc.groups) > 10_000 {
		root.failf("at most 250 waiting rooms, 10000 classes and 10000 groups of agents")
	}
	for i := range sc.classes {
		if p := sc.classes[i].prefers; p.group != "" && sc.groups[p.index].count == 0 {
			root.failf("classes.%s.prefers: %s has no agents", sc.classes[i].name, p.group)
		}
	}
	d.order(root)
}

// order finds overflows that go in a circle: the core wants the target of an
// overflow defined before.
func (d *decoder) order(root value) {
	for i := range d.sc.classes {
		hops := 0
		for c := &d.sc.classes[i]; c.overflow.to != ""; c = &d.sc.classes[c.overflow.index] {
			if hops++; hops > len(d.sc.classes) {
				root.failf("classes: the overflow of %s goes in a circle", d.sc.classes[i].name)
				return
			}
		}
	}
}
