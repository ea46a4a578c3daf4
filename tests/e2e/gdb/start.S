/* SPDX-License-Identifier: MIT */
/* The file's head as Linux's boot protocol wants it (Documentation/arch/x86/boot.rst), and the
 * 64-bit entry, at 0x200 of what is loaded. */
	.section .setup, "a"
	.org 0x1f1
	.byte 1			/* setup_sects */
	.word 0
	.long payload_paragraphs /* syssize */
	.word 0, 0, 0
	.word 0xaa55
	.word 0x62eb		/* a jump over the header: its size */
	.ascii "HdrS"
	.word 0x20f		/* version */
	.org 0x211
	.byte 1			/* loadflags: LOADED_HIGH */
	.org 0x230
	.long 0x200000		/* kernel_alignment */
	.byte 0			/* not relocatable */
	.byte 21
	.word 1			/* xloadflags: XLF_KERNEL_64 */
	.long 255		/* cmdline_size */
	.org 0x258
	.quad 0x200000		/* pref_address */
	.long 0x10000		/* init_size */
	.org 0x400

	.section .entry, "ax"
	.org 0x200
	.globl _start
_start:
	lea	stack_top(%rip), %rsp
	xor	%ebp, %ebp
	call	payload

	.bss
	.balign 16
	.skip 4096
stack_top:
