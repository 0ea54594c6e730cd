package sip

import (
	"filo/sip/transaction"
	"filo/sip/trunk"
)

// caller is who may place a call, and why.
type caller struct {
	trunk *trunk.Trunk
	user  string
}

// admit decides who calls; false when it has refused.
func (u *UA) admit(tx *transaction.Server) (caller, bool) {
	req, f := tx.Request(), tx.Flow()
	from := userOf(req.From().Address)
	if s := sessionOf(f); s != nil {
		switch {
		case s.ours:
			return caller{}, true
		case s.user == from && from != "":
			return caller{user: s.user}, true
		case s.user != "":
			return caller{}, u.forbid(tx)
		}
	}
	asUser := u.creds != nil && (header(req, "Authorization") != nil || u.reg.boundFrom(from, f))
	if t := u.trunks.Load().at(f.Remote().Addr()); t != nil && !f.Web() && !asUser {
		return caller{trunk: t}, true
	}
	if u.creds == nil {
		return caller{}, u.forbid(tx)
	}
	name, res := u.authenticate(u.life, tx)
	if res != nil {
		u.reply(tx, res)
		return caller{}, false
	}
	if name != from {
		return caller{}, u.forbid(tx)
	}
	return caller{user: name}, true
}

// knows tells whether a request comes from a trunk, a signed-in page or a
// registered phone.
func (u *UA) knows(tx *transaction.Server) bool {
	f := tx.Flow()
	return u.trunks.Load().at(f.Remote().Addr()) != nil || sessionOf(f) != nil ||
		u.reg.boundFrom(userOf(tx.Request().From().Address), f)
}

// forbid sends 403; it returns false for its callers to return.
func (u *UA) forbid(tx *transaction.Server) bool {
	u.met.reject(rejectForbidden)
	u.refuse(tx, statusForbidden, "")
	return false
}
