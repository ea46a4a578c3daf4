; SPDX-License-Identifier: MIT
; How a guest image starts: the multiboot2 header, and the way from 32-bit protected mode
; (EAX: magic, EBX: information structure) to guest_start() in long mode, at whatever
; address the loader chose.  Also the start of the other CPUs.

MAGIC    equ 0xe85250d6
FLAGS_TABLE equ 0x07            ; present, writable, user
FLAGS_LARGE equ 0x87            ; and a 2 MiB page
SEL_CODE equ 0x08
SEL_DATA equ 0x10
CR4_START equ 1 << 5 | 1 << 9 | 1 << 10 ; PAE, OSFXSR, OSXMMEXCPT
EFER     equ 0xc0000080
EFER_LME equ 1 << 8

section .multiboot progbits alloc noexec nowrite align=8
header:
	dd MAGIC, 0, header_end - header
	dd -(MAGIC + 0 + (header_end - header))
	; relocatable: anywhere below 4 GiB, at 2 MiB alignment, lowest address first
	align 8, db 0
	dw 10, 0
	dd 24, 0x200000, 0xffffffff, 0x200000, 1
	align 8, db 0
	dw 0, 0
	dd 8
header_end:

section .text
bits 32
global start
extern guest_start, image_start, rela_start, rela_end

; No stack is promised.  The information structure's second word is reserved and nobody
; reads it: it holds the one return address that tells where this code is.
start:
	cli
	cld
	mov esi, eax
	lea esp, [ebx + 8]
	call .here
.here:	pop ebp
%macro find 2                   ; %1 = address of what the word at %2 points to
	mov %1, [ebp + %2 - .here]
	lea %1, [ebp + %1 + %2 - .here]
%endmacro
	find esp, to_stack
	find edi, to_tables

	; PML4 -> PDPT -> four page directories -> 2048 pages of 2 MiB
	lea eax, [edi + 0x1000 + FLAGS_TABLE]
	mov [edi], eax
	lea eax, [edi + 0x2000 + FLAGS_TABLE]
	xor ecx, ecx
.pdpt:	mov [edi + 0x1000 + ecx * 8], eax
	add eax, 0x1000
	inc ecx
	cmp ecx, 4
	jb .pdpt
	mov eax, FLAGS_LARGE
	xor ecx, ecx
.pd:	mov [edi + 0x2000 + ecx * 8], eax
	add eax, 0x200000
	inc ecx
	cmp ecx, 2048
	jb .pd

	lea eax, [ebp + start64 - .here]
	jmp to_long

; EAX: where to go on in 64-bit code; EDI: PML4; EBP: .here; ESP: a stack.  Keeps EBX, ESI.
to_long:
	mov edx, eax
	mov cr3, edi
	mov eax, CR4_START
	mov cr4, eax
	push edx
	mov ecx, EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	pop edx
	lea eax, [ebp + boot_gdt - start.here]
	sub esp, 8
	mov word [esp], boot_gdt.end - boot_gdt - 1
	mov [esp + 2], eax
	lgdt [esp]
	add esp, 8
	mov eax, 0x80010033     ; PG, WP, NE, ET, MP, PE
	mov cr0, eax
	push SEL_CODE
	push edx
	retf

align 8
boot_gdt:
	dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff
.end:
to_stack:  dd boot_stack.top - $
to_tables: dd page_tables - $

bits 64
start64:
	mov eax, SEL_DATA
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	lea rsp, [rel boot_stack.top]
	mov ebx, ebx
	mov esi, esi
	; apply the relocations: word at (image + offset) = image + addend
	lea rdi, [rel image_start]
	lea rcx, [rel rela_start]
	lea rdx, [rel rela_end]
.rela:	cmp rcx, rdx
	jae .go
	mov rax, [rcx]
	mov r8, [rcx + 16]
	add r8, rdi
	mov [rdi + rax], r8
	add rcx, 24
	jmp .rela
.go:	mov edi, esi            ; void guest_start(u32 magic, const void *info)
	mov rsi, rbx
	xor ebp, ebp
	call guest_start
.stop:	cli
	hlt
	jmp .stop

; Copied to a page below 1 MiB, where another CPU starts in real mode.  The words at its end
; are filled in by smp.c: struct { u32 cr3; u32 entry; u64 stack; u64 arg }.
global ap_start, ap_start_end, ap_start_words
extern ap_main
bits 16
ap_start:
	cli
	cld
	mov ax, cs
	mov ds, ax
	movzx ebx, ax
	shl ebx, 4              ; this page's address
	lea eax, [ebx + ap_gdt - ap_start]
	mov [ap_gdt_pointer + 2 - ap_start], eax
	o32 lgdt [ap_gdt_pointer - ap_start]
	mov eax, cr0
	and eax, 0x1fffffff     ; caches on
	or eax, 1
	mov cr0, eax
	lea eax, [ebx + ap_start32 - ap_start]
	mov [ap_far - ap_start], eax
	jmp far dword [ap_far - ap_start]
bits 32
ap_start32:
	mov eax, SEL_DATA
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov eax, CR4_START
	mov cr4, eax
	mov eax, [ebx + ap_start_words - ap_start]
	mov cr3, eax
	mov ecx, EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	mov eax, 0x80010033
	mov cr0, eax
	lea eax, [ebx + ap_start64 - ap_start]
	mov [ebx + ap_far - ap_start], eax
	mov word [ebx + ap_far + 4 - ap_start], SEL_CODE
	jmp far [ebx + ap_far - ap_start]
bits 64
ap_start64:
	mov rsp, [rbx + ap_start_words + 8 - ap_start]
	mov rdi, [rbx + ap_start_words + 16 - ap_start]
	mov eax, [rbx + ap_start_words + 4 - ap_start]
	xor ebp, ebp
	call rax                ; void ap_main(struct cpu *cpu)
align 8
ap_far:	dd 0
	dw 0x18                 ; 32-bit code
	dw 0
ap_gdt:	dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
ap_gdt_pointer:
	dw $ - ap_gdt - 1
	dd 0
align 8
ap_start_words:
	dd 0, 0
	dq 0, 0
ap_start_end:

section .bss nobits alloc noexec write align=4096
global page_tables
page_tables: resb 6 * 4096
boot_stack:  resb 65536
.top:

section .note.GNU-stack noalloc noexec nowrite progbits
