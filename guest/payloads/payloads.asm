; SPDX-License-Identifier: MIT
; The small guests that the ABI tests and the benchmark run, gathered in one piece that is
; copied to GPA_CODE of a guest.  It is position-independent data for the program that it is
; linked into: distances between labels are the only addresses in it.
%include "layout.inc"

section .rodata align=64
default rel

; A routine that a guest starts at; C knows it by this name (payloads.h).
%macro ENTRY 1
align 16
global %1
%1:
%endmacro

; The end of a routine.  Whoever runs it on gets the same answer again.
%macro DONE 0
%%again:
	out PORT_DONE, al
	jmp %%again
%endmacro

; Offset of a label for code in real mode, where CS starts at GPA_CODE.
%define real(label) ((label) - payloads_begin)

global payloads_begin
payloads_begin:
%include "real.asm"
%include "prot.asm"
%include "fault.asm"
%include "io.asm"
%include "emulate.asm"
%include "state.asm"
%include "debug.asm"
%include "interrupt.asm"
%include "apic.asm"
%include "cpus.asm"
%include "move.asm"
%include "vapic.asm"
%include "access.asm"
%include "clock.asm"
%include "halt.asm"
%include "storm.asm"
%include "timing.asm"
%include "pv_shared.asm"
global payloads_end
payloads_end:

section .note.GNU-stack noalloc noexec nowrite progbits
