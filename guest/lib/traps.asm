; SPDX-License-Identifier: MIT
; Entries of all 256 vectors, and calls whose traps are caught.  struct cpu (cpu.h) and
; struct trap_frame (trap.h) are laid out to match; trap.c asserts it.

CPU_CATCH_RSP equ 8
CPU_CAUGHT    equ 16
CPU_TSS       equ 24
TSS_RSP0      equ 4
SEL_USER_DATA equ 0x1b
SEL_USER_CODE equ 0x23

section .text
bits 64
extern trap_dispatch
global trap_stubs, trap_try, trap_try_user, trap_recover

; 16 bytes each.  Exceptions 8, 10 to 14, 17, 21, 29 and 30 come with an error code.
align 16
trap_stubs:
%assign i 0
%rep 256
	align 16
%if i == 8 || (i >= 10 && i <= 14) || i == 17 || i == 21 || i == 29 || i == 30
%else
	push 0
%endif
	push i
	jmp near trap_common
%assign i i + 1
%endrep

trap_common:
%macro push_all 0-*
%rep %0
	push %1
%rotate 1
%endrep
%endmacro
%macro pop_all 0-*
%rep %0
	pop %1
%rotate 1
%endrep
%endmacro
	push_all rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	cld
	mov rbx, rsp
	mov rdi, rsp
	and rsp, -16
	call trap_dispatch      ; void trap_dispatch(struct trap_frame *frame)
	mov rsp, rbx
	pop_all r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
	add rsp, 16
	iretq

; int trap_try(void (*fn)(void *), void *arg, struct trap_frame *frame)
trap_try:
	push_all rbx, rbp, r12, r13, r14, r15
	sub rsp, 8
	mov [gs:CPU_CAUGHT], rdx
	mov [gs:CPU_CATCH_RSP], rsp
	mov rax, rdi
	mov rdi, rsi
	call rax
	mov eax, -1
	mov qword [gs:CPU_CATCH_RSP], 0
; The handler of a caught trap returns here, with that RSP back and EAX the vector.
trap_recover:
	add rsp, 8
	pop_all r15, r14, r13, r12, rbp, rbx
	ret

; int trap_try_user(void (*fn)(void *), void *arg, struct trap_frame *frame)
trap_try_user:
	push_all rbx, rbp, r12, r13, r14, r15
	sub rsp, 8
	mov [gs:CPU_CAUGHT], rdx
	mov [gs:CPU_CATCH_RSP], rsp
	mov rax, [gs:CPU_TSS]
	mov [rax + TSS_RSP0], rsp
	mov rax, rdi
	mov rdi, rsi
	lea rcx, [rel user_stack.top]
	lea rdx, [rel .user]
	push SEL_USER_DATA
	push rcx
	push 0x202
	push SEL_USER_CODE
	push rdx
	iretq
.user:	call rax
	int 0x80                ; TRAP_VECTOR_USER: trap_dispatch() leaves by trap_recover

section .bss nobits alloc noexec write align=16
user_stack: resb 16384
.top:

section .note.GNU-stack noalloc noexec nowrite progbits
