package demo

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"filo/bench/robot"
	"filo/channel/email"
	"filo/channel/sms"
	"filo/channel/voice"
	"filo/contact"
	"filo/desk"
	"filo/internal/config"
	"filo/sip"
)

// The demo's world. All names, numbers and addresses are fictional.
const (
	writeKey   = "demo-shop"
	shopNumber = "+390455550190"
	ordersMail = "ordini@aurora.example"
	parcelMail = "consegne@aurora.example"
	accountSID = "ACdemo"
)

// Password of the demo's users. The demo listens on the loopback only.
const Password = "filo-demo"

// world is what exists outside of Filo: mail server, SMS provider, addresses.
type world struct {
	httpAddr, sipAddr string
	mailbox           *robot.Mailbox
	texting           *robot.Texting
}

func (w *world) webhookURL() string { return "http://" + w.httpAddr + "/hooks/sms" }

// node is the configuration of the demo's node, with its data below dir.
func (w *world) node(dir string) (config.Config, error) {
	cfg := config.Default()
	cfg.DataDir, cfg.Journey.DataDir, cfg.Router.Journal.Dir = dir, dir, filepath.Join(dir, "routing")
	cfg.Drain = 0
	cfg.Log.Level = "warn"
	cfg.HTTP.Addr = w.httpAddr
	cfg.SIP.Listen = []sip.Listen{{Network: "udp", Bind: w.sipAddr}, {Network: "tcp", Bind: w.sipAddr}}
	cfg.SIP.Trunks = []sip.Trunk{{Name: "demo", Allow: []string{"127.0.0.0/8"}, Trusted: true, Region: "IT"}}
	cfg.Voice.Numbers = map[string]voice.Number{"100": {Label: "Lanificio Aurora"}, "shop": {Lang: "it", Label: "Lanificio Aurora"}}
	cfg.Web.WriteKeys = []string{writeKey}

	token := filepath.Join(dir, "sms.token")
	if err := os.WriteFile(token, []byte(w.texting.Token), 0o600); err != nil {
		return cfg, fmt.Errorf("write SMS token: %w", err)
	}
	checkout := []contact.Skill{{Name: "checkout", Min: 1}}
	cfg.SMS = sms.DefaultConfig()
	cfg.SMS.AccountSID, cfg.SMS.AuthTokenFile = accountSID, token
	cfg.SMS.BaseURL, cfg.SMS.PublicURL = w.texting.URL, w.webhookURL()
	cfg.SMS.Numbers = []sms.Number{{Number: shopNumber, Queue: "checkout", Skills: checkout, Region: "IT", Lang: "it"}}

	host, port, err := net.SplitHostPort(w.mailbox.Addr)
	if err != nil {
		return cfg, fmt.Errorf("mailbox address: %w", err)
	}
	relay, err := strconv.Atoi(port)
	if err != nil {
		return cfg, fmt.Errorf("mailbox address: %w", err)
	}
	cfg.Email.Listen, cfg.Email.Domain = "127.0.0.1:0", "aurora.example"
	cfg.Email.Relay.Host, cfg.Email.Relay.Port, cfg.Email.Relay.TLS = host, relay, "none"
	cfg.Email.LinkOrigins = []string{"http://" + w.httpAddr}
	cfg.Email.Inboxes = []email.Inbox{
		{Address: ordersMail, Name: "Lanificio Aurora", Queue: "checkout", Skills: checkout, Region: "IT", Lang: "it"},
		{Address: parcelMail, Name: "Lanificio Aurora", Queue: "delivery", Skills: []contact.Skill{{Name: "delivery", Min: 1}}, Region: "IT", Lang: "it"},
	}
	return cfg, errors.Join(cfg.Validate())
}

// Users are the demo's people, all with Password. Davide, who knows
// deliveries, is not at work: mail about them stays unanswered.
func Users() (*desk.Users, error) {
	hash, err := desk.HashPassword(Password)
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	user := func(id, name string, role desk.Role, skills map[string]uint8) desk.User {
		return desk.User{User: id, Name: name, Role: role, Lang: "en", PasswordHash: hash, Skills: skills}
	}
	users, err := desk.NewUsers([]desk.User{
		user("paola", "Paola Ferri", desk.AgentRole, map[string]uint8{"checkout": 90, "returns": 60, "general": 60}),
		user("marta", "Marta Conti", desk.AgentRole, map[string]uint8{"checkout": 70, "returns": 80, "general": 70, "service": 70}),
		user("davide", "Davide Lombardi", desk.AgentRole, map[string]uint8{"delivery": 90, "checkout": 60, "general": 60}),
		user("elena", "Elena Sartori", desk.Supervisor, nil),
	})
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	return users, nil
}
