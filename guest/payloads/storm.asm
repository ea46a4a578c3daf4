; SPDX-License-Identifier: MIT
; Many vCPUs that interrupt each other.  What is sent is counted by who gets it, and what arrives by
; who got it; an interrupt is only sent into an empty mailbox, so that none is one with another.
bits 64

%macro EOI_X2APIC 0
	mov ecx, 0x80b
	xor eax, eax
	xor edx, edx
	wrmsr
%endmacro

; A handler that empties a mailbox (4 bytes) and counts; an empty one is an error.
%macro MAIL_HANDLER 4	; name, mailboxes, count, whether EOI
ENTRY %1
	push rax
	push rcx
	push rdx
	xor eax, eax
	xchg eax, [%2 + r13 * 4]
	cmp eax, 1
	je %%was_full
	lock inc qword [abs STORM_ERRORS]
%%was_full:
	inc qword [%3 + r13 * 8]
  %if %4
	EOI_X2APIC
  %endif
	pop rdx
	pop rcx
	pop rax
	iretq
%endmacro

MAIL_HANDLER storm_ipi, STORM_MAIL, STORM_GOT, 1
MAIL_HANDLER storm_timer, STORM_ARMED, STORM_TIMERS_GOT, 1
MAIL_HANDLER storm_nmi, STORM_NMI_MAIL, STORM_NMIS_GOT, 0

ENTRY storm_wake
	push rax
	push rcx
	push rdx
	EOI_X2APIC
	pop rdx
	pop rcx
	pop rax
	iretq

; The next number of R12's row, in RAX.
%macro RANDOM 0
	mov rax, r12
	shl rax, 13
	xor r12, rax
	mov rax, r12
	shr rax, 7
	xor r12, rax
	mov rax, r12
	shl rax, 17
	xor r12, rax
	mov rax, r12
	shr rax, 20
%endmacro

; HLT until the condition, which the instructions before it compare, holds.
%macro HALT_UNTIL 2	; condition code, {compare}
%%again:
	cli
	%2
	j%1 %%holds
	sti
	hlt
	jmp %%again
%%holds:
	sti
%endmacro

; Interrupt EAX (ICR's lower half) for the vCPU in EDX, which gets it only into an empty mailbox.
%macro SEND 3	; mailboxes, count, ICR
	mov r10, rdx
	xor eax, eax
	mov ecx, 1
	lock cmpxchg [%1 + r10 * 4], ecx
	jne %%full
	lock inc qword [%2 + r10 * 8]
	mov eax, %3
	mov rdx, r10
	mov ecx, 0x830
	wrmsr
%%full:
%endmacro

; vCPU R13 of R14; R12 begins its random row.  RSI rounds of anything, RDI of handing tokens on.
ENTRY storm
	call x2apic_on
	mov ecx, 0x832
	mov eax, 0x40000 | STORM_VECTOR_TIMER
	xor edx, edx
	wrmsr
	sti
	lock inc qword [abs STORM_STARTED]
.start:				; nobody is sent anything before its local APIC is on
	mov edx, PORT_TEST
	out dx, al
	cmp [abs STORM_STARTED], r14
	jb .start
.round:
	RANDOM
	mov r8, rax
	shr r8, 8
	and eax, 7
	cmp eax, 2
	jb .ipi
	je .nmi
	cmp eax, 4
	jb .user
	je .spin
	cmp eax, 6
	jbe .sleep
.nap:				; until anything comes, at the latest the timer
	call arm
	sti
	hlt
	jmp .next
.sleep:
	call arm
	HALT_UNTIL e, {cmp dword [STORM_ARMED + r13 * 4], 0}
	jmp .next
.ipi:
	call any
	SEND STORM_MAIL, STORM_SENT, STORM_VECTOR_IPI
	jmp .next
.nmi:
	call any
	SEND STORM_NMI_MAIL, STORM_NMIS_SENT, 0x400
	jmp .next
.user:
	mov edx, PORT_TEST
	out dx, al
	jmp .next
.spin:
	and r8d, 63
.pause:
	pause
	dec r8d
	jg .pause
.next:
	dec rsi
	jnz .round

	HALT_UNTIL e, {cmp dword [STORM_ARMED + r13 * 4], 0}
	; Tokens, with nothing but an IPI to wake who waits for one.
	lea r9, [r13 + 1]
	cmp r9, r14
	jb .token
	xor r9d, r9d
.token:
	HALT_UNTIL ne, {cmp qword [STORM_TOKENS + r13 * 8], 0}
	lock dec qword [STORM_TOKENS + r13 * 8]
	lock inc qword [STORM_TOKENS + r9 * 8]
	mov ecx, 0x830
	mov eax, STORM_VECTOR_WAKE
	mov edx, r9d
	wrmsr
	dec rdi
	jnz .token

	; The last one wakes all: the vCPUs, and the VMM, which sends as well.
	mov eax, 1
	lock xadd [abs STORM_ENDED], rax
	cmp rax, r14
	jne .wait
	mov ecx, 0x830
	mov eax, 0xc0000 | STORM_VECTOR_WAKE
	xor edx, edx
	wrmsr
.wait:
	HALT_UNTIL a, {cmp [abs STORM_ENDED], r14}
	HALT_UNTIL e, {cmp dword [STORM_MAIL + r13 * 4], 0}
.last_nmi:			; CLI does not hold NMIs back: no HLT
	mov edx, PORT_TEST
	out dx, al
	cmp dword [STORM_NMI_MAIL + r13 * 4], 0
	jne .last_nmi
	DONE

; RDX: any vCPU, by R8.
any:
	mov rax, r8
	xor edx, edx
	div r14
	ret

; The timer comes in at most 8191 ticks; one that is armed already stays.  With CLI, from here on.
arm:
	cli
	cmp dword [STORM_ARMED + r13 * 4], 0
	jne .armed
	mov dword [STORM_ARMED + r13 * 4], 1
	inc qword [STORM_TIMERS_SET + r13 * 8]
	and r8d, 8191
	rdtsc
	shl rdx, 32
	or rax, rdx
	add rax, r8
	mov rdx, rax
	shr rdx, 32
	mov ecx, 0x6e0
	wrmsr
.armed:
	ret
