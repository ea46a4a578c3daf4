; SPDX-License-Identifier: MIT
; A 64-bit guest that is moved from VM to VM while it works.
bits 64

%define MOVE_PATTERN 0x0000112233445566
%define MOVE_TIMER   (0x20000 | VECTOR_XAPIC)	; periodic

; RSI times: R12 to port TEST (four bytes, the loop's number), where the test moves it; then all
; that it has set is to be as it was, its time is not to have gone back, and its timer's interrupt
; has to come.  The vector is handler_xapic's.  Ends with RAX 0, or the number of what was wrong.
ENTRY move_work
	mov al, 0xff
	out 0x21, al
	out 0xa1, al
	XAPIC_ON
	mov dword [r15 + 0x3e0], 0xb
	mov dword [r15 + 0x320], MOVE_TIMER
	mov dword [r15 + 0x380], 1000000
	mov r14, MOVE_PATTERN
	mov dr0, r14
	mov [abs GPA_BUFFER], r14
	mov [abs GPA_BUFFER + 8], r14
	movdqu xmm7, [abs GPA_BUFFER]
	mov ecx, 0xc0000102
	mov eax, r14d
	mov rdx, r14
	shr rdx, 32
	wrmsr
	mov eax, 2
	mov cr8, rax
	xor r12d, r12d
	xor r13d, r13d
.loop:
	inc r12d
	mov eax, r12d
	mov edx, PORT_TEST
	out dx, eax

	mov ebx, 1
	rdtsc
	shl rdx, 32
	or rax, rdx
	cmp rax, r13
	jb .wrong
	mov r13, rax
	inc ebx		; 2
	movdqu [abs GPA_BUFFER + 16], xmm7
	cmp [abs GPA_BUFFER + 16], r14
	jne .wrong
	cmp [abs GPA_BUFFER + 24], r14
	jne .wrong
	inc ebx		; 3
	mov rax, dr0
	cmp rax, r14
	jne .wrong
	inc ebx		; 4
	mov ecx, 0xc0000102
	rdmsr
	shl rdx, 32
	or rax, rdx
	cmp rax, r14
	jne .wrong
	inc ebx		; 5
	mov rax, cr8
	cmp eax, 2
	jne .wrong
	inc ebx		; 6
	cmp dword [r15 + 0x320], MOVE_TIMER
	jne .wrong

	mov ebx, [abs GPA_VARS + VAR_IRQS]
	inc ebx
	call await_halted
	cmp r12d, esi
	jb .loop
	xor ebx, ebx
.wrong:
	mov eax, ebx
	DONE

; Moments at which the test moves a guest.  An interrupt waits and is held back for one
; instruction: EBX is how many came before that, EAX after it.
ENTRY move_shadow
	XAPIC_ON
	out PORT_READY, al
	mov ebx, [abs GPA_VARS + VAR_IRQS]
	mov eax, [abs GPA_VARS + VAR_IRQS]
	DONE
; Halted, until one interrupt has come.
ENTRY move_halted
	XAPIC_ON
	mov ebx, 1
	call await_halted
	DONE
