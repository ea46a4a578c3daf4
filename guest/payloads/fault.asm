; SPDX-License-Identifier: MIT
; Exceptions in a 64-bit guest.  Each routine makes one fault; the handler notes what came and
; goes on behind the instruction (R14 says where).
bits 64

; Vectors 0 to 31, sixteen bytes each, for the IDT that machine.c builds.
align 16
global fault_stubs
fault_stubs:
%assign vector 0
%rep 32
	align 16
  %if vector = 8 || (vector >= 10 && vector <= 14) || vector = 17 || vector = 21
  %else
	push 0
  %endif
	push vector
	jmp near fault_common
  %assign vector vector + 1
%endrep

align 16
fault_common:
	push rax
	mov rax, [rsp + 8]
	mov [abs GPA_VARS + VAR_VECTOR], rax
	mov rax, [rsp + 16]
	mov [abs GPA_VARS + VAR_ERROR], rax
	mov rax, [rsp + 24]
	mov [abs GPA_VARS + VAR_RIP], rax
	mov rax, cr2
	mov [abs GPA_VARS + VAR_CR2], rax
	inc qword [abs GPA_VARS + VAR_FAULTS]
	mov [rsp + 24], r14
	pop rax
	add rsp, 16
	iretq

; FAULT name, {instruction}: sets R14 and runs the instruction.  RAX, RBX, RCX, RDX, RDI and
; RSI are the test's.
%macro FAULT 2+
ENTRY %1
	lea r14, [%%next]
	%2
%%next:
	DONE
%endmacro

FAULT fault_divide, div rcx
FAULT fault_int1, int1
FAULT fault_int3, int3
FAULT fault_ud2, ud2
FAULT fault_load, mov rax, [rdi]
FAULT fault_store, mov [rdi], rax
FAULT fault_jump, jmp rdi
FAULT fault_int, int 0x21
FAULT fault_fninit, fninit
FAULT fault_vmcall, vmcall
FAULT fault_vmclear, vmclear [rdi]
FAULT fault_vmlaunch, vmlaunch
FAULT fault_vmresume, vmresume
FAULT fault_vmptrld, vmptrld [rdi]
FAULT fault_vmptrst, vmptrst [rdi]
FAULT fault_vmread, vmread rax, rbx
FAULT fault_vmwrite, vmwrite rax, rbx
FAULT fault_vmxoff, vmxoff
FAULT fault_vmxon, vmxon [rdi]
FAULT fault_invept, invept rax, [rdi]
FAULT fault_invvpid, invvpid rax, [rdi]
FAULT fault_rdmsr, rdmsr
FAULT fault_wrmsr, wrmsr
FAULT fault_set_cr0, mov cr0, rax
FAULT fault_set_cr3, mov cr3, rax
FAULT fault_set_cr4, mov cr4, rax
FAULT fault_set_cr8, mov cr8, rax
FAULT fault_xsetbv, xsetbv
FAULT fault_set_dr6, mov dr6, rax

; One step with the trap flag: the handler comes behind the NOP.
ENTRY fault_single_step
	lea r14, [.next]
	pushf
	or qword [rsp], 1 << 8
	popf
	nop
.next:
	DONE
; The same with HLT, which the trap ends.
ENTRY fault_step_halt
	lea r14, [.next]
	pushf
	or qword [rsp], 1 << 8
	popf
	hlt
.next:
	DONE
; The handler of these takes the flag out of the frame, or it would step for ever.
ENTRY fault_debug_handler
	and qword [rsp + 16], ~(1 << 8)
	push 0
	push 1
	jmp fault_common

; Two faults in a row, each gone into and out of: nothing may be lost or doubled.
ENTRY fault_twice
	lea r14, [.second]
	ud2
.second:
	lea r14, [.done]
	mov rax, [rdi]
.done:
	DONE
