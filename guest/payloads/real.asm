; SPDX-License-Identifier: MIT
; Routines for 16-bit real mode.  CS starts at GPA_CODE, the other segments at 0, unless the
; test says otherwise.
bits 16

; OUT of each size, by register and by immediate port.
ENTRY real_out_sizes
	mov dx, PORT_TEST
	mov eax, 0x44332211
	out dx, al
	out dx, ax
	out dx, eax
	out 0x42, al
	out 0x42, ax
	out 0x42, eax
	DONE

; IN of each size; EAX after each goes to GPA_VARS.
ENTRY real_in_sizes
	mov dx, PORT_TEST
	mov eax, 0xaaaaaaaa
	in al, dx
	mov [GPA_VARS], eax
	mov eax, 0xaaaaaaaa
	in ax, dx
	mov [GPA_VARS + 4], eax
	mov eax, 0xaaaaaaaa
	in eax, dx
	mov [GPA_VARS + 8], eax
	mov eax, 0xaaaaaaaa
	in al, 0x42
	mov [GPA_VARS + 12], eax
	DONE

; String I/O between PORT_TEST and GPA_BUFFER; CX elements come from the test, DF as well.
ENTRY real_outsb
	mov dx, PORT_TEST
	rep outsb
	DONE
ENTRY real_outsw
	mov dx, PORT_TEST
	rep outsw
	DONE
ENTRY real_outsd
	mov dx, PORT_TEST
	rep outsd
	DONE
ENTRY real_insb
	mov dx, PORT_TEST
	rep insb
	DONE
ENTRY real_insw
	mov dx, PORT_TEST
	rep insw
	DONE
ENTRY real_insd
	mov dx, PORT_TEST
	rep insd
	DONE

ENTRY real_hlt
	hlt
	mov al, 0x5a
	DONE

; The far end of a jump that the test makes by REGS alone.
ENTRY real_done
	DONE

; MMIO in the VGA hole: DS:BX of the test.
ENTRY real_mmio
	mov eax, 0x44332211
	mov [bx], al
	mov [bx + 2], ax
	mov [bx + 4], eax
	mov cl, [bx + 8]
	mov dx, [bx + 10]
	mov esi, [bx + 12]
	DONE

; Divides by zero: vector 0 of the table at address 0, which the test fills.
ENTRY real_divide
	xor cx, cx
	mov ax, 1
	div cx
	DONE
ENTRY real_divide_handler
	mov al, 0xd0
	out PORT_READY, al
	DONE

; INT 0x21 with a handler that changes BX, and back by IRET.
ENTRY real_int
	mov bx, 1
	int 0x21
	mov al, bl
	DONE
ENTRY real_int_handler
	add bx, 0x10
	iret

; A guest that rewrites the instruction ahead of it, then one that it has run already.
ENTRY real_self_modify
	mov byte [cs:real(.ahead) + 1], 0x77
	jmp short .ahead
.ahead:
	mov al, 0x11
	mov [GPA_VARS], al
	mov byte [cs:real(.behind) + 1], 1
	xor bx, bx
.behind:
	mov al, 0x22
	mov byte [cs:real(.behind) + 1], 0x33
	inc bx
	cmp bx, 2
	jne .behind
	mov [GPA_VARS + 1], al
	DONE

; From real to 32-bit protected mode, with the GDT that the test built, through LGDT, MOV CR0
; and a far jump to linear GPA_CODE + prot_arrived.
ENTRY real_to_prot
	lgdt [cs:real(.gdtr)]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword SEL_CODE:(GPA_CODE + real(prot_arrived))
.gdtr:
	dw 0x17
	dd GPA_GDT

; The 8259 pair at vectors 8 and 0x70, one line of the first unmasked (BL is the mask), then
; READY and HLT until the handler has come.
ENTRY real_pic
	mov al, 0x11
	out 0x20, al
	out 0xa0, al
	mov al, 8
	out 0x21, al
	mov al, 0x70
	out 0xa1, al
	mov al, 4
	out 0x21, al
	mov al, 2
	out 0xa1, al
	mov al, 1
	out 0x21, al
	out 0xa1, al
	mov al, bl
	out 0x21, al
	mov al, 0xff
	out 0xa1, al
	out PORT_READY, al
	sti
.wait:
	hlt
	jmp .wait
; EOI, the count in GPA_VARS + VAR_IRQS, READY with the count in AL.
ENTRY real_pic_handler
	push ax
	mov al, 0x20
	out 0x20, al
	inc word [GPA_VARS + VAR_IRQS]
	mov al, [GPA_VARS + VAR_IRQS]
	out PORT_READY, al
	pop ax
	iret

; The PIT's channel 0 as a rate generator of CX input clocks, then as real_pic.
ENTRY real_pit
	mov al, 0x34
	out 0x43, al
	mov al, cl
	out 0x40, al
	mov al, ch
	out 0x40, al
	jmp real_pic

; Reads back a count that goes down: channel 0, latched twice with some time between; the two
; counts go to GPA_VARS.
ENTRY real_pit_count
	mov al, 0x34
	out 0x43, al
	mov al, 0xff
	out 0x40, al
	out 0x40, al
	call .latch
	mov bx, ax
	mov cx, 2000
.spin:
	loop .spin
	call .latch
	xchg ax, bx
	mov [GPA_VARS], ax
	mov [GPA_VARS + 2], bx
	DONE
.latch:
	xor al, al
	out 0x43, al
	in al, 0x40
	mov ah, al
	in al, 0x40
	xchg al, ah
	ret

; Interrupts without an interrupt controller: READY 1 with them off, STI, READY 2 and 3.
ENTRY real_window
	mov al, 1
	out PORT_READY, al
	sti
	nop
	mov al, 2
	out PORT_READY, al
	mov al, 3
	out PORT_READY, al
	DONE
ENTRY real_window_handler
	inc word [GPA_VARS + VAR_IRQS]
	iret

; The ways by which a PC is reset: all of them are the VMM's to act upon.
ENTRY real_reset_ports
	mov dx, 0xcf9
	mov al, 6
	out dx, al
	mov al, 0xfe
	out 0x64, al
	mov al, 1
	out 0x92, al
	DONE
