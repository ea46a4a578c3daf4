; SPDX-License-Identifier: MIT
; What a local APIC decides itself while the guest runs: priorities, modes, its address.
bits 64

%define APIC_MOVED 0xfed00000

; The next byte of GPA_BUFFER becomes %1; VAR_IRQS counts them.
%macro NOTE 1
	mov ecx, [abs GPA_VARS + VAR_IRQS]
	mov byte [rcx + GPA_BUFFER], %1
	inc dword [abs GPA_VARS + VAR_IRQS]
%endmacro
; Until there are so many.
%macro AWAIT 1
%%wait:
	pause
	cmp dword [abs GPA_VARS + VAR_IRQS], %1
	jb %%wait
%endmacro
; A self-IPI and an end of interrupt, of the APIC at R15, or in x2APIC mode if that is 0.
apic_send:
	test r15d, r15d
	jz .x2apic
	or eax, 0x44000
	mov [r15 + 0x300], eax
	ret
.x2apic:
	xor edx, edx
	mov ecx, 0x83f
	wrmsr
	ret
apic_eoi:
	xor eax, eax
	test r15d, r15d
	jz .x2apic
	mov [r15 + 0xb0], eax
	ret
.x2apic:
	xor edx, edx
	mov ecx, 0x80b
	wrmsr
	ret

%macro APIC_HANDLER 1
	push rax
	push rcx
	push rdx
	NOTE %1
	call apic_eoi
	pop rdx
	pop rcx
	pop rax
	iretq
%endmacro
ENTRY apic_handler_31
	APIC_HANDLER 0x31
ENTRY apic_handler_42
	APIC_HANDLER 0x42
ENTRY apic_handler_51
	APIC_HANDLER 0x51
; While this one is in service three others are requested, of which one may come at once.
ENTRY apic_handler_41
	push rax
	push rcx
	push rdx
	NOTE 0x41
	mov eax, 0x31
	call apic_send
	mov eax, 0x42
	call apic_send
	sti
	nop
	mov eax, 0x51
	call apic_send
	AWAIT 2
	cli
	NOTE 0x01
	call apic_eoi
	pop rdx
	pop rcx
	pop rax
	iretq

ENTRY apic_nested_xapic
	XAPIC_ON
	jmp apic_nested
ENTRY apic_nested_x2apic
	call x2apic_on
	xor r15d, r15d
apic_nested:
	sti
	mov eax, 0x41
	call apic_send
	AWAIT 5
	DONE

; Requested in xAPIC mode, held back by the TPR until the mode is another one.
ENTRY apic_switch
	XAPIC_ON
	sti
	mov eax, 15
	mov cr8, rax
	mov eax, 0x51
	call apic_send
	nop
	mov r8d, [abs GPA_VARS + VAR_IRQS]
	call x2apic_on
	xor r15d, r15d
	mov rbx, cr8
	mov r9d, [abs GPA_VARS + VAR_IRQS]
	xor eax, eax
	mov cr8, rax
	AWAIT 1
	mov eax, 0x42
	call apic_send
	AWAIT 2
	DONE

; At another address, and back.
ENTRY apic_moved
	mov ecx, 0x1b
	mov eax, APIC_MOVED | 0x900
	xor edx, edx
	wrmsr
	mov r15d, APIC_MOVED
	mov dword [r15 + 0xf0], 0x1ff
	sti
	mov eax, 0x42
	call apic_send
	AWAIT 1
	mov ecx, 0x1b
	mov eax, GPA_APIC | 0x900
	xor edx, edx
	wrmsr
	mov r15d, GPA_APIC
	mov ebx, [r15 + 0xf0]
	mov eax, 0x51
	call apic_send
	AWAIT 2
	DONE

; What is written is not what is read: LVT error, timer and divisor with bits that are not there,
; initial count in deadline mode, DFR, ESR, LDR, ICR.  RAX, RBX, RCX, RDX, R8 to R11.
ENTRY apic_registers
	XAPIC_ON
	mov dword [r15 + 0x370], 0xfffeefff
	mov eax, [r15 + 0x370]
	mov dword [r15 + 0x320], 0xfffd0040
	mov ebx, [r15 + 0x320]
	mov dword [r15 + 0x320], 0x50040
	mov dword [r15 + 0x380], 1000
	mov ecx, [r15 + 0x380]
	mov dword [r15 + 0x3e0], 0xfffffffb
	mov edx, [r15 + 0x3e0]
	mov dword [r15 + 0xe0], 0
	mov r8d, [r15 + 0xe0]
	mov dword [r15 + 0x280], 5
	mov r9d, [r15 + 0x280]
	mov dword [r15 + 0xd0], 0x12345678
	mov r10d, [r15 + 0xd0]
	mov dword [r15 + 0x310], 0x07123456
	mov r11d, [r15 + 0x310]
	DONE

; Three that the test has put into the APIC.
ENTRY apic_await_3
	mov r15d, GPA_APIC
	sti
	AWAIT 3
	DONE
