#include "textflag.h"

// func ticks() uint64
//
// The fences keep the loads that are measured between two readings.
TEXT ·ticks(SB), NOSPLIT, $0-8
	LFENCE
	RDTSC
	LFENCE
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET
