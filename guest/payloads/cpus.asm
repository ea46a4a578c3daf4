; SPDX-License-Identifier: MIT
; What the tests of several CPUs run: loops that go on for ever, or count.
bits 64

; Counts up the eight bytes at RDI for ever, and exits for nothing.
ENTRY cpus_count
	inc qword [rdi]
	pause
	jmp cpus_count

; The same with exits: CPUID, the leaf of which is its result before.
ENTRY cpus_count_exiting
	inc qword [rdi]
	cpuid
	jmp cpus_count_exiting

; The same with reads of STAR, which is a guest's own.
ENTRY cpus_rdmsr
	inc qword [rdi]
	mov ecx, 0xc0000081
	rdmsr
	jmp cpus_rdmsr

; One of the first two (EBX: 0 or 1) with interrupts on, behind I/O APIC pin EAX that is VECTOR_XAPIC.
ENTRY cpus_ioapic_count
	XAPIC_ON
	mov r8d, eax
	mov al, 0xff	; the 8259s see the same lines
	out 0x21, al
	out 0xa1, al
	mov edx, GPA_IOAPIC
	lea ecx, [r8 * 2 + 0x11]
	mov [rdx], ecx
	mov dword [rdx + 0x10], 0
	dec ecx
	mov [rdx], ecx
	mov dword [rdx + 0x10], VECTOR_XAPIC
	sti
	test ebx, ebx
	jnz cpus_count_exiting
	jmp cpus_count

; The first one with interrupts on and the local APIC too: for VECTOR_XAPIC from another vCPU.
ENTRY cpus_ipi_count
	XAPIC_ON
	sti
	jmp cpus_count

; CPUID, R8 to port TEST (four bytes), R8 to the MMIO at RDI (eight bytes), R8 one up; RSI times.
ENTRY cpus_mix
	xor eax, eax
	xor ecx, ecx
	cpuid
	mov edx, PORT_TEST
	mov eax, r8d
	out dx, eax
	mov [rdi], r8
	inc r8
	cmp r8, rsi
	jb cpus_mix
	DONE

; Looks RSI times at the page at RDI, which never is older than what RBX points to, and counts in the
; eight bytes at R9.  Exits at port TEST, again and again; DONE with the page's number in RAX if not.
ENTRY cpus_fresh
	mov rcx, rsi
.look:
	mov rdx, [rbx]
	mov rax, [rdi]
	cmp rax, rdx
	jb .stale
	inc qword [r9]
	dec rcx
	jnz .look
	mov edx, PORT_TEST
	out dx, eax
	jmp cpus_fresh
.stale:
	DONE

; A hypercall, with registers that the test has set; then HLT, with interrupts as they are.
ENTRY cpus_vmcall_hlt
	vmcall
	hlt
	DONE

; Adds one, locked, to the first four bytes of each of RSI pages from RDI.
ENTRY cpus_touch
	lock inc dword [rdi]
	add rdi, 0x1000
	dec rsi
	jnz cpus_touch
	DONE

; Adds one to the first and the last eight bytes of each of RSI pages from RDI, R9 times over; all
; of them have to be what the time before left.  Ends with the page that was wrong in RDI and what
; it was in RAX, or with RDI 0.
ENTRY cpus_check
	xor r8d, r8d
.round:
	mov r10, rdi
	mov rcx, rsi
.page:
	mov rax, [r10]
	cmp rax, r8
	jne .wrong
	mov rax, [r10 + 0xff8]
	cmp rax, r8
	jne .wrong
	inc qword [r10]
	inc qword [r10 + 0xff8]
	add r10, 0x1000
	dec rcx
	jnz .page
	inc r8
	cmp r8, r9
	jb .round
	xor r10d, r10d
.wrong:
	mov rdi, r10
	DONE
