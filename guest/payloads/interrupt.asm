; SPDX-License-Identifier: MIT
; Interrupts in a 64-bit guest: handlers, and routines that cause and await them.
bits 64

%macro HANDLER_HEAD 0
	push rax
	push rcx
	push rdx
	rdtsc
	mov [abs GPA_VARS + VAR_IRQ_TSC], eax
	mov ecx, eax
%endmacro
%macro HANDLER_TAIL 0
	rdtsc
	sub eax, ecx
	mov [abs GPA_VARS + VAR_EOI_TICKS], eax
	inc dword [abs GPA_VARS + VAR_IRQS]
	pop rdx
	pop rcx
	pop rax
	iretq
%endmacro

; No interrupt controller; EOI to the xAPIC; EOI to the x2APIC.
ENTRY handler_plain
	HANDLER_HEAD
	HANDLER_TAIL
ENTRY handler_xapic
	HANDLER_HEAD
	mov edx, GPA_APIC
	rdtsc
	mov ecx, eax
	mov edx, GPA_APIC
	mov dword [rdx + 0xb0], 0
	HANDLER_TAIL
ENTRY handler_x2apic
	push rbx
	HANDLER_HEAD
	rdtsc
	mov ebx, eax
	mov ecx, 0x80b
	xor eax, eax
	xor edx, edx
	wrmsr
	mov ecx, ebx
	rdtsc
	sub eax, ecx
	mov [abs GPA_VARS + VAR_EOI_TICKS], eax
	inc dword [abs GPA_VARS + VAR_IRQS]
	pop rdx
	pop rcx
	pop rax
	pop rbx
	iretq

; The local APIC on: spurious vector 0xff.
%macro XAPIC_ON 0
	mov r15d, GPA_APIC
	mov dword [r15 + 0xf0], 0x1ff
%endmacro
x2apic_on:
	mov ecx, 0x1b
	rdmsr
	or eax, 0xc00
	wrmsr
	mov ecx, 0x80f
	mov eax, 0x1ff
	xor edx, edx
	wrmsr
	ret

; Waits with HLT until the handler has counted to EBX.
await_halted:
	cli
	cmp [abs GPA_VARS + VAR_IRQS], ebx
	jae .done
	sti
	hlt
	jmp await_halted
.done:
	sti
	ret

; KVM_INTERRUPT and the window: as real_window.
ENTRY irq_window
	cli
	mov al, 1
	out PORT_READY, al
	sti
	nop
	mov al, 2
	out PORT_READY, al
	mov al, 3
	out PORT_READY, al
	DONE

; With interrupts on from the start, for one that the test has queued already.
ENTRY irq_queued
	nop
	mov eax, [abs GPA_VARS + VAR_IRQS]
	DONE

; Registers of the local APIC as it comes: ID, version, SVR, LVT timer, LINT0.
ENTRY irq_xapic_registers
	mov r15d, GPA_APIC
	mov eax, [r15 + 0x20]
	mov ebx, [r15 + 0x30]
	mov ecx, [r15 + 0xf0]
	mov edx, [r15 + 0x320]
	mov esi, [r15 + 0x350]
	DONE

; Task priority by the register and by CR8: RBX is CR8 after TPR = 0x50, ECX TPR after CR8 = 3.
ENTRY irq_xapic_tpr
	XAPIC_ON
	mov dword [r15 + 0x80], 0x50
	mov rbx, cr8
	mov eax, 3
	mov cr8, rax
	mov ecx, [r15 + 0x80]
	xor eax, eax
	mov cr8, rax
	DONE

; A self-IPI through the ICR, and through the x2APIC's SELF IPI register; twice each.
ENTRY irq_self_xapic
	XAPIC_ON
	sti
	mov dword [r15 + 0x300], 0x44000 | VECTOR_XAPIC
	mov ebx, 1
	call await_halted
	mov dword [r15 + 0x300], 0x44000 | VECTOR_XAPIC
	mov ebx, 2
	call await_halted
	DONE
ENTRY irq_self_x2apic
	call x2apic_on
	sti
	mov ecx, 0x83f
	mov eax, VECTOR_X2APIC
	xor edx, edx
	wrmsr
	mov ebx, 1
	call await_halted
	wrmsr
	mov ebx, 2
	call await_halted
	DONE

; One masked by the task priority stays pending, and comes when it is lowered.  EBX is the
; count while it was masked.
ENTRY irq_masked_by_tpr
	XAPIC_ON
	sti
	mov eax, 15
	mov cr8, rax
	mov dword [r15 + 0x300], 0x44000 | VECTOR_XAPIC
	nop
	nop
	mov r8d, [abs GPA_VARS + VAR_IRQS]
	xor eax, eax
	mov cr8, rax
	nop
	mov ebx, 1
	call await_halted
	DONE

; The timer once, with HLT (EAX is its initial count), periodic until EBX, and by deadline
; (RAX ticks of the TSC ahead).
ENTRY irq_timer_once
	XAPIC_ON
	mov dword [r15 + 0x3e0], 0xb
	mov dword [r15 + 0x320], VECTOR_XAPIC
	mov [r15 + 0x380], eax
	mov ebx, 1
	call await_halted
	mov ecx, [r15 + 0x390]
	DONE
ENTRY irq_timer_periodic
	XAPIC_ON
	mov dword [r15 + 0x3e0], 0xb
	mov dword [r15 + 0x320], 0x20000 | VECTOR_XAPIC
	mov [r15 + 0x380], eax
	call await_halted
	mov dword [r15 + 0x380], 0
	DONE
ENTRY irq_timer_deadline
	XAPIC_ON
	mov dword [r15 + 0x320], 0x40000 | VECTOR_XAPIC
	mov r8, rax
	rdtsc
	shl rdx, 32
	or rax, rdx
	add rax, r8
	mov r9, rax
	mov rdx, rax
	shr rdx, 32
	mov ecx, 0x6e0
	wrmsr
	mov ebx, 1
	call await_halted
	mov ecx, 0x6e0
	rdmsr
	shl rdx, 32
	or rax, rdx
	mov rcx, rax
	rdtsc
	shl rdx, 32
	or rax, rdx
	DONE

; I/O APIC pin EAX to VECTOR_XAPIC with the flags in EBX (bit 15: level), READY, and HLT until
; ECX interrupts have come; READY again after each.
ENTRY irq_ioapic
	XAPIC_ON
	mov r8d, eax
	mov al, 0xff	; the 8259s see the same lines, and start with none masked
	out 0x21, al
	out 0xa1, al
	mov eax, r8d
	mov edx, GPA_IOAPIC
	lea eax, [rax * 2 + 0x10]
	mov [rdx], eax
	or ebx, VECTOR_XAPIC
	mov [rdx + 0x10], ebx
	inc eax
	mov [rdx], eax
	mov dword [rdx + 0x10], 0
	dec eax
	mov [rdx], eax
	mov r8d, [rdx + 0x10]
	mov dword [rdx], 1
	mov r9d, [rdx + 0x10]
	xor ebx, ebx
.next:
	out PORT_READY, al
	inc ebx
	call await_halted
	cmp ebx, ecx
	jb .next
	DONE

; Handlers that tell READY their vector while they are in service: from a local APIC, and from
; the master 8259 at 0x20.
%macro HANDLER_STOP 1
	push rax
	mov al, %1
	out PORT_READY, al
	mov eax, GPA_APIC
	mov dword [rax + 0xb0], 0
	pop rax
	iretq
%endmacro
%macro HANDLER_STOP_PIC 1
	push rax
	mov al, %1
	out PORT_READY, al
	mov al, 0x20
	out 0x20, al
	pop rax
	iretq
%endmacro
ENTRY handler_stop_40
	HANDLER_STOP 0x40
ENTRY handler_stop_50
	HANDLER_STOP 0x50
ENTRY handler_stop_60
	HANDLER_STOP 0x60
ENTRY handler_stop_20
	HANDLER_STOP_PIC 0x20
ENTRY handler_stop_25
	HANDLER_STOP_PIC 0x25

; The 8259s at 0x20 and 0x28 with lines 0 and 5 open, the local APIC on; READY gets 0, and
; then only handlers run.
ENTRY irq_stops
	XAPIC_ON
%macro SET_PIC 2
	mov al, %2
	out %1, al
%endmacro
	SET_PIC 0x20, 0x11
	SET_PIC 0xa0, 0x11
	SET_PIC 0x21, 0x20
	SET_PIC 0xa1, 0x28
	SET_PIC 0x21, 4
	SET_PIC 0xa1, 2
	SET_PIC 0x21, 1
	SET_PIC 0xa1, 1
	SET_PIC 0x21, 0xde
	SET_PIC 0xa1, 0xff
	SET_PIC PORT_READY, 0
	sti
.halt:
	hlt
	jmp .halt
