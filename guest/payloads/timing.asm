; SPDX-License-Identifier: MIT
; Routines of the benchmark: each runs RDI times what it measures and stores the ticks of
; each time at RSI, eight bytes a sample.  R9 to R11 are the test's.  Between the two RDTSC
; stand the MOV that keeps the first and the operation: time_empty shows what that costs.
bits 64

%macro TIME_BEGIN 0
	rdtsc
	mov r8d, eax
%endmacro
%macro TIME_END 0
	rdtsc
	sub eax, r8d
	mov [rsi], rax
	add rsi, 8
%endmacro

; TIME name, {operation}: one line of operation.
%macro TIME 2+
ENTRY %1
%%loop:
	TIME_BEGIN
	%2
	TIME_END
	dec rdi
	jnz %%loop
	DONE
%endmacro

%macro TIME_NOTHING 0
%endmacro
%macro TIME_CPUID 0
	xor eax, eax
	xor ecx, ecx
	cpuid
%endmacro
%macro TIME_VMCALL 0
	mov eax, 0x7ffe
	vmcall
%endmacro
%macro TIME_RDMSR 0
	mov ecx, r9d
	rdmsr
%endmacro
%macro TIME_IN 0
	mov edx, r9d
	in al, dx
%endmacro
%macro TIME_OUT 0
	mov edx, r9d
	mov eax, r10d
	out dx, al
%endmacro

TIME time_empty, TIME_NOTHING
TIME time_cpuid, TIME_CPUID
TIME time_vmcall, TIME_VMCALL
TIME time_rdmsr, TIME_RDMSR
TIME time_in, TIME_IN
TIME time_out, TIME_OUT
TIME time_wbinvd, wbinvd
TIME time_wrcr8, mov cr8, r9
TIME time_rdcr8, mov rbx, cr8
TIME time_load, mov ebx, [r9]
TIME time_store, mov [r9], r10d

; WRMSR of the value that MSR R9 holds.
ENTRY time_wrmsr
	mov ecx, r9d
	rdmsr
	mov r10d, eax
	mov r11d, edx
.loop:
	TIME_BEGIN
	mov ecx, r9d
	mov eax, r10d
	mov edx, r11d
	wrmsr
	TIME_END
	dec rdi
	jnz .loop
	DONE
ENTRY time_xsetbv
	xor ecx, ecx
	xgetbv
	mov r10d, eax
	mov r11d, edx
.loop:
	TIME_BEGIN
	xor ecx, ecx
	mov eax, r10d
	mov edx, r11d
	xsetbv
	TIME_END
	dec rdi
	jnz .loop
	DONE

; A control register with the bits R9 turned over each time.
%macro TIME_TOGGLE 2
ENTRY %1
	mov rbx, %2
%%loop:
	xor rbx, r9
	TIME_BEGIN
	mov %2, rbx
	TIME_END
	dec rdi
	jnz %%loop
	DONE
%endmacro
TIME_TOGGLE time_cr0, cr0
TIME_TOGGLE time_cr4, cr4
TIME_TOGGLE time_cr3, cr3

; First touches: R9 is the address, R10 the stride.
ENTRY time_touch
	TIME_BEGIN
	mov dword [r9], 1
	TIME_END
	add r9, r10
	dec rdi
	jnz time_touch
	DONE

; Endless, for the host that times KVM_RUN: R9 is the port or the address.
ENTRY time_user_out
	mov edx, r9d
.loop:
	out dx, al
	jmp .loop
ENTRY time_user_in
	mov edx, r9d
.loop:
	in al, dx
	jmp .loop
ENTRY time_user_store
	mov [r9], eax
	jmp time_user_store
ENTRY time_user_load
	mov eax, [r9]
	jmp time_user_load
ENTRY time_user_hlt
	hlt
	jmp time_user_hlt
ENTRY time_user_out_apic
	XAPIC_ON
ENTRY time_user_out_if
	mov edx, r9d
	sti
.loop:
	out dx, al
	nop
	jmp .loop

; The end of a self-IPI: array 0 gets the whole, 1 the time to the handler, 2 the EOI.
time_ipi_store:
	sub eax, r8d
	mov [rsi], rax
	mov eax, [abs GPA_VARS + VAR_IRQ_TSC]
	sub eax, r8d
	mov [rsi + RESULTS_STRIDE], rax
	mov eax, [abs GPA_VARS + VAR_EOI_TICKS]
	mov [rsi + 2 * RESULTS_STRIDE], rax
	add rsi, 8
	ret
ENTRY time_self_xapic
	XAPIC_ON
	sti
.loop:
	mov r9d, [abs GPA_VARS + VAR_IRQS]
	TIME_BEGIN
	mov dword [r15 + 0x300], 0x44000 | VECTOR_XAPIC
.wait:
	cmp r9d, [abs GPA_VARS + VAR_IRQS]
	je .wait
	rdtsc
	call time_ipi_store
	dec rdi
	jnz .loop
	DONE
ENTRY time_self_x2apic
	mov r10d, 0x83f
	xor r11d, r11d
	jmp time_x2apic
; To the vCPU with the APIC id 1, which executes time_spin on another CPU.
ENTRY time_other_x2apic
	mov r10d, 0x830
	mov r11d, 1
; R10: the MSR, R11: the upper half of what is written.
time_x2apic:
	call x2apic_on
	sti
.loop:
	mov r9d, [abs GPA_VARS + VAR_IRQS]
	TIME_BEGIN
	mov ecx, r10d
	mov eax, VECTOR_X2APIC
	mov edx, r11d
	wrmsr
.wait:
	cmp r9d, [abs GPA_VARS + VAR_IRQS]
	je .wait
	rdtsc
	call time_ipi_store
	dec rdi
	jnz .loop
	DONE
ENTRY time_spin
	call x2apic_on
	sti
	inc dword [abs GPA_VARS + VAR_IRQS]
.spin:
	jmp .spin

; TSC deadline R10 ticks ahead (negative: past); R11 = 1 waits by HLT.  Array 0: handler after
; the deadline; 1: the WRMSR; 3: from before the WRMSR to the handler.
ENTRY time_deadline
	XAPIC_ON
	mov dword [r15 + 0x320], 0x40000 | VECTOR_XAPIC
.loop:
	cli
	mov r9d, [abs GPA_VARS + VAR_IRQS]
	rdtsc
	shl rdx, 32
	or rax, rdx
	add rax, r10
	mov r14, rax
	mov rbp, rax
	shr rbp, 32
	TIME_BEGIN
	mov ecx, 0x6e0
	mov eax, r14d
	mov edx, ebp
	wrmsr
	rdtsc
	sub eax, r8d
	mov [rsi + RESULTS_STRIDE], rax
	test r11, r11
	jnz .halt
	sti
.spin:
	cmp r9d, [abs GPA_VARS + VAR_IRQS]
	je .spin
	jmp .came
.halt:
	sti
	hlt
	cli
	cmp r9d, [abs GPA_VARS + VAR_IRQS]
	je .halt
.came:
	mov eax, [abs GPA_VARS + VAR_IRQ_TSC]
	mov edx, eax
	sub eax, r14d
	mov [rsi], rax
	sub edx, r8d
	mov [rsi + 3 * RESULTS_STRIDE], rdx
	add rsi, 8
	dec rdi
	jnz .loop
	DONE

; Two vCPUs: the first sends the second an IPI and waits by HLT for the one that it sends back.
; Array 0: from before the ICR to behind the answer's handler; 2: its EOI.
ENTRY time_ping
	call x2apic_on
.loop:
	cli
	mov r9d, [abs GPA_VARS + VAR_IRQS]
	TIME_BEGIN
	mov ecx, 0x830
	mov eax, VECTOR_PONG
	mov edx, 1
	wrmsr
.wait:
	sti
	hlt
	cli
	cmp r9d, [abs GPA_VARS + VAR_IRQS]
	je .wait
	rdtsc
	sub eax, r8d
	mov [rsi], rax
	mov eax, [abs GPA_VARS + VAR_EOI_TICKS]
	mov [rsi + 2 * RESULTS_STRIDE], rax
	add rsi, 8
	dec rdi
	jnz .loop
	DONE
ENTRY time_pong
	call x2apic_on
.wait:
	sti
	hlt
	jmp .wait
ENTRY handler_pong
	push rax
	push rcx
	push rdx
	mov ecx, 0x80b
	xor eax, eax
	xor edx, edx
	wrmsr
	mov ecx, 0x830
	mov eax, VECTOR_X2APIC
	wrmsr
	pop rdx
	pop rcx
	pop rax
	iretq
