package trunk

import "filo/sip/number"

// Identity is who we say is calling (RFC 3261 section 8.1.1.3, RFC 3325).
type Identity struct {
	User, Name string // of From; User "" for anonymous
	Header     string // that says it too: P-Asserted-Identity, P-Preferred-Identity or ""
	Asserted   string // the user part there, also of an anonymous caller
}

// Anonymous tells whether who is called must not see a number.
func (id Identity) Anonymous() bool { return id.User == "" }

// Identity decides what a call shows that asks for a caller's number and name.
// It never shows a number that the configuration does not have.
func (t *Trunk) Identity(from, name string) Identity {
	c := t.CallerID
	id := Identity{User: t.ownNumber(), Name: c.Name, Header: c.Header}
	switch c.Policy {
	case CallerPass, "":
		if n, err := number.Parse(from, t.Region); err == nil {
			if _, ok := t.shown.Has(n); ok {
				id.User, id.Name = t.style().Write(n, t.Region), name
			}
		}
	case CallerAnonymous:
		id.Asserted, id.User, id.Name = id.User, "", ""
	}
	if id.Header == "" {
		id.Asserted = ""
	} else if id.Asserted == "" {
		id.Asserted = id.User
	}
	return id
}

// ownNumber is the number that is ours on the trunk, or our account there.
func (t *Trunk) ownNumber() string {
	if n, err := number.Parse(t.CallerID.Number, ""); err == nil {
		return t.style().Write(n, t.Region)
	}
	return t.Account().User
}
