package sip

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
	"filo/sip/transport"
)

// RegistrationEvent tells that a user's bindings changed.
type RegistrationEvent struct {
	User string
	Up   bool // the user has at least one binding now
}

// binding is where a registered user is reached.
type binding struct {
	user     string
	contact  gosip.Uri
	instance string // +sip.instance: the device, across its reconnects
	regID    string // reg-id: which of the device's flows (RFC 5626 section 4.2)
	hop      hop
	from     transport.Flow // by which it was registered
	callID   string
	seq      uint32
	expires  time.Time
}

// registrar keeps the bindings, the newest last.
type registrar struct {
	live   *atomic.Pointer[Config] // for the limits in force
	met    *metrics
	now    func() time.Time
	events chan RegistrationEvent

	mu    sync.Mutex
	m     map[string][]*binding
	n     int
	from  map[netip.Addr]int          // bindings by the address that registered
	flows map[transport.Flow][]string // users reached by a connection
}

func newRegistrar(live *atomic.Pointer[Config], met *metrics, now func() time.Time) *registrar {
	return &registrar{
		live: live, met: met, now: now,
		events: make(chan RegistrationEvent, 1024), m: make(map[string][]*binding),
		from: make(map[netip.Addr]int), flows: make(map[transport.Flow][]string),
	}
}

// Bindings is the number of contacts that the user has registered.
func (u *UA) Bindings(user string) int {
	u.reg.mu.Lock()
	defer u.reg.mu.Unlock()
	return len(u.reg.m[user])
}

// Registered tells of bindings that come and go. One reader; when it is late
// by a thousand events the oldest are dropped, so that Bindings is the truth.
func (u *UA) Registered() <-chan RegistrationEvent { return u.reg.events }

// run drops expired bindings until ctx ends.
func (r *registrar) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := r.now()
			r.dropIf(func(b *binding) bool { return now.After(b.expires) })
		}
	}
}

// dropFlow forgets the bindings of a closed connection.
func (r *registrar) dropFlow(f transport.Flow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, user := range slices.Clone(r.flows[f]) {
		r.dropOf(user, func(b *binding) bool { return b.hop.bound && b.hop.flow == f })
	}
}

func (r *registrar) dropIf(gone func(*binding) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for user := range r.m {
		r.dropOf(user, gone)
	}
}

// dropOf drops some of a user's bindings; with the lock held.
func (r *registrar) dropOf(user string, gone func(*binding) bool) {
	list := r.m[user]
	if slices.ContainsFunc(list, gone) {
		r.set(user, slices.DeleteFunc(slices.Clone(list), gone))
	}
}

// set stores a user's bindings and tells the world; with the lock held.
func (r *registrar) set(user string, list []*binding) {
	r.n += len(list) - len(r.m[user])
	for _, b := range r.m[user] {
		r.unindex(b)
	}
	for _, b := range list {
		r.index(b)
	}
	if len(list) == 0 {
		delete(r.m, user)
	} else {
		r.m[user] = list
	}
	r.met.bindings.Set(float64(r.n))
	ev := RegistrationEvent{User: user, Up: len(list) > 0}
	for {
		select {
		case r.events <- ev:
			return
		default:
		}
		select {
		case <-r.events:
		default:
		}
	}
}

func (r *registrar) index(b *binding) {
	r.from[b.from.Remote().Addr()]++
	if b.hop.bound {
		r.flows[b.hop.flow] = append(r.flows[b.hop.flow], b.user)
	}
}

func (r *registrar) unindex(b *binding) {
	a := b.from.Remote().Addr()
	if r.from[a]--; r.from[a] <= 0 {
		delete(r.from, a)
	}
	if !b.hop.bound {
		return
	}
	users := r.flows[b.hop.flow]
	if i := slices.Index(users, b.user); i >= 0 {
		users = slices.Delete(users, i, i+1)
	}
	if r.flows[b.hop.flow] = users; len(users) == 0 {
		delete(r.flows, b.hop.flow)
	}
}

// anyFrom tells whether somebody is registered from an address.
func (r *registrar) anyFrom(a netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from[a] > 0
}

// newest is the user's latest binding.
func (r *registrar) newest(user string) (binding, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.m[user]
	if len(list) == 0 {
		return binding{}, false
	}
	return *list[len(list)-1], true
}

// bindings are a user's, the newest first, one for each device: its other flows
// lead to the same bell (RFC 5626 section 7).
func (r *registrar) bindings(user string) []binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []binding
	for _, b := range slices.Backward(r.m[user]) {
		if b.instance != "" && slices.ContainsFunc(out, func(o binding) bool { return o.instance == b.instance }) {
			continue
		}
		out = append(out, *b)
	}
	return out
}

// boundFrom tells whether the user registered from this very address.
func (r *registrar) boundFrom(user string, f transport.Flow) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.m[user] {
		if b.from.Remote() == f.Remote() {
			return true
		}
	}
	return false
}

// serveRegister handles REGISTER (RFC 3261 section 10.3).
func (u *UA) serveRegister(tx *transaction.Server) {
	user := userOf(tx.Request().To().Address)
	if s := sessionOf(tx.Flow()); s != nil && s.user != "" {
		if s.user != user {
			u.forbid(tx)
			return
		}
	} else if !u.provesToBe(tx, user) {
		return
	}
	u.reply(tx, u.register(tx, user))
}

// provesToBe tells whether a request carries the user's password; otherwise
// it has been answered.
func (u *UA) provesToBe(tx *transaction.Server, user string) bool {
	if u.creds == nil {
		return u.forbid(tx)
	}
	name, res := u.authenticate(u.life, tx)
	switch {
	case res != nil:
		u.reply(tx, res)
		return false
	case name != user:
		return u.forbid(tx)
	}
	return true
}

// register applies the contacts of an authorised REGISTER.
func (u *UA) register(tx *transaction.Server, user string) *gosip.Response {
	r := u.reg
	news, bad := u.contactsOf(tx.Request(), tx.Flow(), user)
	if bad.code != 0 {
		return u.response(tx, bad.code, bad.reason, bad.headers...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	before := r.m[user]
	list := append([]*binding(nil), before...)
	for _, n := range news {
		var old *binding
		list, old = without(list, n)
		if old != nil && old.callID == n.callID && n.seq <= old.seq {
			return u.response(tx, statusServerError, "Out Of Order")
		}
		if n.expires.After(now) {
			list = append(list, n)
		}
	}
	if most := r.live.Load().MaxBindings; len(list) > most {
		list = list[len(list)-most:]
	}
	if len(news) > 0 {
		r.set(user, list)
	}
	res := u.response(tx, statusOK, "")
	if slices.ContainsFunc(news, func(b *binding) bool { return b.regID != "" && b.hop.bound }) {
		res.AppendHeader(gosip.NewHeader("Require", supportedExt)) // RFC 5626 section 6: it is a flow
	}
	for _, b := range list {
		c := &gosip.ContactHeader{Address: b.contact}
		c.Params.Add("expires", strconv.Itoa(int(math.Ceil(b.expires.Sub(now).Seconds()))))
		if b.instance != "" {
			c.Params.Add("+sip.instance", `"`+b.instance+`"`)
		}
		if b.regID != "" {
			c.Params.Add("reg-id", b.regID)
		}
		res.AppendHeader(c)
	}
	return res
}

// without removes the binding that n replaces: the same flow of the same device
// by instance and reg-id, else the same contact.
func without(list []*binding, n *binding) (rest []*binding, old *binding) {
	for _, b := range list {
		same := b.contact.String() == n.contact.String()
		if n.instance != "" && b.instance != "" {
			same = n.instance == b.instance && n.regID == b.regID
		}
		if same || n.contact.Wildcard {
			old = b
			continue
		}
		rest = append(rest, b)
	}
	return rest, old
}

// contactsOf reads the contacts of a REGISTER. A removal is a binding that has
// expired.
func (u *UA) contactsOf(req *gosip.Request, f transport.Flow, user string) ([]*binding, refusal) {
	now, cfg := u.now(), u.live.Load()
	limits := cfg.RegisterExpires
	var out []*binding
	for h := range headers(req, "Contact") {
		c, ok := h.(*gosip.ContactHeader)
		if !ok {
			return nil, badRequest("Bad Contact")
		}
		life, ok := contactLife(req, c, limits.Default)
		if !ok {
			return nil, badRequest("Bad Expires")
		}
		if life > 0 && life < limits.Min {
			return nil, refusal{code: statusIntervalTooBrief, headers: []string{
				"Min-Expires", strconv.Itoa(int(limits.Min.Seconds())),
			}}
		}
		bad := c.Address.Scheme != "sip" && c.Address.Scheme != "sips" || c.Address.Host == "" || breaksOut(c.Address.String())
		if c.Address.Wildcard {
			bad = life != 0
		}
		if bad || len(out) >= cfg.MaxBindings {
			return nil, badRequest("Bad Contact")
		}
		instance, _ := c.Params.Get("+sip.instance")
		regID := ""
		if instance != "" { // RFC 5626 section 6: without it reg-id has no meaning
			regID, _ = c.Params.Get("reg-id")
		}
		h := u.hopOf(f)
		if !h.bound {
			h = u.toward(h, contactHop(c.Address, f.Remote()))
		}
		h.user = user
		out = append(out, &binding{
			user: user, contact: c.Address, instance: strings.Trim(instance, `"`), regID: regID, hop: h, from: f,
			callID: req.CallID().Value(), seq: req.CSeq().SeqNo, expires: now.Add(min(life, limits.Max)),
		})
	}
	return out, refusal{}
}

// contactHop is where a phone without a connection is reached: at its contact
// when that is the address which registered, else (NAT, names) where it
// registered from. It is reached by the network by which it registered: what
// phones write there is often not meant.
func contactHop(contact gosip.Uri, source netip.AddrPort) place {
	if a := addrOf(contact.Host); a.IsValid() && a == source.Addr() {
		return place{addr: nextHop(contact, nil, source).addr}
	}
	return place{addr: source.String()}
}

func contactLife(req *gosip.Request, c *gosip.ContactHeader, usual time.Duration) (time.Duration, bool) {
	text, ok := c.Params.Get("expires")
	if !ok {
		h := header(req, "Expires")
		if h == nil {
			return usual, true
		}
		text = h.Value()
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}
