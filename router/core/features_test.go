package core

// features is what the property test must reach, as the reference counts it.
func features() []string {
	list := []string{
		"agent by only", "agent by preferred", "agent by proficiency", "agent by flexibility", "agent by load",
		"agent by longest_idle", "load: least", "load: most",
		"contact by only", "contact by held", "contact by tier", "contact by rank", "contact by deadline",
		"contact by age", "contact by arrival",
		"needs: and", "needs: or",
		"step: offered to whom the first one would not have", "step: named agent offered", "step: not among its agents",
		"step: not nested, who met the first one does not meet it",
		"reserve skill: offered", "reserve skill: not yet", "overload: begins", "sweep by overload: offered",
		"reserve: agents left free", "sweep by reserve: offered",
		"queue: not served", "delay: not yet", "delay: over, offered",
		"promotion: offered", "promotion: decided", "tier: the lost agent's first",
		"deadline: priorities differ", "deadline: patience differs", "rate: decided", "saturation: decided",
		"interrupts: offered", "room: no capacity", "room: limit of the channel", "room: cap",
		"hold: offered", "hold: forever, offered", "hold: others passed over", "hold: over by time", "hold: agent gone",
		"hold: refused",
		"overflow: after hold", "overflow: by age", "overflow: room is full", "room: turned away",
		"exclusion: passed over", "exclusion: over, offered again", "exclusion: forgiven", "rona",
		"offer: accepted", "offer: rejected", "offer: expired", "offer: withdrawn", "offer: revoked",
		"band timer", "reroute: offered",
		"move: while waiting", "move: while in offered", "move: while in connected", "move: while in parked",
		"move: while in wrap_up",
		"parked: kept while logged out", "parked: ended", "parked: requeue", "parked: transfer", "resume: not ready",
		"hand over: wrap-up", "hand over: no wrap-up",
		"wrap-up: kind timed", "wrap-up: kind forced", "wrap-up: kind open", "wrap-up: kind optional", "wrap-up: by time",
		"wrap-up: forced, not ended", "wrap-up: extension bounded",
	}
	codes := map[Op][]Code{
		OpSignIn: {BadCommand}, OpSignOut: {NoAgent}, OpReady: {NoAgent, BadState}, OpNotReady: {NoAgent}, OpReach: {NoAgent},
		OpVanish: {NoAgent}, OpArrive: {BadCommand, InUse}, OpAccept: {OfferGone}, OpReject: {OfferGone},
		OpWithdraw: {NoContact, BadState}, OpEnd: {NoContact, BadState}, OpRequeue: {NoContact, BadState},
		OpTransfer: {BadCommand, NoContact, BadState}, OpMove: {BadCommand, NoContact, BadState},
		OpPark: {NoContact, BadState}, OpResume: {NoContact, BadState, NoRoom},
		OpWrapEnd: {NoContact, BadState}, OpWrapExtend: {NoContact, BadState}, OpRoom: {BadCommand},
		OpHandOver: {BadCommand, NoContact, InUse, BadState},
	}
	for op := range Op(NumOp) {
		list = append(list, op.String()+": ok")
		for _, code := range codes[op] {
			list = append(list, op.String()+": "+code.String())
		}
	}
	return list
}
