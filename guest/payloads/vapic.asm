; SPDX-License-Identifier: MIT
; A 64-bit guest whose TPR and other priorities are in a page (KVM_SET_VAPIC_ADDR) at GPA_BUFFER,
; and accesses to the TPR that user space hears of.
bits 64

; Tells READY three times.  EBX is the TPR, ECX the page while an interrupt is held back, ESI at the
; end.
ENTRY vapic_work
	XAPIC_ON
	mov byte [abs GPA_BUFFER], 0x50
	sti
	out PORT_READY, al
	mov ebx, [r15 + 0x80]
	mov dword [r15 + 0x300], 0x44000 | VECTOR_XAPIC
	out PORT_READY, al
	mov ecx, [abs GPA_BUFFER]
	mov byte [abs GPA_BUFFER], 0x23
	out PORT_READY, al
	mov esi, [abs GPA_BUFFER]
	DONE
; Its interrupt: the page while it is in service.
ENTRY vapic_handler
	push rax
	push rdx
	mov eax, [abs GPA_BUFFER]
	mov [abs GPA_VARS + VAR_VECTOR], eax
	inc dword [abs GPA_VARS + VAR_IRQS]
	mov edx, GPA_APIC
	mov dword [rdx + 0xb0], 0
	pop rdx
	pop rax
	iretq

ENTRY vapic_tpr
	XAPIC_ON
global vapic_tpr_write, vapic_tpr_read, vapic_tpr_end
vapic_tpr_write:
	mov dword [r15 + 0x80], 0x50
vapic_tpr_read:
	mov eax, [r15 + 0x80]
vapic_tpr_end:
	DONE
