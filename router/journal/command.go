package journal

import (
	"encoding/binary"
	"errors"

	"filo/router/core"
)

// The fields of a command in the order in which they follow each other on
// disk, as bits of the set that says which are not zero.
const (
	hasOffer uint16 = 1 << iota
	hasTime
	hasDur
	hasAgent
	hasContact
	hasType
	hasPlan
	hasClass
	hasSize
	hasPriority
	hasTier
	hasRoom
	hasReason
	hasChannels
	hasOther
	endOfFields
)

// maxCommand bounds the payload of a command.
const maxCommand = 8 + 2 + 1 + 3*8 + 7*4 + 2 + 4

// appendCommand appends the payload of a command that is applied at now.
func appendCommand(dst []byte, now int64, c *core.Command) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(now)) //nolint:gosec // bits
	dst = append(dst, 0, 0, byte(c.Op))
	w := fieldWriter{dst: dst}
	w.put64(hasOffer, c.Offer)
	w.put64(hasTime, uint64(c.Time)) //nolint:gosec // bits
	w.put64(hasDur, uint64(c.Dur))   //nolint:gosec // bits
	w.put32(hasAgent, uint32(c.Agent))
	w.put32(hasContact, uint32(c.Contact))
	w.put32(hasType, uint32(c.Type))
	w.put32(hasPlan, uint32(c.Plan))
	w.put32(hasClass, uint32(c.Class))
	w.put32(hasSize, c.Size)
	if c.Priority != 0 {
		w.set |= hasPriority
		w.dst = binary.LittleEndian.AppendUint16(w.dst, uint16(c.Priority)) //nolint:gosec // bits
	}
	w.put8(hasTier, c.Tier)
	w.put8(hasRoom, uint8(c.Room))
	w.put8(hasReason, uint8(c.Reason))
	w.put8(hasChannels, c.Channels)
	w.put32(hasOther, uint32(c.Other))
	binary.LittleEndian.PutUint16(w.dst[at+8:], w.set)
	return w.dst
}

type fieldWriter struct {
	dst []byte
	set uint16
}

func (w *fieldWriter) put64(bit uint16, v uint64) {
	if v != 0 {
		w.set |= bit
		w.dst = binary.LittleEndian.AppendUint64(w.dst, v)
	}
}

func (w *fieldWriter) put32(bit uint16, v uint32) {
	if v != 0 {
		w.set |= bit
		w.dst = binary.LittleEndian.AppendUint32(w.dst, v)
	}
}

func (w *fieldWriter) put8(bit uint16, v uint8) {
	if v != 0 {
		w.set |= bit
		w.dst = append(w.dst, v)
	}
}

var errCommand = errors.New("not a command")

// parseCommand is the inverse of appendCommand.
func parseCommand(p []byte) (now int64, c core.Command, err error) {
	if len(p) < 11 {
		return 0, c, errCommand
	}
	now = int64(binary.LittleEndian.Uint64(p)) //nolint:gosec // bits
	r := fieldReader{p: p[11:], set: binary.LittleEndian.Uint16(p[8:])}
	if r.set >= endOfFields {
		return 0, c, errCommand
	}
	c.Op = core.Op(p[10])
	c.Offer = r.get(hasOffer, 8)
	c.Time = int64(r.get(hasTime, 8))              //nolint:gosec // bits
	c.Dur = int64(r.get(hasDur, 8))                //nolint:gosec // bits
	c.Agent = core.Agent(r.get(hasAgent, 4))       //nolint:gosec // four bytes
	c.Contact = core.Contact(r.get(hasContact, 4)) //nolint:gosec // four bytes
	c.Type = core.Type(r.get(hasType, 4))          //nolint:gosec // four bytes
	c.Plan = core.Plan(r.get(hasPlan, 4))          //nolint:gosec // four bytes
	c.Class = core.Class(r.get(hasClass, 4))       //nolint:gosec // four bytes
	c.Size = uint32(r.get(hasSize, 4))             //nolint:gosec // four bytes
	c.Priority = int16(r.get(hasPriority, 2))      //nolint:gosec // bits
	c.Tier = uint8(r.get(hasTier, 1))              //nolint:gosec // one byte
	c.Room = core.Room(r.get(hasRoom, 1))          //nolint:gosec // one byte
	c.Reason = core.Reason(r.get(hasReason, 1))    //nolint:gosec // one byte
	c.Channels = uint8(r.get(hasChannels, 1))      //nolint:gosec // one byte
	c.Other = core.Contact(r.get(hasOther, 4))     //nolint:gosec // four bytes
	if r.bad || len(r.p) != 0 {
		return 0, c, errCommand
	}
	return now, c, nil
}

type fieldReader struct {
	p   []byte
	set uint16
	bad bool
}

// get takes a field of the given size, 0 if it is not there.
func (r *fieldReader) get(bit uint16, size int) uint64 {
	if r.set&bit == 0 {
		return 0
	}
	if len(r.p) < size {
		r.bad = true
		return 0
	}
	var v [8]byte
	copy(v[:], r.p[:size])
	r.p = r.p[size:]
	return binary.LittleEndian.Uint64(v[:])
}
