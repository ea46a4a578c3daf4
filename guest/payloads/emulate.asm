; SPDX-License-Identifier: MIT
; Instructions that an emulator has to carry out, because their operand is no memory.  RDI is
; such an address, RSI a buffer in memory.
bits 64

; Moves of 16 bytes out of an XMM register, which has the buffer's first 16 bytes.
ENTRY long_sse_store
	movups xmm9, [rsi]
	movaps [rdi], xmm9
	movups [rdi + 0x18], xmm9
	movntdq [rdi + 0x20], xmm9
	movdqu [rdi + 0xff4], xmm9
	DONE
; Of 4 and 8 bytes, by XMM and MMX registers.
ENTRY long_sse_scalar
	movq xmm9, [rsi]
	movq [rdi], xmm9
	movd [rdi], xmm9
	movsd [rdi], xmm9
	movq mm1, [rsi]
	movntq [rdi], mm1
	movss xmm9, [rdi]
	movups [rsi], xmm9
	DONE
; And into registers, which go to the buffer then.
ENTRY long_sse_load
	movaps xmm1, [rdi]
	movdqu xmm2, [rdi + 8]
	movups [rsi], xmm1
	movups [rsi + 16], xmm2
	DONE
; Misaligned: a fault and no access.
ENTRY long_sse_misaligned
	lea r14, [.next]
	movaps [rdi + 8], xmm0
.next:
	DONE
; The 32 bytes of the buffer by a YMM register to RDI, and from there to the next 32 of the buffer.
ENTRY long_avx
	mov rax, cr4
	or eax, 1 << 18
	mov cr4, rax
	xor ecx, ecx
	xor edx, edx
	mov eax, 7
	xsetbv
	vmovups ymm3, [rsi]
	vmovups [rdi], ymm3
	vmovdqa ymm12, [rdi]
	vmovups [rsi + 32], ymm12
	vmovups xmm3, [rdi]
	vmovups [rsi + 32], ymm3
	DONE

ENTRY long_movbe
	mov eax, 0x11223344
	movbe [rdi], eax
	movbe rbx, [rdi]
	DONE

; Instructions that read and write at once.
ENTRY long_locked
	mov eax, 5
	lock xadd [rdi], eax
	mov r8d, eax
	mov eax, 0x10
	mov ecx, 0x20
	lock cmpxchg [rdi], ecx
	setz r9b
	lock cmpxchg [rdi], ecx
	setz r10b
	mov r11d, eax
	mov ebx, 0x44332211
	mov ecx, 0x88776655
	mov eax, 1
	mov edx, 2
	lock cmpxchg8b [rdi]
	setz r12b
	DONE

; Arithmetic of the kinds that io.asm does not have.
ENTRY long_arithmetic
	shl dword [rdi], 4
	mov eax, 35
	bts [rdi], eax
	not word [rdi]
	neg byte [rdi]
	inc qword [rdi]
	mov eax, 3
	mul dword [rdi]
	mov r8, rdx
	imul r9d, [rdi], -2
	bsf r10d, [rdi]
	stc
	setc [rdi]
	push qword [rdi]
	pop qword [rdi + 8]
	mov [rdi], ds
	mov eax, 0x11223344
	movnti [rdi], eax
	DONE
ENTRY long_divide
	lea r14, [.next]
	div dword [rdi]
.next:
	DONE

; A string instruction that runs from where there is no memory to where no page is.
ENTRY long_rep_fault
	cld
	lea r14, [.next]
	rep stosb
.next:
	DONE

ENTRY long_rep_load
	cld
	rep lodsb
	DONE

ENTRY long_clflush
	clflush [rdi]
	DONE

; REP MOVS and STOS in the other two modes.
bits 32
ENTRY prot_rep
	cld
	rep movsw
	mov ecx, 2
	mov eax, 0x44332211
	rep stosd
	DONE
bits 16
ENTRY real_rep
	cld
	rep movsw
	mov cx, 2
	mov eax, 0x44332211
	rep stosd
	DONE
bits 64
