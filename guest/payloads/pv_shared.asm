; SPDX-License-Identifier: MIT
; 64-bit guests with paravirtual features that live in their memory.
bits 64

; Two loads from the address in RDI, READY between them: RAX and RBX.
ENTRY pv_load_twice
	mov rax, [rdi]
	out PORT_READY, al
	mov rbx, [rdi]
	DONE

; An interrupt's end by the bit at GPA_BUFFER, where it is set (R12 counts that), or in the local
; APIC (R13).
%macro PV_EOI 0
	btr dword [abs GPA_BUFFER], 0
	jc %%skipped
	push rax
	mov eax, GPA_APIC
	mov dword [rax + 0xb0], 0
	pop rax
	inc r13
	jmp %%ended
%%skipped:
	inc r12
%%ended:
%endmacro

; Handlers: one that only ends; one that tells READY while it is in service; one in which another
; one comes (VECTOR_PONG), and one which makes one wait until it has ended (VECTOR_XAPIC).
ENTRY pv_eoi_plain
	PV_EOI
	iretq
ENTRY pv_eoi_stop
	out PORT_READY, al
	PV_EOI
	iretq
ENTRY pv_eoi_nest
	sti
	mov dword [r15 + 0x300], 0x44000 | VECTOR_PONG
	nop
	cli
	PV_EOI
	iretq
ENTRY pv_eoi_keep
	mov dword [r15 + 0x300], 0x44000 | VECTOR_XAPIC
	mov r14, [abs GPA_VARS + VAR_IRQS]
	PV_EOI
	iretq
; The one that had to wait: counts itself.
ENTRY pv_eoi_count
	inc qword [abs GPA_VARS + VAR_IRQS]
	PV_EOI
	iretq

; Sends itself interrupt EBX, RSI times.
ENTRY pv_eoi_self
	XAPIC_ON
	sti
	or ebx, 0x44000
.next:
	mov [r15 + 0x300], ebx
	nop
	dec rsi
	jnz .next
	DONE

; An asynchronous page fault's handler, for the area at GPA_BUFFER: token in R12, reason in R13; it
; waits with HLT until the interrupt's handler has left that token, or the one for all, in R14.
ENTRY pv_apf_fault
	add rsp, 8
	mov r12, cr2
	mov r13d, [abs GPA_BUFFER]
	mov dword [abs GPA_BUFFER], 0
	xor r14d, r14d
.wait:
	cli
	cmp r14d, r12d
	je .ready
	cmp r14d, -1
	je .ready
	sti
	hlt
	jmp .wait
.ready:
	iretq
ENTRY pv_apf_ready
	push rax
	push rcx
	push rdx
	mov r14d, [abs GPA_BUFFER + 4]
	mov dword [abs GPA_BUFFER + 4], 0
	inc dword [abs GPA_VARS + VAR_IRQS]
	mov eax, GPA_APIC
	mov dword [rax + 0xb0], 0
	mov ecx, 0x4b564d07
	mov eax, 1
	xor edx, edx
	wrmsr
	pop rdx
	pop rcx
	pop rax
	iretq

; Stores what is at RDI at RSI, for ever.
ENTRY pv_copy
	mov rax, [rdi]
	mov [rsi], rax
	inc qword [rsi + 8]
	pause
	jmp pv_copy

; Another table entry, RSI, at RDI; and the vCPU whose steal time is at RBX, if it is preempted, is to
; drop its translations before it runs on.  AL is what was there.
ENTRY pv_remap
	mov [rdi], rsi
	mov al, 1
	mov cl, 3
	lock cmpxchg [rbx + 16], cl
	DONE
