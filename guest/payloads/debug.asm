; SPDX-License-Identifier: MIT
; What user space watches step by step, in a 64-bit guest; and an NMI's handler that tells.
bits 64

; RDI is a device's address.
ENTRY debug_steps
	nop
global debug_steps_mmio, debug_steps_out
debug_steps_mmio:
	mov eax, [rdi]
	mov dx, PORT_TEST
debug_steps_out:
	out dx, al
	nop
	DONE
; RSI is an address in memory.
ENTRY debug_write
	nop
	mov [rsi], eax
global debug_write_end
debug_write_end:
	nop
	DONE
; The guest's own breakpoint registers, out and in again: RBX is what DR0 had.
ENTRY debug_own
	mov dr0, rax
	mov rbx, dr0
	mov rcx, dr7
	DONE

ENTRY debug_nmi
	push rax
	push rdx
	mov dx, PORT_TEST
	out dx, al
	inc dword [abs GPA_VARS + VAR_IRQS]
	pop rdx
	pop rax
	iretq
