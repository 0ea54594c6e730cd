package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// kind says what a record is. The numbers are on disk.
type kind uint8

const (
	headRecord kind = iota + 1
	commandRecord
	planRecord
	classRecord
	typeRecord
	noteRecord
	markRecord
	stateRecord
	endRecord
	endOfKinds
)

const (
	frameSize  = 16
	maxPayload = 1<<24 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal fills the frame in front of a payload.
func seal(record []byte, k kind, hash uint64) {
	binary.LittleEndian.PutUint32(record[4:], uint32(len(record)-frameSize)|uint32(k)<<24) //nolint:gosec // bounded by maxPayload
	binary.LittleEndian.PutUint64(record[8:], hash)
	binary.LittleEndian.PutUint32(record, crc32.Checksum(record[4:], castagnoli))
}

// appendFrame appends a whole record.
func appendFrame(dst []byte, k kind, hash uint64, payload []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, frameSize)...)
	dst = append(dst, payload...)
	seal(dst[at:], k, hash)
	return dst
}

// record is one of a file, its payload valid until the next is read.
type record struct {
	kind    kind
	hash    uint64
	at      int64
	payload []byte
}

// errBad is a record that is not whole: its bytes end early or do not fit the
// checksum.
var errBad = errors.New("not a whole record")

// reader reads records one by one.
type reader struct {
	src *bufio.Reader
	at  int64 // offset of the next record
	buf []byte
}

func newReader(src io.Reader) *reader {
	return &reader{src: bufio.NewReaderSize(src, 1<<16), buf: make([]byte, frameSize, 4096)}
}

// next returns the next record, io.EOF after the last, errBad, or what reading
// failed with. After an error it must not be called again.
func (r *reader) next() (record, error) {
	frame := r.buf[:frameSize]
	if _, err := io.ReadFull(r.src, frame); err != nil {
		return record{}, ended(err)
	}
	word := binary.LittleEndian.Uint32(frame[4:])
	rec := record{kind: kind(word >> 24), hash: binary.LittleEndian.Uint64(frame[8:]), at: r.at}
	size := frameSize + int(word&maxPayload)
	if rec.kind == 0 || rec.kind >= endOfKinds {
		return record{}, errBad
	}
	if size > cap(r.buf) {
		r.buf = append(make([]byte, 0, size), frame...)
	}
	whole := r.buf[:size]
	if _, err := io.ReadFull(r.src, whole[frameSize:]); err != nil {
		return record{}, ended(errors.Join(err, errBad))
	}
	if crc32.Checksum(whole[4:], castagnoli) != binary.LittleEndian.Uint32(whole) {
		return record{}, errBad
	}
	rec.payload = whole[frameSize:]
	r.at += int64(size)
	return rec, nil
}

// ended tells the end of the file from a failure to read it.
func ended(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && errors.Is(err, errBad):
		return errBad
	case errors.Is(err, io.EOF):
		return io.EOF
	default:
		return fmt.Errorf("read: %w", err)
	}
}

// markBehind reports whether a mark stands anywhere in what src has left, which
// begins at the offset at. It looks at every byte: nothing is aligned once a
// record is bad.
func markBehind(src io.Reader, at int64) (bool, error) {
	in := bufio.NewReaderSize(src, 1<<16)
	for ; ; at++ {
		frame, err := in.Peek(frameSize)
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read: %w", err)
		}
		if isMark(frame, at) {
			return true, nil
		}
		_, _ = in.Discard(1) // it was peeked at
	}
}

func isMark(frame []byte, at int64) bool {
	return binary.LittleEndian.Uint32(frame[4:]) == uint32(markRecord)<<24 &&
		binary.LittleEndian.Uint64(frame[8:]) == uint64(at) && //nolint:gosec // an offset
		binary.LittleEndian.Uint32(frame) == crc32.Checksum(frame[4:frameSize], castagnoli)
}
