package media

// seqWindow knows which of the newest 64 sequence numbers were seen.
type seqWindow struct {
	newest uint16
	used   uint64 // bit i is newest-i
}

// take uses a sequence number and says whether it was free. What is older than
// the window counts as used.
func (w *seqWindow) take(seq uint16) bool {
	ahead := int16(seq - w.newest) //nolint:gosec // serial arithmetic
	if ahead > 0 {
		w.used = w.used<<ahead | 1
		w.newest = seq
		return true
	}
	if ahead <= -64 {
		return false
	}
	bit := uint64(1) << -ahead
	free := w.used&bit == 0
	w.used |= bit
	return free
}
