; SPDX-License-Identifier: MIT
; Where the boot loader enters kvm0: the multiboot2 header and the way from 32-bit
; protected mode to kvm0_main() in hv/main.c.
;
; State at kvm0_start (Multiboot2 specification, I386 machine state): flat 32-bit
; protected mode, paging and interrupts off, EAX the magic, EBX the physical
; address of the boot information.  Under UEFI it is the same, because the header
; does not ask for boot services.
;
; The image is linked at IMAGE_BASE and loaded at any 2 MiB boundary below 4 GiB,
; so this code is position independent: EBP is the address of the image's first
; byte, which is boot_image.  All that the 32-bit code reads stands in .boot, at
; offsets known to the assembler; what it writes is the block boot_tables, whose
; offset linker.ld computes.

MB2_HEADER_MAGIC  equ 0xe85250d6
MB2_BOOT_MAGIC    equ 0x36d76289
MB2_I386          equ 0
TAG_END           equ 0
TAG_INFO_REQUEST  equ 1
TAG_MODULE_ALIGN  equ 6
TAG_RELOCATABLE   equ 10
OPTIONAL          equ 1
PREFER_HIGH       equ 2
IMAGE_ALIGN       equ 0x200000

COM1              equ 0x3f8
CR0_VALUE         equ 0x80010033 ; PG WP NE ET MP PE
CR4_PAE           equ 1 << 5
MSR_EFER          equ 0xc0000080
EFER_LME_NXE      equ 1 << 8 | 1 << 11
PTE_TABLE         equ 0x003      ; present, writable
PTE_LARGE         equ 0x083      ; present, writable, page size
CODE64            equ 0x08
DATA              equ 0x10

extern boot_tables_offset, image_phys_base, kvm0_main

; The block boot_tables, in pages
PML4              equ 0x0000
PDPT_LOW          equ 0x1000     ; for the identity and for the direct map
PD_LOW            equ 0x2000     ; four of them
PDPT_IMAGE        equ 0x6000
PD_IMAGE          equ 0x7000

section .boot progbits alloc exec nowrite align=4096
bits 32
boot_image:

align 8
header:
	dd MB2_HEADER_MAGIC, MB2_I386, header_end - header
	dd -(MB2_HEADER_MAGIC + MB2_I386 + (header_end - header)) & 0xffffffff
	; Wanted if the machine has them: command line, modules, basic memory
	; information, memory map, framebuffer, EFI system tables, both RSDPs, EFI
	; memory map, load address.  None is required: what is missing is reported
	; by name later.  There is no framebuffer tag: with one, GRUB 2.06 switches
	; every BIOS machine to graphics, and where it gets a mode with a palette,
	; as in Bochs, writes that beyond the end of its buffer.
align 8
.request:
	dw TAG_INFO_REQUEST, OPTIONAL
	dd .request_end - .request
	dd 1, 3, 4, 6, 8, 11, 12, 14, 15, 17, 21
.request_end:
align 8
	dw TAG_MODULE_ALIGN, OPTIONAL
	dd 8
	; As high as possible, so that the low memory stays whole for the guests.
align 8
	dw TAG_RELOCATABLE, 0
	dd 24
	dd 0x100000, 0xffffffff, IMAGE_ALIGN, PREFER_HIGH
align 8
	dw TAG_END, 0
	dd 8
header_end:

; Read-only once kvm0 has page tables of its own.
global boot_entry_tsc
align 8
boot_entry_tsc: dq 0

global kvm0_start
kvm0_start:
	cli
	cld
	; A stack of one word, to learn our address with: the reserved word of the
	; boot information, or the old boot sector's place if there is none.
	mov esp, 0x7c00
	cmp eax, MB2_BOOT_MAGIC
	jne .stack
	lea esp, [ebx + 8]
.stack:
	call .here
.here:
	pop ebp
	sub ebp, .here - boot_image
	mov esi, eax
	rdtsc
	mov [ebp + boot_entry_tsc - boot_image], eax
	mov [ebp + boot_entry_tsc - boot_image + 4], edx
	mov eax, esi

	mov edi, ebx
	mov ebx, text_not_multiboot2 - boot_image
	cmp eax, MB2_BOOT_MAGIC
	jne cannot_start
	mov ebx, text_misaligned - boot_image
	test ebp, IMAGE_ALIGN - 1
	jnz cannot_start

	lea esp, [ebp + boot_tables_offset] ; the stack ends where the tables start
	call check_cpu
	call fill_tables

	lea eax, [ebp + boot_tables_offset + PML4]
	mov cr3, eax
	mov eax, CR4_PAE
	mov cr4, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME_NXE
	wrmsr
	mov eax, CR0_VALUE
	mov cr0, eax

	; LGDT's operand holds the physical address; it is made on the stack.
	lea eax, [ebp + boot_gdt - boot_image]
	push eax
	push word boot_gdt_end - boot_gdt - 1
	lgdt [esp]
	; A far return to 64-bit code, since its address is not known here.
	lea esp, [ebp + boot_tables_offset]
	push dword CODE64
	lea eax, [ebp + start64 - boot_image]
	push eax
	retf

; Refuse a CPU without long mode or without execute-disable pages.  EDI and EBP are
; kept.  CPUID itself may be missing: then EFLAGS.ID cannot be changed.
check_cpu:
	pushfd
	pop eax
	mov ecx, eax
	xor eax, 1 << 21
	push eax
	popfd
	pushfd
	pop eax
	xor eax, ecx
	mov ebx, text_no_long_mode - boot_image
	test eax, 1 << 21
	jz cannot_start
	push edi
	mov eax, 0x80000000
	cpuid
	pop edi
	mov ebx, text_no_long_mode - boot_image
	cmp eax, 0x80000001
	jb cannot_start
	mov eax, 0x80000001
	cpuid
	mov ebx, text_no_long_mode - boot_image
	bt edx, 29
	jnc cannot_start
	mov ebx, text_no_nx - boot_image
	bt edx, 20
	jnc cannot_start
	ret

; Map the first 4 GiB twice, at 0 and at DIRECT_MAP_BASE, and the image's 2 MiB at
; IMAGE_BASE.  These tables last until paging_init() has made the real ones.  The
; boot loader has cleared them with the rest of .bss.
fill_tables:
	lea esi, [ebp + boot_tables_offset]
	lea eax, [esi + PDPT_LOW + PTE_TABLE]
	mov [esi + PML4 + 0 * 8], eax
	mov [esi + PML4 + 256 * 8], eax
	lea eax, [esi + PDPT_IMAGE + PTE_TABLE]
	mov [esi + PML4 + 511 * 8], eax
	lea eax, [esi + PD_IMAGE + PTE_TABLE]
	mov [esi + PDPT_IMAGE + 510 * 8], eax
	lea eax, [ebp + PTE_LARGE]
	mov [esi + PD_IMAGE], eax

	lea eax, [esi + PD_LOW + PTE_TABLE]
	xor ecx, ecx
.pdpt:
	mov [esi + PDPT_LOW + ecx * 8], eax
	add eax, 0x1000
	inc ecx
	cmp ecx, 4
	jb .pdpt
	mov eax, PTE_LARGE
	xor ecx, ecx
.pd:
	mov [esi + PD_LOW + ecx * 8], eax
	add eax, IMAGE_ALIGN
	inc ecx
	cmp ecx, 4 * 512
	jb .pd
	ret

; Print "kvm0: cannot start: " and the text at offset EBX on COM1, then halt.  Uses
; no stack.  Each wait is bounded, for a machine that has no UART.
cannot_start:
	mov esi, uart_setup - boot_image
.setup:
	movzx edx, word [ebp + esi]
	test edx, edx
	jz .setup_done
	mov al, [ebp + esi + 2]
	out dx, al
	add esi, 3
	jmp .setup
.setup_done:
	mov esi, text_cannot_start - boot_image
.char:
	mov edx, COM1 + 5
	mov ecx, 100000
.wait:
	in al, dx
	test al, 0x20
	jnz .ready
	dec ecx
	jnz .wait
.ready:
	mov al, [ebp + esi]
	inc esi
	test al, al
	jz .end_of_text
	mov edx, COM1
	out dx, al
	jmp .char
.end_of_text:
	mov esi, ebx
	mov ebx, text_newline - boot_image
	cmp esi, text_end - boot_image
	je .halt
	cmp esi, text_newline - boot_image
	jne .char
	mov ebx, text_end - boot_image
	jmp .char
.halt:
	cli
	hlt
	jmp .halt

uart_setup:                     ; port and value: 115200 baud, 8N1, FIFOs
	dw COM1 + 3
	db 0x83
	dw COM1 + 0
	db 1
	dw COM1 + 1
	db 0
	dw COM1 + 3
	db 3
	dw COM1 + 2
	db 7
	dw COM1 + 4
	db 3
	dw 0

text_cannot_start:   db "kvm0: cannot start: ", 0
text_not_multiboot2: db "not loaded by a multiboot2 boot loader; use GRUB's multiboot2 command", 0
text_misaligned:     db "not loaded at a 2 MiB boundary; use GRUB 2.02 or newer", 0
text_no_long_mode:   db "the CPU has no 64-bit mode; a 64-bit Intel CPU with VT-x is needed", 0
text_no_nx:          db "the CPU has no execute-disable pages; turn on XD (NX) in the firmware's setup", 0
text_newline:        db 13, 10, 0
text_end:            db 0

align 8
boot_gdt:
	dq 0
	dq 0x00af9b000000ffff   ; CODE64
	dq 0x00cf93000000ffff   ; DATA
boot_gdt_end:

bits 64
; Still at the physical address.
start64:
	mov eax, DATA
	mov ss, eax
	mov ds, eax
	mov es, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rax, .linked
	jmp rax
.linked:
	mov rsp, boot_stack_top
	mov eax, ebp
	mov [image_phys_base], rax
	mov esi, edi
	mov edi, MB2_BOOT_MAGIC
	xor ebp, ebp
	push rbp                ; a return address that ends back-traces
	mov rax, kvm0_main      ; void kvm0_main(u32 magic, u32 mbi_physical)
	jmp rax

section .bss nobits alloc noexec write align=16384
global boot_tables, boot_stack_top
boot_stack:
	resb 0x4000             ; STACK_SIZE
boot_stack_top:
boot_tables:
	resb 0x8000

section .note.GNU-stack noalloc noexec nowrite progbits
