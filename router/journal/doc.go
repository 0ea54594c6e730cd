// Package journal keeps what the routing core was told, so that a restart goes
// on where a kill -9 stopped it. It writes commands, not state: the core
// decides the same when it is told the same, so replaying the commands gives
// the State back bit by bit.
//
// The promise:
//
//   - A record that [Journal.Durable] covers survives a crash of the process
//     and of the machine. The router holds back the acknowledgement of an
//     acceptance until then; nothing else waits.
//   - The loop that appends never waits for the disk. An append is a copy into
//     a ring of fixed size and a hash of the effects: no lock, no allocation,
//     no system call.
//   - [Open] returns the State as of the last whole record, having checked at
//     each record that it decided the same as then. A torn tail is cut, and the
//     log says where. Damage before it is an error that names file and offset,
//     never a State that never was.
//   - When the disk fails or hangs, routing goes on: the journal is degraded,
//     [Journal.Settled] lets every acknowledgement pass, and the journal
//     begins anew from a snapshot once the disk can be written again. Memory
//     is bounded throughout.
//
// # Goroutines
//
//	loop --ring--> shadow --outbox--> disk
//
// The router's loop puts records into the ring. The shadow takes them out,
// applies them to a State of its own and compares what that decided; then it
// encodes them for the disk. The disk writes and syncs in groups: at once when
// somebody waits (while a sync runs the next group gathers), else lazily. The
// shadow's State is what snapshots are made of, so the loop never stops for one,
// and what the journal goes on with when the disk had to be given up for a
// while. The loop would wait in one case only: when the shadow, which does no
// I/O, is a whole ring behind it.
//
// # Files
//
// A directory belongs to one process, by a lock on the file "lock".
//
//	log-<seq>    records from seq on, after a head
//	snap-<seq>   a head, the State and the notes as of seq, and an end
//
// seq, 20 digits, is how many records there were before. The newest snapshot
// and the logs from its seq on, without a gap, are the journal; what is older is
// removed. Files are made under another name, synced and renamed, so a head or a
// snapshot is whole or not there.
//
// # Records
//
// All numbers are little-endian.
//
//	0   uint32  CRC-32C of the bytes from 4 to the end
//	4   uint24  length of the payload
//	7   uint8   kind
//	8   uint64  hash
//	16  payload
//
// The hash of a command, definition or note is taken over the hash before it,
// the record and a digest of the effects that the command had. It proves at
// each record that the replay went the same way; the checksum finds what is
// torn or flipped.
//
//	head        JSON: format, seq, hash and the core's Config
//	command     int64 now; uint16 set of the fields that are not zero; operation; these fields
//	plan, class, work type
//	            uint32 handle that the core gave; JSON of the definition
//	note        uint8 kind; uint32 handle; value, empty when it was removed
//	mark        no payload; the hash is the mark's own offset: all before it was synced
//	state, end  in snapshots: a piece of the State; nothing follows
//
// A mark makes the difference between a torn tail and damage exact: what a bad
// record spoils was acknowledged if and only if a mark stands behind it.
package journal
