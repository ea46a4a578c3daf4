; SPDX-License-Identifier: MIT
; kvmclock, as a 64-bit guest reads it.
bits 64

; RAX: the time by the page at RDI.  RCX, RDX and R11 are lost.
clock_now:
	mov r11d, [rdi]
	test r11d, 1
	jnz clock_now
	lfence
	rdtsc
	shl rdx, 32
	or rax, rdx
	sub rax, [rdi + 8]
	movsx ecx, byte [rdi + 28]
	test ecx, ecx
	js .right
	shl rax, cl
	jmp .shifted
.right:
	neg ecx
	shr rax, cl
.shifted:
	mov edx, [rdi + 24]
	mul rdx
	shrd rax, rdx, 32
	add rax, [rdi + 16]
	cmp r11d, [rdi]
	jne clock_now
	ret

; The time, over and over: in RAX at a write to READY, then, if RSI is not 0, WRMSR of it to ECX
; before the next.
ENTRY clock_read
	mov r12d, ecx
.loop:
	call clock_now
	out PORT_READY, al
	test rsi, rsi
	jz .loop
	mov rax, rsi
	mov rdx, rsi
	shr rdx, 32
	mov ecx, r12d
	wrmsr
	jmp .loop

; Looks RSI times (0: without end) whether the time is less than what stands at R8, and leaves it
; there; guests on several CPUs can share that.  Each time counts at R8 + 8.  Ends with what it was
; in R10 and the less that it is in RAX, or both 0.
ENTRY clock_watch
.loop:
	mov r10, [r8]
	lfence
	call clock_now
	cmp rax, r10
	jb .end
	mov [r8], rax
	inc qword [r8 + 8]
	dec rsi
	jnz .loop
	xor eax, eax
	xor r10d, r10d
.end:
	DONE
