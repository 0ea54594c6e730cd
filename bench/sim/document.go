package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// document is a scenario file while it is read. It gathers every mistake, each
// with file, line and key.
type document struct {
	name string
	unit time.Duration // what a bare number of time means
	errs []error

	values int // that were looked at
}

// value is a node of the document and the path of keys that leads to it.
type value struct {
	doc   *document
	node  *yaml.Node
	path  string
	depth int
}

// Bounds that no scenario reaches; an alias inside what it stands for would
// have no end.
const (
	maxDepth  = 50
	maxValues = 5_000_000
)

// root parses data; the value's node is nil when there is nothing to read.
func (d *document) root(data []byte) value {
	var node yaml.Node
	if err := yaml.Load(data, &node); err != nil {
		d.errs = append(d.errs, d.yamlError(err))
		return value{doc: d}
	}
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		return value{doc: d, node: node.Content[0]}
	}
	return value{doc: d, node: &node}
}

func (d *document) yamlError(err error) error {
	if one, ok := errors.AsType[*yaml.LoadError](err); ok {
		return fmt.Errorf("%s:%d: %s", d.name, one.Mark.Line, one.Message)
	}
	return fmt.Errorf("%s: %w", d.name, err)
}

// failf notes a mistake at the value.
func (v value) failf(format string, args ...any) {
	if len(v.doc.errs) >= 1000 {
		return // enough is enough
	}
	path := v.path
	if path != "" {
		path += ": "
	}
	v.doc.errs = append(v.doc.errs, fmt.Errorf("%s:%d: %s%s", v.doc.name, v.node.Line, path, fmt.Sprintf(format, args...)))
}

// below is a value inside v.
func (v value) below(name string, node *yaml.Node) value {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if v.path != "" && !strings.HasPrefix(name, "[") {
		name = "." + name
	}
	x := value{doc: v.doc, node: node, path: v.path + name, depth: v.depth + 1}
	if v.doc.values++; x.depth > maxDepth || v.doc.values > maxValues {
		if v.doc.values < maxValues+10 {
			x.failf("too deep, or without end")
		}
		x.node = &yaml.Node{Kind: yaml.ScalarNode, Line: node.Line}
	}
	return x
}

func (v value) isMap() bool  { return v.node.Kind == yaml.MappingNode }
func (v value) isList() bool { return v.node.Kind == yaml.SequenceNode }
func (v value) isNull() bool { return v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null" }

// entries calls f for every key of a mapping, in the order of the file. What
// "<<" merges comes first, so that the keys beside it replace it.
func (v value) entries(f func(key string, v value)) {
	if !v.isMap() {
		v.failf("should be keys and values, {key: value, ...}")
		return
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == "<<" {
			v.below("<<", v.node.Content[i+1]).entries(f)
		}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i].Value
		x := v.below(key, v.node.Content[i+1])
		switch {
		case key == "<<":
		case seen[key]:
			x.failf("the key is there twice")
		default:
			seen[key] = true
			f(key, x)
		}
	}
}

// fields reads a mapping that has these keys only.
func (v value) fields(known map[string]func(value)) {
	v.entries(func(key string, x value) {
		if read := known[key]; read != nil {
			read(x)
			return
		}
		var keys []string
		for k := range known {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		x.failf("unknown key %s; there are %s", key, strings.Join(keys, ", "))
	})
}

// items calls f for every element of a list; anything else is a list of one.
func (v value) items(f func(value)) {
	if !v.isList() {
		f(v)
		return
	}
	for i, n := range v.node.Content {
		f(v.below(fmt.Sprintf("[%d]", i), n))
	}
}

// text reads a scalar.
func (v value) text() string {
	if v.node.Kind != yaml.ScalarNode {
		v.failf("should be one word or number")
		return ""
	}
	return v.node.Value
}

// name reads a name that reports and expectations can refer to.
func (v value) name(s string) string {
	ok := s != "" && s != "all"
	for _, r := range s {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-:", r))
	}
	if !ok {
		v.failf("%q is not a name: letters, digits, _, - and :, and not \"all\"", s)
	}
	return s
}

// number reads a finite number, also as a fraction such as 4/11, of lo to hi.
func (v value) number(lo, hi float64) float64 {
	x, err := parseNumber(v.text())
	if err != nil || x < lo || x > hi {
		v.failf("should be a number%s, not %q", bounds(lo, hi), v.node.Value)
		return max(lo, min(x, hi))
	}
	return x
}

// whole reads an integer of lo to hi.
func (v value) whole(lo, hi int) int {
	n, err := strconv.Atoi(strings.ReplaceAll(v.text(), "_", ""))
	if err != nil || n < lo || n > hi {
		v.failf("should be a whole number of %d to %d, not %q", lo, hi, v.node.Value)
		return lo
	}
	return n
}

// share reads a probability, also as 30%.
func (v value) share() float64 {
	s := v.text()
	if p, ok := strings.CutSuffix(s, "%"); ok {
		if x, err := parseNumber(strings.TrimSpace(p)); err == nil && x >= 0 && x <= 100 {
			return x / 100
		}
	} else if x, err := parseNumber(s); err == nil && x >= 0 && x <= 1 {
		return x
	}
	v.failf("should be 0 to 1 or a percentage, not %q", s)
	return 0
}

func (v value) yes() bool {
	switch v.text() {
	case "true", "yes":
		return true
	case "false", "no":
		return false
	}
	v.failf("should be true or false, not %q", v.node.Value)
	return false
}

// oneOf reads a word and returns its index.
func (v value) oneOf(words ...string) int {
	if i := slices.Index(words, v.text()); i >= 0 {
		return i
	}
	v.failf("%q is none of %s", v.node.Value, strings.Join(words, ", "))
	return 0
}

// span reads a length of time, not negative, in units: a bare number counts
// units, "90s" and "1h30m" are durations, "08:30" is a time of day.
func (v value) span() float64 {
	x, err := parseSpan(v.text(), v.doc.unit)
	if err != nil || x < 0 {
		v.failf("should be a time such as 1.5 (units) or 90s, not %q", v.node.Value)
		return 0
	}
	return x
}

// rate reads a number per unit of time, or "30/h", "12/15m".
func (v value) rate() float64 {
	x, err := parseRate(v.text(), v.doc.unit)
	if err != nil || x < 0 {
		v.failf("should be a rate such as 4.5 (per unit) or 30/h, not %q", v.node.Value)
		return 0
	}
	return x
}

func bounds(lo, hi float64) string {
	switch {
	case math.IsInf(lo, -1) && math.IsInf(hi, 1):
		return ""
	case math.IsInf(hi, 1):
		return fmt.Sprintf(" of at least %g", lo)
	default:
		return fmt.Sprintf(" of %g to %g", lo, hi)
	}
}

// parseNumber reads a finite number or a fraction of two.
func parseNumber(s string) (float64, error) {
	if a, b, ok := strings.Cut(s, "/"); ok {
		x, err := parseNumber(a)
		y, err2 := parseNumber(b)
		if err = errors.Join(err, err2); err != nil || y == 0 {
			return 0, errors.Join(err, errNumber)
		}
		return x / y, nil
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%w: %q", errNumber, s)
	}
	return x, nil
}

var errNumber = errors.New("not a number")

// parseSpan reads a time in units.
func parseSpan(s string, unit time.Duration) (float64, error) {
	if hour, minute, ok := strings.Cut(s, ":"); ok {
		h, err := strconv.ParseUint(hour, 10, 16)
		m, err2 := strconv.ParseUint(minute, 10, 16)
		if err = errors.Join(err, err2); err != nil || m > 59 {
			return 0, fmt.Errorf("%w: %q", errNumber, s)
		}
		return float64(h*60+m) * float64(time.Minute) / float64(unit), nil
	}
	if x, err := parseNumber(s); err == nil {
		return x, nil
	}
	if s == "" {
		return 0, errNumber
	}
	days, rest := 0.0, s
	if d, after, ok := strings.Cut(s, "d"); ok {
		x, err := parseNumber(d)
		if err != nil {
			return 0, err
		}
		days, rest = x, after
	}
	if rest == "" {
		return days * 24 * float64(time.Hour) / float64(unit), nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("read a time: %w", err)
	}
	return (days*24*float64(time.Hour) + float64(d)) / float64(unit), nil
}

// parseRate reads a rate per unit. What follows the last "/" is a span when it
// ends in a letter, else part of a fraction.
func parseRate(s string, unit time.Duration) (float64, error) {
	i := strings.LastIndex(s, "/")
	if i < 0 || !strings.ContainsAny(s[i:], "hmsd") {
		return parseNumber(s)
	}
	n, err := parseNumber(s[:i])
	if err != nil {
		return 0, err
	}
	per := strings.TrimSpace(s[i+1:])
	if strings.Contains("hmsd", per[:1]) { // h stands for 1h
		per = "1" + per
	}
	x, err := parseSpan(per, unit)
	if err != nil || x <= 0 {
		return 0, errors.Join(err, errNumber)
	}
	return n / x, nil
}
