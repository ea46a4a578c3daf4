; SPDX-License-Identifier: MIT
; Guests that halt, wait and spin.
bits 64

; MONITOR and MWAIT; the first that faults ends it.
ENTRY halt_monitor_mwait
	lea r14, [.end]
	mov eax, GPA_BUFFER
	xor ecx, ecx
	xor edx, edx
	monitor
	xor eax, eax
	mwait
.end:
	DONE

; RDI rounds of spinning with PAUSE, RSI times each, at CPL 0.
ENTRY halt_spin
	mov rcx, rsi
.spin:
	pause
	dec rcx
	jnz .spin
	dec rdi
	jnz halt_spin
	DONE
