; SPDX-License-Identifier: MIT
; MMIO and port I/O in a 64-bit guest.  RDI is an address without memory, RSI one with.
bits 64

; MOV of each size, by several encodings, to the address.
ENTRY long_mmio_write
	mov rax, 0x8877665544332211
	mov [rdi], al
	mov [rdi], ax
	mov [rdi], eax
	mov [rdi], rax
	mov byte [rdi + 1], 0xb1
	mov word [rdi + 2], 0xb2b1
	mov dword [rdi + 4], 0xb4b3b2b1
	mov qword [rdi + 8], -2
	mov [rdi], ah
	mov r9, rax
	mov [rdi + rbx * 4 + 0x10], r9d
	DONE

; MOV, MOVZX and MOVSX from the address; RAX, RCX, RDX, RBX, R8 to R12 hold what came.
ENTRY long_mmio_read
	mov rax, -1
	mov rcx, -1
	mov rdx, -1
	mov al, [rdi]
	mov cx, [rdi]
	mov edx, [rdi]
	mov rbx, [rdi]
	movzx r8d, byte [rdi]
	movzx r9d, word [rdi]
	movsx r10, byte [rdi]
	movsx r11, word [rdi]
	movsxd r12, dword [rdi]
	DONE

; Instructions that read and write the same MMIO operand, or compare with it.
ENTRY long_mmio_modify
	mov eax, 0x0f
	or [rdi], eax
	and dword [rdi], 0xff
	add [rdi], eax
	xchg [rdi], eax
	mov edx, eax
	cmp dword [rdi], 5
	sete bl
	test byte [rdi], 0x80
	setnz cl
	DONE

; String moves between memory (RSI) and MMIO (RDI): RCX elements each.
ENTRY long_mmio_movsb
	cld
	rep movsb
	DONE
ENTRY long_mmio_movsq
	cld
	rep movsq
	DONE
ENTRY long_mmio_stosd
	cld
	rep stosd
	DONE
; And with source and target exchanged by the test: RSI is MMIO.
ENTRY long_mmio_lodsd
	cld
	lodsd
	mov ebx, eax
	lodsd
	DONE

; Arithmetic of SSE on MMIO: nothing that an emulator for real kernels knows.
ENTRY long_mmio_undecodable
	addps xmm0, [rdi]
	DONE

; One 8-byte access where the first half has memory and the second does not.
ENTRY long_load
	mov rax, [rdi]
	DONE
ENTRY long_store
	mov [rdi], rax
	DONE
ENTRY long_jump
	jmp rdi

ENTRY long_done
	DONE
ENTRY long_hlt
	hlt
	DONE

; Port I/O from 64-bit mode, where RSI and RDI are 64 bits wide.
ENTRY long_in
	mov dx, PORT_TEST
	in eax, dx
	DONE
ENTRY long_outsd
	cld
	mov dx, PORT_TEST
	rep outsd
	DONE
ENTRY long_insd
	cld
	mov dx, PORT_TEST
	rep insd
	DONE

; A loop that never ends, and that an exit request alone leaves.
ENTRY long_spin
	pause
	jmp long_spin
