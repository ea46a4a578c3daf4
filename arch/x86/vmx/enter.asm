; SPDX-License-Identifier: MIT
;
; vmx_enter(): into the guest and back, as one C function.  It relies on struct
; vmx_vcpu beginning with gpr[16] in the order of instruction encoding, and on
; HOST_RSP holding the stack pointer that this routine leaves.

%include "asm_offsets.inc"

bits 64
section .text

%define GPR(n) rdi + (n) * 8
%define VMCS_HOST_RSP 0x6c14

; u32 vmx_enter(struct vmx_vcpu *v, u32 how);
;
; how: 0 to launch, 1 to resume; 0x82 and 0x83 the same with the CPU's buffers cleared before.
; In their low byte the parity tells to launch, the sign to clear.
; Returns 0: the guest was entered and has exited; 1: VMLAUNCH or VMRESUME failed;
; 2: not entered, because this CPU was kicked.  Clobbers what the C ABI allows.
global vmx_enter
global vmx_exit_point
global vmx_exit_point_filling
global vmx_enter_window
global vmx_enter_window_end
global vmx_enter_abort

vmx_enter:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	push	rdi
	mov	eax, VMCS_HOST_RSP
	vmwrite	rax, rsp
	jbe	vmx_enter_failed
	mov	eax, esi
; From here to the entry an NMI handler that has set PERCPU_KICK moves RIP to
; vmx_enter_abort, so that no kick is lost between the check and the entry.
vmx_enter_window:
	cmp	dword [gs:PERCPU_KICK], 0
	jne	vmx_enter_abort
	test	al, al
	mov	rax, [GPR(0)]
	mov	rcx, [GPR(1)]
	mov	rdx, [GPR(2)]
	mov	rbx, [GPR(3)]
	mov	rbp, [GPR(5)]
	mov	rsi, [GPR(6)]
	mov	r8,  [GPR(8)]
	mov	r9,  [GPR(9)]
	mov	r10, [GPR(10)]
	mov	r11, [GPR(11)]
	mov	r12, [GPR(12)]
	mov	r13, [GPR(13)]
	mov	r14, [GPR(14)]
	mov	r15, [GPR(15)]
	mov	rdi, [GPR(7)]
	js	.clear
.enter:
	jp	.launch
	vmresume
	jmp	vmx_enter_failed
; VERW of any selector that can be written to: of the flags it changes ZF alone.
.clear:
	verw	[rel writable_selector]
	jmp	.enter
.launch:
	vmlaunch
vmx_enter_window_end:
vmx_enter_failed:
	mov	eax, 1
	jmp	vmx_enter_return
vmx_enter_abort:
	mov	eax, 2
vmx_enter_return:
	pop	rdi
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	ret

; Where every VM exit arrives: RSP is HOST_RSP, all else is the guest's.  By the first of both where
; the CPU would return, speculatively, to what the guest has called: so many calls replace all of it.
%macro FILL 0
	call	%%next
	int3
%%next:
%endmacro
vmx_exit_point_filling:
%rep 32
	FILL
%endrep
	lea	rsp, [rsp + 32 * 8]
	lfence
vmx_exit_point:
	push	rdi
	mov	rdi, [rsp + 8]
	mov	[GPR(0)], rax
	mov	[GPR(1)], rcx
	mov	[GPR(2)], rdx
	mov	[GPR(3)], rbx
	mov	[GPR(5)], rbp
	mov	[GPR(6)], rsi
	pop	qword [GPR(7)]
	mov	[GPR(8)], r8
	mov	[GPR(9)], r9
	mov	[GPR(10)], r10
	mov	[GPR(11)], r11
	mov	[GPR(12)], r12
	mov	[GPR(13)], r13
	mov	[GPR(14)], r14
	mov	[GPR(15)], r15
	; No value of the guest's stays in a register that C may use speculatively.
	xor	eax, eax
	xor	ecx, ecx
	xor	edx, edx
	xor	esi, esi
	xor	r8d, r8d
	xor	r9d, r9d
	xor	r10d, r10d
	xor	r11d, r11d
	jmp	vmx_enter_return

; void vmx_unblock_nmis(void);
;
; An exit for an NMI leaves NMIs blocked as in their handler; an IRET ends that.
global vmx_unblock_nmis
vmx_unblock_nmis:
	mov	rax, rsp
	mov	ecx, ss
	push	rcx
	push	rax
	pushfq
	mov	ecx, cs
	push	rcx
	lea	rcx, [rel .done]
	push	rcx
	iretq
.done:
	ret

section .rodata
writable_selector:
	dw	ASM_WRITABLE_SELECTOR

section .note.GNU-stack noalloc noexec nowrite progbits
