; SPDX-License-Identifier: MIT
; Processor state in a 64-bit guest: what it sees and what it keeps over exits.
bits 64

; CPUID of EAX, ECX: the four registers.
ENTRY state_cpuid
	cpuid
	DONE

ENTRY state_rdmsr
	rdmsr
	shl rdx, 32
	or rax, rdx
	DONE
; Writes RAX to MSR ECX and reads it back.
ENTRY state_wrmsr
	mov rdx, rax
	shr rdx, 32
	wrmsr
	rdmsr
	shl rdx, 32
	or rax, rdx
	DONE

; Control registers: each is set to the test's value and read back, over an exit as well.
ENTRY state_cr0
	mov cr0, rax
	mov rbx, cr0
	out PORT_READY, al
	mov rcx, cr0
	DONE
ENTRY state_cr4
	mov cr4, rax
	mov rbx, cr4
	out PORT_READY, al
	mov rcx, cr4
	DONE
ENTRY state_cr8
	mov cr8, rax
	mov rbx, cr8
	out PORT_READY, al
	mov rcx, cr8
	DONE
; CLTS, LMSW, SMSW: RBX after CLTS, RCX after LMSW with RAX, RDX what SMSW says.
ENTRY state_msw
	clts
	mov rbx, cr0
	lmsw ax
	mov rcx, cr0
	xor edx, edx
	smsw edx
	DONE
; XCR0 set to EAX (EDX is 0) and read back into RAX.
ENTRY state_xsetbv
	xor ecx, ecx
	xor edx, edx
	xsetbv
	xor eax, eax
	xgetbv
	shl rdx, 32
	or rax, rdx
	DONE

; DR0 to DR3 and DR7 (RAX, RBX, RCX, RDX, RSI) over an exit, then read back into the same.
ENTRY state_debug
	mov dr0, rax
	mov dr1, rbx
	mov dr2, rcx
	mov dr3, rdx
	mov dr7, rsi
	out PORT_READY, al
	mov rax, dr0
	mov rbx, dr1
	mov rcx, dr2
	mov rdx, dr3
	mov rsi, dr7
	mov rdi, dr6
	DONE

; All sixteen XMM registers become RAX (low) and its complement (high), then READY; after it
; they are stored at RDI, with x87's ST0 (the integer RAX) behind them, and DONE.
ENTRY state_sse_set
	mov rcx, rax
	not rcx
%assign n 0
%rep 16
	movq xmm %+ n, rax
	pinsrq xmm %+ n, rcx, 1
  %assign n n + 1
%endrep
	mov [rdi], rax
	fninit
	fild qword [rdi]
	out PORT_READY, al
; Entered on its own it shows what another left behind.
ENTRY state_sse_store
%assign n 0
%rep 16
	movups [rdi + n * 16], xmm %+ n
  %assign n n + 1
%endrep
	fnstsw ax
	fistp qword [rdi + 256]
	DONE

; All general registers over an exit: each holds its number times RAX's value.  After the OUT
; the test looks at them by KVM_GET_REGS and may change them; DONE shows what was set.
ENTRY state_registers
	mov rax, 0x0101010101010101
	imul rbx, rax, 2
	imul rcx, rax, 3
	imul rdx, rax, 4
	imul rsi, rax, 5
	imul rdi, rax, 6
	imul rbp, rax, 7
	imul r8, rax, 8
	imul r9, rax, 9
	imul r10, rax, 10
	imul r11, rax, 11
	imul r12, rax, 12
	imul r13, rax, 13
	imul r14, rax, 14
	imul r15, rax, 15
	out PORT_READY, al
	DONE

; The TSC before (R9) and after (R10) an exit to the caller, and after a CPUID (R11); then RSI
; counts how often among 100 more readings one was smaller than the one before.
ENTRY state_tsc
	call .read
	mov r9, rax
	out PORT_READY, al
	call .read
	mov r10, rax
	xor eax, eax
	cpuid
	call .read
	mov r11, rax
	xor esi, esi
	mov edi, 100
.pair:
	call .read
	cmp rax, r11
	adc esi, 0
	mov r11, rax
	dec edi
	jnz .pair
	DONE
.read:
	rdtsc
	shl rdx, 32
	or rax, rdx
	ret

; Rewrites the two instructions ahead of it in 64-bit mode.
ENTRY state_self_modify
	mov byte [.ahead + 1], 0x77
.ahead:
	mov al, 0x11
	mov rbx, rax
	DONE
