; SPDX-License-Identifier: MIT
; Routines for flat 32-bit protected mode without paging.
bits 32

ENTRY prot_out
	mov eax, 0x44332211
	mov dx, PORT_TEST
	out dx, eax
	DONE

; A hypercall, with registers that the test has set.
ENTRY prot_vmcall
	vmcall
	DONE

; Where real_to_prot goes: proves itself by a 32-bit operand and segment of 4 GiB.
ENTRY prot_arrived
	mov ax, SEL_DATA
	mov ds, ax
	mov ss, ax
	mov esp, GPA_STACK
	mov eax, [GPA_HIGH]
	mov dx, PORT_TEST
	out dx, eax
	DONE

; On to 4-level paging and 64-bit mode, with the page tables that the test built at GPA_PML4
; and its GDT, whose SEL_CODE is a 64-bit segment by then.
ENTRY prot_to_long
	mov eax, cr4
	or eax, 1 << 5
	mov cr4, eax
	mov eax, GPA_PML4
	mov cr3, eax
	mov ecx, 0xc0000080
	rdmsr
	or eax, 1 << 8
	wrmsr
	mov eax, cr0
	or eax, 1 << 31
	mov cr0, eax
	lgdt [GPA_CODE + real(.gdtr)]
	jmp SEL_CODE:(GPA_CODE + real(.arrived))
.gdtr:
	dw 0x17
	dd GPA_GDT
bits 64
.arrived:
	mov rax, 0x8877665544332211
	mov [abs GPA_VARS], rax
	DONE
