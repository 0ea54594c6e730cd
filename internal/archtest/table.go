package archtest

// imports says which packages of ours each package may import. "..." at the
// end stands for everything below. Tests may import what they like. A
// package that is not here has no place in the architecture yet.
var imports = map[string][]string{
	"contact": {},
	"sip":     {"sip/dialog", "sip/trace", "sip/number", "sip/resolve", "sip/trunk", "sip/transport", "sip/transaction", "sip/admission"},
	"media":   {},

	"sip/trace": {}, // messages as bytes: it parses what it shows itself

	"configs": {},

	"sip/dialog": {}, // pure: a call as a state machine

	"sip/number":  {}, // pure: telephone numbers and what may be dialled
	"sip/resolve": {},
	"sip/trunk":   {"sip/number", "sip/resolve"}, // decides; no socket, no clock

	"sip/transport":               {},
	"sip/transport/transporttest": {},
	"sip/transaction":             {"sip/transport"},
	"sip/admission":               {"sip/transport"},

	"ivr":          {"contact"},
	"ivr/terminal": {"contact", "ivr"},
	"journey":      {"contact"},
	"measure":      {"contact"},
	"router/core":  {"contact"},
	"router":       {"contact", "router/core", "router/journal"},

	"router/journal": {"router/core"},

	"journey/sqlite":      {"contact", "journey"},
	"journey/redis":       {"contact", "journey"},
	"journey/journeytest": {"contact", "journey"},

	"channel/message": {"contact", "journey", "measure", "router"},
	"channel/voice":   {"contact", "ivr", "journey", "measure", "media", "router", "sip"},
	"channel/email":   {"contact", "journey", "channel/message"},
	"channel/sms":     {"contact", "journey", "channel/message"},
	"channel/web":     {"contact", "journey", "channel/message"},

	"desk":     {"contact", "journey", "measure", "router", "sip/trace", "desk/web"},
	"desk/web": {},

	"bench/robot":    {"contact", "sip", "media"},
	"bench/route":    {"router/core"},
	"bench/sipload":  {"sip"},         // the thing measured, and people who make no sound
	"bench/sim":      {"router/core"}, // the real core in virtual time
	"bench/queueing": {},
	"bench/staff":    {"bench/queueing", "bench/sim"},
	"bench":          {"bench/robot", "bench/route", "bench/sim", "bench/sipload", "bench/staff", "contact", "router/core", "sip", "media"}, // it makes what its robots share

	"internal/archtest": {},
	"internal/config":   everyPackage,
	"internal/app":      append([]string{"internal/config"}, everyPackage...),
	"internal/demo":     append([]string{"internal/config", "internal/app", "bench/robot"}, everyPackage...),
	"internal/cli":      append([]string{"internal/config", "internal/app", "internal/demo"}, everyPackage...),
	"cmd/filo":          {"internal/cli"},
	"cmd/filo-bench":    {"bench", "internal/app"},

	"scripts/gotest":  {},
	"scripts/prompts": {"contact", "ivr"},
	"test/e2e":        {"..."},
}

// everyPackage is what the internal packages put together.
var everyPackage = []string{
	"contact", "sip", "sip/trace", "media", "configs", "ivr", "ivr/terminal", "journey", "journey/sqlite", "journey/redis",
	"measure", "router", "router/journal", "channel/message", "channel/voice", "channel/email", "channel/sms", "channel/web",
	"desk", "desk/web",
}

// owners says which outside modules belong to one package, and those below it,
// alone.
var owners = map[string]string{
	"github.com/emiago/sipgo":   "sip",
	"github.com/pion":           "media",
	"modernc.org/sqlite":        "journey/sqlite",
	"github.com/pressly/goose":  "journey/sqlite",
	"github.com/redis/go-redis": "journey/redis",
	"github.com/expr-lang/expr": "ivr",
}

// testOnly are the modules that belong into tests, and into packages whose
// name ends in "test".
var testOnly = []string{"github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak"}

// stdlibOnly are packages that import nothing outside the standard library
// and ours; for those with a list, only what it names.
var stdlibOnly = map[string][]string{
	"contact":     nil,
	"sip/resolve": nil,
	"sip/dialog":  {"bytes", "slices", "time"},
	"router/core": {"cmp", "container/heap", "encoding/binary", "errors", "fmt", "hash/maphash", "iter", "maps", "math", "math/bits", "slices", "sort", "strconv", "strings", "time"},
}

// badNames say nothing about what a package promises.
var badNames = []string{"util", "utils", "common", "types", "manager", "helper", "helpers", "misc", "base", "shared"}

// impure are the calls that a pure package must not make.
var impure = map[string][]string{
	"time": {"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"},
	"fmt":  {"Print", "Println", "Printf", "Fprint", "Fprintln", "Fprintf", "Scan", "Scanln", "Scanf"},
}

// mayStart are the packages with bare go statements; everything else joins
// what it starts through sync.WaitGroup.Go or errgroup.
var mayStart = []string{}

// mayBegin are the files that make contexts out of nothing.
var mayBegin = []string{
	"cmd/", "internal/app/", "internal/cli/", "scripts/", "test/",
	"media/pionlog.go", // pion's logger has no context to hand to slog
}

// maxMain bounds the lines of a command's main.go.
const maxMain = 100
