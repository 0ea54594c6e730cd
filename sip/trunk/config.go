package trunk

import "time"

// Config is one trunk, as configured.
type Config struct {
	// Name is the trunk's label in calls, logs and metrics.
	Name string `yaml:"name"`
	// Allow are the addresses and CIDR networks that may call over the trunk, in
	// addition to those that Server, Servers and Register.Registrar resolve to.
	Allow []string `yaml:"allow"`
	// Trusted makes what the peer asserts count: P-Asserted-Identity, the
	// attestation of the caller's number, Diversion and History-Info. Without it
	// only From is read, and that is a hint.
	Trusted bool `yaml:"trusted"`
	// Region, two letters as "IT", is how national numbers are read and written.
	Region string `yaml:"region"`
	// Headers are the X- headers that reach the application, besides
	// User-to-User and Call-Info.
	Headers []string `yaml:"headers"`

	// Transport is "udp", "tcp" or "tls"; "": udp.
	Transport string `yaml:"transport"`
	// Server is where we call: a host (SRV records, else its addresses) or
	// host:port; "": the trunk takes calls only.
	Server string `yaml:"server"`
	// Servers are tried when nothing that Server resolves to serves.
	Servers []string `yaml:"servers"`
	// Listen is the bind of the sip.listen entry that we call from; "": the first
	// that fits.
	Listen string `yaml:"listen"`
	// Advertise is the host:port that this peer is told in Via and Contact; "":
	// what the listener says.
	Advertise string `yaml:"advertise"`
	// MediaAdvertise is the address that this peer is told in SDP; "": what
	// media.advertise says.
	MediaAdvertise string `yaml:"media_advertise"`
	// User and PasswordFile answer a challenge to our calls.
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	// Register keeps us registered at a provider, when it has a Registrar.
	Register Register `yaml:"register"`
	// TLS says who we are and whom we believe, with transport tls.
	TLS TLS `yaml:"tls"`
	// OptionsInterval is how often OPTIONS asks whether the peer serves; 0: never,
	// and the trunk counts as up.
	OptionsInterval time.Duration `yaml:"options_interval"`

	Numbers  Numbers  `yaml:"numbers"`
	CallerID CallerID `yaml:"caller_id"`
	Dial     Dial     `yaml:"dial"`
	Limits   Limits   `yaml:"limits"`
}

// Register is our account at a provider.
type Register struct {
	Registrar    string        `yaml:"registrar"`     // host or host:port; "": we do not register
	Domain       string        `yaml:"domain"`        // of our address there; "": the registrar's host
	User         string        `yaml:"user"`          // "": the trunk's
	PasswordFile string        `yaml:"password_file"` // "": the trunk's
	Expires      time.Duration `yaml:"expires"`       // asked for; 0: 1h
}

// TLS are certificates, in PEM files.
type TLS struct {
	CAFile     string `yaml:"ca_file"`     // who may have signed theirs; "": the system's list
	CertFile   string `yaml:"cert_file"`   // ours; "": none
	KeyFile    string `yaml:"key_file"`    // of CertFile
	ServerName string `yaml:"server_name"` // that theirs must be for; "": the host of the server
}

// Numbers is how the peer writes telephone numbers.
type Numbers struct {
	// Format is "e164" (+39061234, the default), "plain" (39061234) or "national"
	// (061234, and 0044... for another country; by the trunk's region).
	Format string `yaml:"format"`
	// Prefix is put before every number that we dial, a carrier's code for us.
	Prefix string `yaml:"prefix"`
	// Called is where calls say what was dialled: "request_uri" (the default), or
	// "to" at providers that put our account into the request line.
	Called string `yaml:"called"`
}

// CallerID is which number those see whom we call.
type CallerID struct {
	// Policy is "pass" (the default: the number that the call asks for, if Numbers
	// has it, else Number), "fixed" (Number) or "anonymous".
	Policy string `yaml:"policy"`
	// Number is ours, in E.164 as "+390612345678"; "": the trunk's user.
	Number string `yaml:"number"`
	Name   string `yaml:"name"` // shown beside Number
	// Numbers are those that we may show: beginnings as "+3906", "+" for any.
	Numbers []string `yaml:"numbers"`
	// Header also says it, for who does not believe From: "" (none),
	// "P-Asserted-Identity" or "P-Preferred-Identity" (RFC 3325).
	Header string `yaml:"header"`
}

// Dial is what may be dialled over the trunk.
type Dial struct {
	// Allow are beginnings of numbers ("+39"; "+": any), countries ("IT") and
	// short numbers ("112"). What it does not have is not dialled; premium
	// numbers never are.
	Allow []string `yaml:"allow"`
	// Deny takes patterns away from Allow, and kinds of numbers: shared_cost,
	// satellite, personal, pager, voicemail, unassigned. Empty: all of these.
	Deny []string `yaml:"deny"`
	// Priority is the order among trunks whose patterns say as much about a
	// number; the lowest first. Within one, Weight is the trunk's share (0: 1).
	Priority int `yaml:"priority"`
	Weight   int `yaml:"weight"`
}

// Limits bound a trunk's calls.
type Limits struct {
	Inbound  Limit `yaml:"inbound"`  // emergency calls always pass
	Outbound Limit `yaml:"outbound"` // beyond it the next trunk is tried
}

// Limit bounds one direction; zero: no bound.
type Limit struct {
	Calls          int     `yaml:"calls"`            // at the same time
	CallsPerSecond float64 `yaml:"calls_per_second"` // a second's worth may come at once
}

// Words of the configuration.
const (
	TransportUDP = "udp"
	TransportTCP = "tcp"
	TransportTLS = "tls"

	CalledRequest = "request_uri"
	CalledTo      = "to"

	CallerPass      = "pass"
	CallerFixed     = "fixed"
	CallerAnonymous = "anonymous"

	HeaderAsserted  = "P-Asserted-Identity"
	HeaderPreferred = "P-Preferred-Identity"
)

const defaultExpires = time.Hour
