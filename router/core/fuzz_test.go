package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzApply reads commands of eight bytes each and holds the State to the
// reference. Handles go beyond what is defined: nothing may panic.
func FuzzApply(f *testing.F) {
	in := func(a uint8) []byte { return []byte{byte(OpSignIn), a, 0, 0, 0, 7, 0, 0} }
	ready := func(a uint8) []byte { return []byte{byte(OpReady), a, 0, 0, 0, 0, 0, 0} }
	arrive := func(c uint8) []byte { return []byte{byte(OpArrive), 255, c, 0, 0, 0, 1, 0} }
	take := func(a, c, n uint8) []byte { return []byte{byte(OpAccept), a, c, n, 0, 0, 0, 0} }
	tick := []byte{byte(OpTick), 0, 0, 0, 0, 0, 0, 200}
	end := []byte{byte(OpEnd), 0, 1, 0, 0, 0, 0, 0}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	f.Add(join(in(0), ready(0), arrive(1), take(0, 1, 1), end, tick))
	f.Add(join(arrive(1), arrive(2), in(0), in(1), ready(0), ready(1), tick, tick, arrive(3)))
	f.Add(join(in(200), ready(200), arrive(255), take(200, 255, 1), []byte{255, 255, 255, 255, 255, 255, 255, 255}))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg := Config{
			RONALimit: 2, PriorityStep: 3, MaxPriority: 9, Exclude: 40, MaxAgents: 8, MaxContacts: 16,
			Channels: []ChannelRule{{Weight: 6}, {Weight: 2, Limit: 4}, {Weight: 1}},
		}
		s, ref := fuzzWorld(cfg)
		now := int64(1000)
		var dst []Effect
		for i := 0; len(data) >= 8 && i < 400; i, data = i+1, data[8:] {
			b := data[:8]
			now += int64(b[7])
			cmd := fuzzCommand(b, now)
			dst = s.Apply(now, cmd, dst[:0])
			want := ref.apply(now, cmd)
			if len(want)+len(dst) > 0 && !equalEffects(want, dst) {
				require.Equal(t, want, dst, "command %d: %+v", i, cmd)
			}
		}
	})
}

func fuzzWorld(cfg Config) (*State, *reference) {
	s, ref := New(cfg), &reference{cfg: cfg}
	for i := range 6 {
		w := WorkType{
			Channel: Channel(i % 3), Select: Select(i % 3), Load: Load(i / 2), Patience: time.Duration(i * 10), //nolint:gosec // small
			OfferTimeout: 20, WrapUp: time.Duration(i % 2 * 15),
		}
		s.WorkType(w)
		ref.types = append(ref.types, w)
	}
	for _, needs := range [][]Requirement{nil, {{0, 50}}, {{1, 0}}, {{0, 20}, {1, 80}}} {
		s.Signature(needs)
		ref.sigs = append(ref.sigs, needs)
	}
	for i := range 4 {
		p := Profile{Capacity: 4 + 3*i, Caps: [MaxChannels]uint16{1, 2, uint16(i)}, Skills: []Proficiency{{0, uint8(30 * i)}, {1, uint8(100 - 25*i)}}} //nolint:gosec // small
		s.Class(p)
		ref.classes = append(ref.classes, p)
	}
	return s, ref
}

//nolint:gosec // bytes
func fuzzCommand(b []byte, now int64) Command {
	cmd := Command{
		Op: Op(b[0] % byte(opEnd+1)), Agent: Agent(b[1]), Contact: Contact(b[2]), Offer: uint64(b[3]),
		Type: Type(b[4] & 7), Sig: Sig(b[5] & 7), Class: Class(b[5] >> 4), Channels: b[5], Tier: b[6] & 3,
		Priority: int16(int8(b[6])), Time: now - int64(b[3]), Dur: int64(int8(b[4])), Reason: ReasonUser,
	}
	if b[1] == 255 {
		cmd.Agent = Nobody
	}
	if b[6] == 255 {
		cmd.Time, cmd.Dur = -1<<63, 1<<63-1
	}
	return cmd
}
