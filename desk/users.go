package desk

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"filo/contact"
	"filo/router"
)

// Role is what a user may do.
type Role string

// Roles; each may do what those before it may.
const (
	AgentRole  Role = "agent"      // works contacts
	Supervisor Role = "supervisor" // also sees the floor
	Admin      Role = "admin"      // also what is to come: the configuration
)

// User is one person who may sign in, or one SIP phone that works without a desk.
type User struct {
	User string `yaml:"user"` // sign-in and agent id: a-z, 0-9, "-", "_", "."
	Name string `yaml:"name"`
	Role Role   `yaml:"role"` // default agent
	Lang string `yaml:"lang"` // of the desk: en or it; default en
	// PasswordHash is what HashPassword made; PasswordHashFile is a file that
	// holds it, relative to the users file. A user with neither cannot sign in.
	PasswordHash     string `yaml:"password_hash"`
	PasswordHashFile string `yaml:"password_hash_file"`
	// Skills have a proficiency of 1 to 100; Languages count as skills named
	// "lang:it" with 100.
	Skills    map[string]uint8 `yaml:"skills"`
	Languages []string         `yaml:"languages"`
	// Reserve are skills of these that count only while a queue is overloaded;
	// Profile is one of router.profiles, none for every queue.
	Reserve []string `yaml:"reserve"`
	Profile string   `yaml:"profile"`
	// Capacity is the agent's units of work at a time, 0 the router's default;
	// Caps bounds the contacts of a channel at a time.
	Capacity int                     `yaml:"capacity"`
	Caps     map[contact.Channel]int `yaml:"caps"`
	// Phone says that the line is a SIP phone, which registers with the
	// password in SIPPasswordFile. Without it the browser is the line.
	Phone           bool   `yaml:"phone"`
	SIPPasswordFile string `yaml:"sip_password_file"`
	// SIPPassword is the content of SIPPasswordFile; programs may set it.
	SIPPassword string `yaml:"-"`
	// ReadyAtStart signs the agent in, and ready, when the program starts: for
	// phones without a desk.
	ReadyAtStart bool `yaml:"ready_at_start"`

	hash hash
}

// agent returns u as the router knows it.
func (u *User) agent() router.Agent {
	skills := maps.Clone(u.Skills)
	if skills == nil {
		skills = map[string]uint8{}
	}
	for _, l := range u.Languages {
		skills["lang:"+l] = 100
	}
	return router.Agent{
		ID: contact.AgentID(u.User), Name: u.Name, Skills: skills, Reserve: u.Reserve, Profile: u.Profile,
		Capacity: u.Capacity, Caps: u.Caps,
	}
}

// takesContacts reports whether u works at all; a supervisor need not.
func (u *User) takesContacts() bool { return u.Role == AgentRole || len(u.Skills) > 0 }

// hasLine reports whether u can be on calls: who works them, and who listens.
func (u *User) hasLine() bool { return u.takesContacts() || u.supervises() }

// voiceOnly reports whether calls are all that u takes.
func (u *User) voiceOnly() bool {
	if len(u.Caps) == 0 {
		return false
	}
	for ch, n := range u.Caps {
		if ch != contact.Voice && n > 0 {
			return false
		}
	}
	return true
}

// Users are the people who may sign in. They do not change after they were made.
type Users struct {
	byName map[string]*User
	names  []string // sorted
}

// NewUsers checks the users and returns them as a set. The error joins all
// mistakes; each begins with the key path "users[i].".
func NewUsers(list []User) (*Users, error) {
	us := &Users{byName: make(map[string]*User, len(list))}
	var errs []error
	for i := range list {
		u := list[i]
		for _, err := range u.complete() {
			errs = append(errs, fmt.Errorf("users[%d].%w", i, err))
		}
		if us.byName[u.User] != nil {
			errs = append(errs, fmt.Errorf("users[%d].user: %q is there twice", i, u.User))
			continue
		}
		us.byName[u.User] = &u
		us.names = append(us.names, u.User)
	}
	slices.Sort(us.names)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return us, nil
}

// LoadUsers reads a users file: a mapping with the one key "users", a list of
// User. Files that it names are relative to its directory. The error joins all
// mistakes with their line numbers.
func LoadUsers(path string) (*Users, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("users file: %w", err)
	}
	dir := filepath.Dir(path)
	us, err := ParseUsers(data, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return os.ReadFile(name) //nolint:gosec // the operator names the file
	})
	if err != nil {
		return nil, fmt.Errorf("users file %s: %w", path, err)
	}
	return us, nil
}

// ParseUsers reads the text of a users file; read returns the content of a
// file that it names. See LoadUsers.
func ParseUsers(data []byte, read func(name string) ([]byte, error)) (*Users, error) {
	var file struct {
		Users []User `yaml:"users"`
	}
	if err := yaml.Load(data, &file, yaml.WithKnownFields()); err != nil {
		return nil, err //nolint:wrapcheck // says what it is about
	}
	lines := userLines(data)
	at := func(i int) string {
		if i < len(lines) {
			return fmt.Sprintf("line %d: ", lines[i])
		}
		return ""
	}
	var errs []error
	for i := range file.Users {
		for _, err := range file.Users[i].readFiles(read) {
			errs = append(errs, fmt.Errorf("%susers[%d].%w", at(i), i, err))
		}
	}
	us, err := NewUsers(file.Users)
	if err != nil {
		errs = append(errs, withLines(err, at)...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return us, nil
}

// Get returns the user of that name.
func (us *Users) Get(name string) (*User, bool) {
	u, ok := us.byName[name]
	return u, ok
}

// all goes through the users by sign-in name.
func (us *Users) all() iter.Seq[*User] {
	return func(yield func(*User) bool) {
		for _, name := range us.names {
			if !yield(us.byName[name]) {
				return
			}
		}
	}
}

// Len returns how many users there are.
func (us *Users) Len() int { return len(us.names) }

// Name is the agent's name to show; the id of somebody unknown.
func (us *Users) Name(id contact.AgentID) string {
	if u, ok := us.byName[string(id)]; ok {
		return u.Name
	}
	return string(id)
}

// Phone reports whether the agent's line is a SIP phone.
func (us *Users) Phone(id contact.AgentID) bool {
	u, ok := us.byName[string(id)]
	return ok && u.Phone
}

// readFiles fills in what stands in files of their own.
func (u *User) readFiles(read func(string) ([]byte, error)) (errs []error) {
	for _, f := range []struct {
		key, name string
		into      *string
	}{
		{"password_hash_file", u.PasswordHashFile, &u.PasswordHash},
		{"sip_password_file", u.SIPPasswordFile, &u.SIPPassword},
	} {
		if f.name == "" {
			continue
		}
		if *f.into != "" {
			errs = append(errs, fmt.Errorf("%s: password_hash is set too", f.key))
			continue
		}
		b, err := read(f.name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.key, err))
			continue
		}
		*f.into = strings.TrimSpace(string(b))
	}
	return errs
}

// complete fills in the defaults and returns what is wrong; each error begins
// with its key.
func (u *User) complete() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !isUserName(u.User) {
		bad("user: %q must be 1 to 64 of a-z, 0-9, -, _ and .", u.User)
	}
	if u.Name == "" {
		u.Name = u.User
	}
	if u.Role == "" {
		u.Role = AgentRole
	}
	if u.Role != AgentRole && u.Role != Supervisor && u.Role != Admin {
		bad("role: %q is none of agent, supervisor, admin", u.Role)
	}
	if u.Lang == "" {
		u.Lang = "en"
	}
	if u.Lang != "en" && u.Lang != "it" {
		bad("lang: %q is neither en nor it", u.Lang)
	}
	if u.PasswordHash != "" {
		h, err := parseHash(u.PasswordHash)
		if err != nil {
			bad("password_hash: %w", err)
		}
		u.hash = h
	}
	errs = append(errs, u.checkWork()...)
	return append(errs, u.checkPhone()...)
}

// checkWork checks what the agent can do, and how much of it.
func (u *User) checkWork() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, s := range slices.Sorted(maps.Keys(u.Skills)) {
		if v := u.Skills[s]; s == "" || v < 1 || v > 100 {
			bad("skills.%s: %d is outside 1 to 100", s, v)
		}
	}
	for _, s := range u.Reserve {
		if _, ok := u.Skills[s]; !ok {
			bad("reserve: %q is not in skills", s)
		}
	}
	for _, l := range u.Languages {
		if len(l) != 2 || !isCode(l) {
			bad("languages: %q is no two-letter language", l)
		}
	}
	if u.Capacity < 0 || u.Capacity > 1000 {
		bad("capacity: %d is outside 0 to 1000", u.Capacity)
	}
	for _, ch := range slices.Sorted(maps.Keys(u.Caps)) {
		if n := u.Caps[ch]; !isCode(string(ch)) || n < 0 || n > 100 {
			bad("caps.%s: %d is outside 0 to 100", ch, n)
		}
	}
	return errs
}

func (u *User) checkPhone() (errs []error) {
	switch {
	case u.Phone && u.SIPPassword == "":
		errs = append(errs, errors.New("sip_password_file: a SIP phone needs one"))
	case u.Phone && len(u.SIPPassword) < minPassword:
		errs = append(errs, fmt.Errorf("sip_password_file: the password has less than %d characters", minPassword))
	case !u.Phone && u.SIPPassword != "":
		errs = append(errs, errors.New("sip_password_file: only for users with phone: true"))
	}
	if u.ReadyAtStart && !u.Phone {
		errs = append(errs, errors.New("ready_at_start: only for users with phone: true"))
	}
	return errs
}

// isUserName reports whether s can be a user: it is also a SIP user part, a
// metric-free log value and a part of URLs.
func isUserName(s string) bool {
	return len(s) <= 64 && strings.Trim(s, ".") == s && isCode(strings.ReplaceAll(s[:min(len(s), 32)], ".", "-")) &&
		(len(s) <= 32 || isCode(strings.ReplaceAll(s[32:], ".", "-")))
}

// userLines returns the line of each entry of the list.
func userLines(data []byte) (lines []int) {
	var doc yaml.Node
	if yaml.Load(data, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "users" {
			continue
		}
		for _, n := range root.Content[i+1].Content {
			lines = append(lines, n.Line)
		}
	}
	return lines
}

// withLines puts the line of its entry before each of the joined errors.
func withLines(err error, at func(int) string) []error {
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for i, e := range list {
		var n int
		if _, scanErr := fmt.Sscanf(e.Error(), "users[%d].", &n); scanErr == nil {
			list[i] = fmt.Errorf("%s%w", at(n), e)
		}
	}
	return list
}
