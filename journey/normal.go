package journey

import (
	"net/mail"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// roleMailboxes are local parts that belong to a function, not a person.
var roleMailboxes = map[string]bool{
	"abuse": true, "admin": true, "billing": true, "contact": true, "help": true, "hostmaster": true,
	"info": true, "mailer-daemon": true, "marketing": true, "no-reply": true, "noreply": true, "office": true,
	"postmaster": true, "root": true, "sales": true, "security": true, "support": true, "webmaster": true,
	"amministrazione": true, "assistenza": true, "commerciale": true, "ordini": true, "segreteria": true, "ufficio": true, "vendite": true,
}

const maxIdentity = 256 // bytes of a normalised value

// NormalPhone returns number in E.164 with leading plus. Numbers without
// country code are read as the region's (ISO 3166, "IT"). It reports false for
// what is no key of a person: withheld, short, or not a number.
func NormalPhone(number, region string) (string, bool) {
	number = strings.TrimSpace(number)
	if len(number) < 5 || len(number) > 40 || strings.ContainsFunc(number, notInNumbers) {
		return "", false
	}
	if strings.HasPrefix(number, "00") {
		number = "+" + number[2:]
	}
	p, err := phonenumbers.Parse(number, region)
	if err != nil || !phonenumbers.IsPossibleNumber(p) {
		return "", false
	}
	return phonenumbers.Format(p, phonenumbers.E164), true
}

// notInNumbers keeps words ("anonymous", "0800FILO") from being read as vanity numbers.
func notInNumbers(r rune) bool {
	return !strings.ContainsRune("+0123456789 -./()\u00a0", r)
}

// NormalMail returns the address alone in lower case. It reports false for
// what is no key of a person: malformed, or a role mailbox.
func NormalMail(address string) (string, bool) {
	if len(address) > maxIdentity {
		return "", false
	}
	a, err := mail.ParseAddress(strings.TrimSpace(address))
	if err != nil {
		return "", false
	}
	value := strings.ToLower(a.Address)
	local, domain, ok := strings.Cut(value, "@")
	if !ok || domain == "" || strings.ContainsAny(value, " \t\r\n\x00") {
		return "", false
	}
	local, _, _ = strings.Cut(local, "+")
	return value, !roleMailboxes[local]
}

// normal returns the identity in the one form in which it is a key, or false
// when it is none.
func (id Identity) normal(region string) (Identity, bool) {
	switch id.Type {
	case Phone:
		v, ok := NormalPhone(id.Value, region)
		return Identity{Phone, v}, ok
	case Mail:
		v, ok := NormalMail(id.Value)
		return Identity{Mail, v}, ok
	case Anonymous, UserID:
		v := strings.TrimSpace(id.Value)
		return Identity{id.Type, v}, v != "" && len(v) <= maxIdentity && !strings.ContainsFunc(v, control)
	}
	return Identity{}, false
}

func control(r rune) bool { return r < 0x20 || r == 0x7f }
