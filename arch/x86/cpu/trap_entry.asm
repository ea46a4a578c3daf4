; SPDX-License-Identifier: MIT
; Entry points of the exceptions and of NMI: build a struct trap_frame
; (cpu/trap.h), call trap_handle(), return by IRETQ.
bits 64
default rel

extern trap_handle

TRAP_COUNT equ 32

section .text

; One stub a vector, 16 bytes apart, so that cpu/trap.c can compute addresses.
; Vectors for which the CPU pushes no error code get a zero in its place.
global trap_stubs
align 16
trap_stubs:
%assign vector 0
%rep TRAP_COUNT
	align 16
	%if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 \
		&& vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
	push 0
	%endif
	push vector
	jmp trap_common
	%assign vector vector + 1
%endrep

; From a stub.  GS base is kvm0's own in all of root mode, so there is no SWAPGS.
align 16
trap_common:
	push rax
	push rbx
	push rcx
	push rdx
	push rsi
	push rdi
	push rbp
	push r8
	push r9
	push r10
	push r11
	push r12
	push r13
	push r14
	push r15
	mov rdi, rsp
	mov rbp, rsp
	and rsp, -16
	cld
	call trap_handle
	mov rsp, rbp
	pop r15
	pop r14
	pop r13
	pop r12
	pop r11
	pop r10
	pop r9
	pop r8
	pop rbp
	pop rdi
	pop rsi
	pop rdx
	pop rcx
	pop rbx
	pop rax
	add rsp, 16
	iretq

; void stack_switch(u64 top, void (*fn)(void)): run @fn, which must not return, on
; the stack that ends at @top.
global stack_switch
stack_switch:
	mov rsp, rdi
	xor ebp, ebp
	push rbp                ; a return address that ends back-traces
	jmp rsi

section .note.GNU-stack noalloc noexec nowrite progbits
