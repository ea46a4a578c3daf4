; SPDX-License-Identifier: MIT
; Blocks of 128 bytes through vector registers, for memcpy() and memset().  REP is as fast on a real
; CPU, but in an emulator each of its words may cost as much as 20 instructions.  Nothing else in
; a guest image uses these registers, no interrupt handler either, so that nobody saves them.

bits 64
section .text

; void copy_blocks(void *to, const void *from, size_t count): @count blocks, not 0, the lowest first;
; what is written may overlap what was read.
global copy_blocks
copy_blocks:
%assign i 0
%rep 8
	movups xmm %+ i, [rsi + i * 16]
%assign i i + 1
%endrep
%assign i 0
%rep 8
	movups [rdi + i * 16], xmm %+ i
%assign i i + 1
%endrep
	sub rsi, -128
	sub rdi, -128
	dec rdx
	jnz copy_blocks
	ret

; void set_blocks(void *to, size_t word, size_t count): @count blocks, not 0, of equal words.
global set_blocks
set_blocks:
	movq xmm0, rsi
	punpcklqdq xmm0, xmm0
.next:
%assign i 0
%rep 8
	movups [rdi + i * 16], xmm0
%assign i i + 1
%endrep
	sub rdi, -128
	dec rdx
	jnz .next
	ret
