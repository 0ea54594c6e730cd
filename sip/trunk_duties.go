package sip

import (
	"context"
	"reflect"
	"sync"
	"time"

	"filo/sip/resolve"
	"filo/sip/trunk"
)

// duties are what is done for trunks all the time: keeping registered, asking
// whether they serve, following their names. The zero value does nothing.
type duties struct {
	mu    sync.Mutex
	ended bool
	m     map[string]*duty // by the trunk's name
}

// duty is what is done for one trunk.
type duty struct {
	config trunk.Config
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// end ends the duties and waits for them: what is registered is taken back.
func (d *duties) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	for _, one := range d.m {
		one.cancel()
	}
	for _, one := range d.m {
		one.wg.Wait()
	}
	d.m = nil
}

// beginDuties begins what is to be done for the trunks at the start.
func (u *UA) beginDuties() {
	u.reloading.Lock()
	defer u.reloading.Unlock()
	u.assign(u.trunks.Load())
}

// assign begins the duties of these trunks and ends those of others. One whose
// configuration is the same goes on as if nothing were.
func (u *UA) assign(set *trunkSet) {
	d := &u.duties
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return
	}
	going := make(map[string]*duty)
	for _, t := range set.table.Trunks() {
		if old := d.m[t.Name]; old != nil && reflect.DeepEqual(old.config, t.Config) {
			going[t.Name] = old
			delete(d.m, t.Name)
		}
	}
	for name, old := range d.m {
		old.cancel()
		old.wg.Wait()
		if set.peers[name] == nil {
			u.met.trunks.forget(name)
		}
	}
	for _, t := range set.table.Trunks() {
		if going[t.Name] == nil {
			going[t.Name] = u.beginDuty(t, set.peers[t.Name])
		}
	}
	d.m = going
}

// beginDuty starts what is to be done for one trunk.
func (u *UA) beginDuty(t *trunk.Trunk, p *trunkPeer) *duty {
	ctx, cancel := context.WithCancel(u.life)
	d := &duty{config: t.Config, cancel: cancel}
	u.met.trunks.show(t, p)
	if len(t.Hosts()) > 0 {
		d.wg.Go(func() { u.follow(ctx, t) })
	}
	if r, ok := t.Registration(); ok {
		d.wg.Go(func() { u.keepRegistered(ctx, t, r) })
	}
	if t.OptionsInterval > 0 {
		d.wg.Go(func() { u.keepAsking(ctx, t, p) })
	}
	return d
}

// followEvery is how often the names of a trunk's hosts are looked up: whoever
// calls from a new address is known by then.
const followEvery = 30 * time.Second

// follow keeps what a trunk's hosts resolve to.
func (u *UA) follow(ctx context.Context, t *trunk.Trunk) {
	lost := make(map[resolve.Target]bool)
	for {
		for _, host := range t.Hosts() {
			_, err := u.reach(ctx, t, host)
			if err != nil && !lost[host] && ctx.Err() == nil {
				u.log.Warn("host of trunk not found", "trunk", t.Name, "err", err)
			}
			lost[host] = err != nil
		}
		if !pause(ctx, followEvery) {
			return
		}
	}
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
