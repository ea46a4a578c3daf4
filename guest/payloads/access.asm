; SPDX-License-Identifier: MIT
; One access to a device for a test that drives it step by step, and interrupts that are only noted.
bits 64

; ESI to the register at RDI; EAX from it.  AL to port DX, and from it.
ENTRY access_write
	mov [rdi], esi
	DONE
ENTRY access_read
	mov eax, [rdi]
	DONE
ENTRY access_out
	out dx, al
	DONE
ENTRY access_in
	in al, dx
	DONE

; Takes what interrupts are pending; waits for one.
ENTRY access_window
	sti
	nop
	nop
	cli
	DONE
ENTRY access_halt
	sti
	hlt
	cli
	DONE

; Takes interrupts until ECX have been counted (VAR_IRQS): R9 is the longest time, in rounds of
; this loop, between two of them.
ENTRY access_storm
	xor r9d, r9d
	xor r8d, r8d
	mov ebx, [abs GPA_VARS + VAR_IRQS]
	sti
.next:
	mov eax, [abs GPA_VARS + VAR_IRQS]
	inc r8d
	cmp eax, ebx
	je .next
	mov ebx, eax
	cmp r8d, r9d
	cmova r9d, r8d
	xor r8d, r8d
	cmp eax, ecx
	jb .next
	cli
	DONE

; Handlers of the vectors 0x20 to 0xff, each ACCESS_STUB bytes long: they add their vector to the list
; at VAR_LOG, and nothing else.
ENTRY access_stubs
%assign vector 0x20
%rep 0x100 - 0x20
align ACCESS_STUB
	push rax
	mov eax, vector
	jmp strict near note_vector
%assign vector vector + 1
%endrep
note_vector:
	push rcx
	mov ecx, [abs GPA_VARS + VAR_LOGGED]
	mov [abs GPA_VARS + VAR_LOG + rcx], al
	inc ecx
	and ecx, 0xff
	mov [abs GPA_VARS + VAR_LOGGED], ecx
	pop rcx
	pop rax
	iretq
