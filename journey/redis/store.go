package redis

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"filo/contact"
	"filo/journey"
)

// maxEntry bounds what is believed of a Redis that somebody else may write to.
const maxEntry = 1 << 20

// Deps are what a Store needs from outside. Log may be nil.
type Deps struct {
	Log    *slog.Logger
	Secret []byte // the journey's, the same on all nodes: see journey.Secret
}

// Store is a journey.Hot and journey.Feed on one Redis.
type Store struct {
	cfg     Config
	db      *redis.Client
	log     *slog.Logger
	breaker breaker
	hashKey []byte
	sealer  cipher.AEAD
	node    string
	// following are the streams and the ids read last; Follow's goroutine owns it.
	following []string
}

var (
	_ journey.Hot  = (*Store)(nil)
	_ journey.Feed = (*Store)(nil)
)

// silent takes the library's own lines, dozens a second while Redis is away, off
// the standard error: the breaker says the same once.
type silent struct{}

// Printf implements the library's logger.
func (silent) Printf(context.Context, string, ...any) {}

// New returns a Store. It does not connect: a Redis that is absent is no
// reason not to start. Run must run for the breaker to close again.
func New(cfg Config, deps Deps) (*Store, error) {
	opt := &redis.Options{
		Addr: cfg.Addr, Username: cfg.User, DB: cfg.DB,
		DialTimeout: 5 * cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout,
		// Without it a stopped Redis blocks a caller beyond its context.
		ContextTimeoutEnabled: true,
		MaxRetries:            -1, DialerRetries: 1, PoolTimeout: 20 * time.Millisecond, PoolSize: 32, MinIdleConns: 4,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if cfg.TLS {
		opt.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.PasswordFile != "" {
		b, err := os.ReadFile(cfg.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("redis password: %w", err)
		}
		opt.Password = strings.TrimSpace(string(b))
	}
	hashKey, sealer, err := keys(deps.Secret)
	if err != nil {
		return nil, fmt.Errorf("redis keys: %w", err)
	}
	redis.SetLogger(silent{})
	s := &Store{cfg: cfg, db: redis.NewClient(opt), log: deps.Log, hashKey: hashKey, sealer: sealer, node: cfg.Node}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.node == "" {
		s.node = contact.NewToken("n_", time.Now())
	}
	return s, nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.db.Close() }

// identityKey names an identity without telling it.
func (s *Store) identityKey(id journey.Identity) string {
	m := hmac.New(sha256.New, s.hashKey)
	m.Write([]byte(id.Value))
	return "id:" + string(id.Type) + ":" + hex.EncodeToString(m.Sum(nil)[:16])
}

func customerKey(c contact.CustomerID) string { return "{c:" + string(c) + "}:p" }

// Find implements journey.Hot in two round trips, the least there is, as an
// identity and its customer live in different slots.
func (s *Store) Find(ctx context.Context, id journey.Identity) (journey.HotEntry, error) {
	var cid string
	err := s.guard(func() (err error) {
		cid, err = s.db.Get(ctx, s.identityKey(id)).Result()
		return err
	})
	if err != nil {
		return journey.HotEntry{}, err
	}
	return s.Get(ctx, contact.CustomerID(cid))
}

// Get implements journey.Hot.
func (s *Store) Get(ctx context.Context, c contact.CustomerID) (journey.HotEntry, error) {
	var fields []any
	err := s.guard(func() (err error) {
		fields, err = s.db.HMGet(ctx, customerKey(c), "v", "d").Result()
		return err
	})
	if err != nil {
		return journey.HotEntry{}, err
	}
	version, ok1 := fields[0].(string)
	sealed, ok2 := fields[1].(string)
	if !ok1 || !ok2 || len(sealed) > maxEntry {
		return journey.HotEntry{}, journey.ErrNotHot
	}
	v, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return journey.HotEntry{}, journey.ErrNotHot
	}
	data, err := s.open([]byte(sealed), "p:"+string(c)+":"+version)
	if err != nil {
		return journey.HotEntry{}, journey.ErrNotHot // of another secret, or tampered with
	}
	return journey.HotEntry{Customer: c, Version: v, Data: data}, nil
}

// put stores the entry unless somebody else was first: the rule of
// journey.HotEntry.Supersedes. Versions are below 2^53, where Lua counts exactly.
var put = redis.NewScript(`
local v = redis.call('HGET', KEYS[1], 'v')
if v then
	local prev = tonumber(ARGV[2])
	if prev ~= 0 then
		if tonumber(v) ~= prev then return 0 end
	elseif tonumber(v) > tonumber(ARGV[1]) then
		return 0
	end
end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`)

// Put implements journey.Hot.
func (s *Store) Put(ctx context.Context, e journey.HotEntry, ids []journey.Identity) error {
	version := strconv.FormatUint(e.Version, 10)
	sealed := s.seal(e.Data, "p:"+string(e.Customer)+":"+version)
	if len(sealed) > maxEntry {
		return s.Stale(ctx, e.Customer)
	}
	var stored int
	err := s.guard(func() (err error) {
		stored, err = put.Run(ctx, s.db, []string{customerKey(e.Customer)},
			version, strconv.FormatUint(e.Prev, 10), sealed, s.cfg.Keep.Milliseconds()).Int()
		return err
	})
	if err != nil {
		return err
	}
	if stored == 0 {
		return journey.ErrConflict
	}
	return s.guard(func() error {
		_, err := s.db.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, id := range ids {
				p.Set(ctx, s.identityKey(id), string(e.Customer), s.cfg.Keep)
			}
			return nil
		})
		return err
	})
}

// Stale implements journey.Hot: entries go.
func (s *Store) Stale(ctx context.Context, cs ...contact.CustomerID) error {
	if len(cs) == 0 {
		return nil
	}
	return s.guard(func() error {
		_, err := s.db.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, c := range cs {
				p.Unlink(ctx, customerKey(c))
			}
			return nil
		})
		return err
	})
}

// guard runs one exchange with Redis through the breaker.
func (s *Store) guard(f func() error) error {
	if s.breaker.open() {
		return ErrDown
	}
	err := f()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return journey.ErrNotHot
	case errors.Is(err, context.Canceled):
		return err // the caller went away; Redis is not to blame
	}
	s.breaker.trip()
	return fmt.Errorf("redis: %w", err)
}
