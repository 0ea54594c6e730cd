package trunk

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"filo/sip/number"
)

// mistakes collects what is wrong, by key.
type mistakes []error

func (m *mistakes) add(key, format string, a ...any) {
	*m = append(*m, fmt.Errorf("%s: %w", key, fmt.Errorf(format, a...)))
}

func (m *mistakes) unless(ok bool, key, format string, a ...any) {
	if !ok {
		m.add(key, format, a...)
	}
}

// oneOf checks a word of the configuration; "" stands for its default.
func (m *mistakes) oneOf(key, word string, words ...string) {
	m.unless(word == "" || slices.Contains(words, word), key, "%q is none of %s", word, strings.Join(words, ", "))
}

// Validate reports every mistake at once; each begins with its key. Files are
// read by [NewTable] only.
func (c Config) Validate() error {
	var m mistakes
	m.unless(c.Name != "" && !strings.ContainsAny(c.Name, "\r\n\""), "name", "%q is no name", c.Name)
	c.validatePeer(&m)
	c.validateReach(&m)
	c.validateRegister(&m)
	c.validateTLS(&m)
	c.validateNumbers(&m)
	c.validateDial(&m)
	c.Limits.Inbound.validate(&m, "limits.inbound")
	c.Limits.Outbound.validate(&m, "limits.outbound")
	return errors.Join(m...)
}

func (c Config) validatePeer(m *mistakes) {
	m.unless(len(c.Allow) > 0 || c.Server != "" || c.Register.Registrar != "", "allow",
		"missing, and no server either: nobody could call over this trunk")
	for i, a := range c.Allow {
		if _, err := parseNetwork(a); err != nil {
			m.add(fmt.Sprintf("allow[%d]", i), "%w", err)
		}
	}
	for i, h := range c.Headers {
		m.unless(len(h) >= 3 && strings.EqualFold(h[:2], "X-") && !strings.ContainsAny(h, " :\t\r\n"),
			fmt.Sprintf("headers[%d]", i), "%q is not the name of an X- header", h)
	}
	if c.Region != "" {
		m.unless(number.IsRegion(c.Region), "region", "%q is not two capital letters of a country", c.Region)
	}
}

func (c Config) validateReach(m *mistakes) {
	m.oneOf("transport", c.Transport, TransportUDP, TransportTCP, TransportTLS)
	m.unless(c.Server != "" || len(c.Servers) == 0, "servers", "there is no server before these")
	for i, s := range c.allServers() {
		key := "server"
		if i > 0 {
			key = fmt.Sprintf("servers[%d]", i-1)
		}
		if _, _, err := splitServer(s); err != nil {
			m.add(key, "%w", err)
		}
	}
	if c.Advertise != "" {
		host, port, err := splitServer(c.Advertise)
		m.unless(err == nil && host != "" && port != 0, "advertise", "%q is not host:port", c.Advertise)
	}
	if c.MediaAdvertise != "" {
		_, err := netip.ParseAddr(c.MediaAdvertise)
		m.unless(err == nil, "media_advertise", "%q is no IP address", c.MediaAdvertise)
	}
	m.unless(c.PasswordFile == "" || c.User != "", "user", "missing beside password_file")
	badUser := func(s string) bool { return strings.ContainsAny(s, " \t\r\n\"<>@") }
	m.unless(!badUser(c.User), "user", "%q is not the part before the @", c.User)
	m.unless(!badUser(c.Register.User), "register.user", "%q is not the part before the @", c.Register.User)
	m.unless(c.OptionsInterval == 0 || c.OptionsInterval >= time.Second && c.OptionsInterval <= time.Hour,
		"options_interval", "%v is neither 0 nor within 1s..1h", c.OptionsInterval)
	m.unless(c.OptionsInterval == 0 || c.Server != "", "options_interval", "there is no server to ask")
}

func (c Config) validateRegister(m *mistakes) {
	r := c.Register
	if r.Registrar == "" {
		m.unless(r == Register{}, "register.registrar", "missing")
		return
	}
	if _, _, err := splitServer(r.Registrar); err != nil {
		m.add("register.registrar", "%w", err)
	}
	m.unless(r.User != "" || c.User != "", "register.user", "missing")
	m.unless(r.PasswordFile == "" || r.User != "", "register.user", "missing beside password_file")
	m.unless(!strings.ContainsAny(r.Domain, " \t\r\n\"<>@;,"), "register.domain", "%q is not a host name", r.Domain)
	m.unless(r.Expires == 0 || r.Expires >= 10*time.Second && r.Expires <= 24*time.Hour, "register.expires", "%v is not within 10s..24h", r.Expires)
}

func (c Config) validateTLS(m *mistakes) {
	t := c.TLS
	m.unless(t == TLS{} || c.Transport == TransportTLS, "tls", "of no use with transport %q", c.Transport)
	m.unless((t.CertFile == "") == (t.KeyFile == ""), "tls.cert_file", "set cert_file and key_file, or neither")
	m.unless(!strings.ContainsAny(t.ServerName, " \t\r\n:/"), "tls.server_name", "%q is not a host name", t.ServerName)
}

func (c Config) validateNumbers(m *mistakes) {
	m.oneOf("numbers.format", c.Numbers.Format, words(number.Styles())...)
	m.unless(c.Numbers.Format != string(number.NationalStyle) || c.Region != "", "numbers.format", "national needs a region")
	m.unless(strings.Trim(c.Numbers.Prefix, "0123456789#*") == "" && len(c.Numbers.Prefix) <= 12, "numbers.prefix", "%q is not up to 12 digits", c.Numbers.Prefix)
	m.oneOf("numbers.called", c.Numbers.Called, CalledRequest, CalledTo)
	id := c.CallerID
	m.oneOf("caller_id.policy", id.Policy, CallerPass, CallerFixed, CallerAnonymous)
	m.oneOf("caller_id.header", id.Header, HeaderAsserted, HeaderPreferred)
	m.unless(!strings.ContainsAny(id.Name, "\r\n"), "caller_id.name", "contains a line break")
	if id.Number != "" {
		n, err := number.Parse(id.Number, "")
		m.unless(err == nil && n.String() == id.Number, "caller_id.number", "%q is not a number as +390612345678", id.Number)
	}
	_, err := number.ParsePatterns(id.Numbers)
	m.all("caller_id.numbers", err)
}

func (c Config) validateDial(m *mistakes) {
	_, err := number.NewRules(c.Dial.Allow, c.Dial.Deny)
	m.all("dial.", err)
	m.unless(c.Dial.Weight >= 0 && c.Dial.Weight <= 65535, "dial.weight", "%d is not within 0..65535", c.Dial.Weight)
	m.unless(c.Dial.Priority >= 0 && c.Dial.Priority <= 65535, "dial.priority", "%d is not within 0..65535", c.Dial.Priority)
	if len(c.Dial.Allow) == 0 {
		return
	}
	m.unless(c.Server != "", "dial.allow", "there is no server to call")
	m.unless(c.CallerID.Number != "" || c.User != "" || c.Register.User != "", "caller_id.number", "missing: it is shown to whom we call")
}

func (l Limit) validate(m *mistakes, key string) {
	m.unless(l.Calls >= 0, key+".calls", "%d is negative", l.Calls)
	m.unless(l.CallsPerSecond >= 0 && l.CallsPerSecond <= 1e6, key+".calls_per_second", "%v is not within 0..1e6", l.CallsPerSecond)
}

// all adds each of joined errors, whose texts go on where key ends.
func (m *mistakes) all(key string, err error) {
	for _, one := range parts(err) {
		*m = append(*m, fmt.Errorf("%s%w", key, one))
	}
}

// parts are the errors that errors.Join joined.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // Join has no other way in
		return joined.Unwrap()
	}
	return nil
}

func words[T ~string](list []T) (out []string) {
	for _, w := range list {
		out = append(out, string(w))
	}
	return out
}

// allServers are the servers in order; none for a trunk that takes calls only.
func (c Config) allServers() []string {
	if c.Server == "" {
		return nil
	}
	return append([]string{c.Server}, c.Servers...)
}

var errServer = errors.New("should be host or host:port")

// splitServer reads a host with or without a port: "sip.example", "192.0.2.1",
// "2001:db8::1", "[2001:db8::1]:5060". Port 0 means that none is given.
func splitServer(s string) (host string, port uint16, err error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.String(), 0, nil
	}
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		n, err := strconv.ParseUint(s[i+1:], 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("%q: %w", s, errServer)
		}
		host, port = strings.Trim(s[:i], "[]"), uint16(n)
	}
	if _, err := netip.ParseAddr(host); err != nil && !isHostName(host) {
		return "", 0, fmt.Errorf("%q: %w", s, errServer)
	}
	return host, port, nil
}

func isHostName(s string) bool {
	return s != "" && len(s) < 254 && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// parseNetwork reads a CIDR network or a single address.
func parseNetwork(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("bad CIDR %q: %w", s, err)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("bad address %q: %w", s, err)
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}
