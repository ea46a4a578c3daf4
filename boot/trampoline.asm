; SPDX-License-Identifier: MIT
; Where an application processor starts after its SIPI: real mode, at the start of
; a page below 1 MiB.  arch/x86/cpu/smp.c copies this code there and fills in the
; fields from trampoline_fields on, in the order of its struct trampoline_fields.
; The page is mapped at its own address in the page tables named there.

CR0_VALUE    equ 0x80010033     ; PG WP NE ET MP PE; caches on
CR4_PAE      equ 1 << 5
MSR_EFER     equ 0xc0000080
EFER_LME_NXE equ 1 << 8 | 1 << 11
CODE64       equ 0x08
DATA         equ 0x10

section .rodata progbits alloc noexec nowrite align=16
global trampoline_start, trampoline_end, trampoline_fields, trampoline_long_mode
bits 16
trampoline_start:
	cli
	cld
	mov ax, cs
	mov ds, ax
	o32 lgdt [field.gdt_register - trampoline_start]
	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, [field.page_tables - trampoline_start]
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME_NXE
	wrmsr
	mov eax, CR0_VALUE
	mov cr0, eax
	jmp far dword [field.long_mode - trampoline_start]

bits 64
trampoline_long_mode:
	mov eax, DATA
	mov ss, eax
	mov ds, eax
	mov es, eax
	mov rsp, [rel field.stack]
	mov rdi, [rel field.percpu]
	mov rax, [rel field.entry]
	xor ebp, ebp
	push rbp                ; a return address that ends back-traces
	jmp rax                 ; void (*entry)(struct percpu *)

align 8
trampoline_fields:
field:
.stack:        dq 0
.percpu:       dq 0
.entry:        dq 0
.gdt:          dq 0
	dq 0x00af9b000000ffff   ; CODE64
	dq 0x00cf93000000ffff   ; DATA
.page_tables:  dd 0
.long_mode:    dd 0             ; linear address and selector for the far jump
	dw CODE64
.gdt_register: dw 3 * 8 - 1
	dd 0
trampoline_end:

section .note.GNU-stack noalloc noexec nowrite progbits
