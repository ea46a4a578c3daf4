/* SPDX-License-Identifier: MIT */
/*
 * Where things are in a test guest's memory: for the C side and, turned into NASM's
 * %define lines by tests/abi/rules.mk, for the payloads.  Only #define lines and
 * comments that stand on lines of their own.
 */
#ifndef PAYLOADS_LAYOUT_H
#define PAYLOADS_LAYOUT_H

/* Slot 0 is the low 640 KiB, slot 1 starts at 1 MiB; between them is the VGA hole. */
#define GPA_LOW_END  0xa0000
#define GPA_HOLE     0xb8000
#define GPA_HIGH     0x100000
#define GPA_HIGH_END 0x140000

/* Tables.  Real mode has its interrupt vectors at 0. */
#define GPA_GDT  0x1000
#define GPA_IDT  0x2000
#define GPA_PML4 0x3000
#define GPA_PDPT 0x4000
#define GPA_PD   0x5000

/* All payloads, in one piece of less than 64 KiB. */
#define GPA_CODE       0x10000
#define GPA_STACK      0x28000
#define GPA_STACK_REAL 0xfff0
#define GPA_VARS       0x9000
#define GPA_BUFFER     0xa000
#define GPA_RESULTS    0x100000

/* Nothing is mapped here unless a test does so. */
#define GPA_EXTRA  0x40000000
#define GPA_MMIO   0xd0000000
#define GPA_IOAPIC 0xfec00000
#define GPA_APIC   0xfee00000

/* The page tables of the guests end here: an access is a page fault. */
#define GVA_UNMAPPED 0x100000000

#define SEL_CODE 8
#define SEL_DATA 16

/* A write to DONE ends a payload; TEST and READY are ports with no other meaning. */
#define PORT_DONE  0xf4
#define PORT_TEST  0x510
#define PORT_READY 0xf5

/* What the handlers in fault.asm and interrupt.asm note, as offsets in GPA_VARS. */
#define VAR_VECTOR    0
#define VAR_ERROR     8
#define VAR_RIP       16
#define VAR_CR2       24
#define VAR_FAULTS    32
#define VAR_IRQS      64
#define VAR_IRQ_TSC   72
#define VAR_EOI_TICKS 80

/* The interrupts that access_stubs has noted, a byte each: how many, and which. */
#define VAR_LOGGED  256
#define VAR_LOG     264
#define ACCESS_STUB 16

#define VECTOR_PLAIN  0x60
#define VECTOR_XAPIC  0x40
#define VECTOR_X2APIC 0x50
#define VECTOR_PONG   0x70

/* What the vCPUs of storm.asm share: arrays with an element for each, of 4 bytes where it is a
 * mailbox (1: full) and of 8 where it is a count; then single counts. */
#define STORM_MAIL       0xa000
#define STORM_NMI_MAIL   0xa100
#define STORM_ARMED      0xa200
#define STORM_SENT       0xa400
#define STORM_GOT        0xa600
#define STORM_NMIS_SENT  0xa800
#define STORM_NMIS_GOT   0xaa00
#define STORM_TIMERS_SET 0xac00
#define STORM_TIMERS_GOT 0xae00
#define STORM_TOKENS     0xb000
#define STORM_ENDED      0xb200
#define STORM_ERRORS     0xb208
#define STORM_STARTED    0xb210

#define STORM_VECTOR_IPI   0x41
#define STORM_VECTOR_TIMER 0x42
#define STORM_VECTOR_WAKE  0x43

/* The largest number of samples in one of the arrays at GPA_RESULTS, and their distance. */
#define RESULTS_MAX    4096
#define RESULTS_STRIDE 0x8000

#endif
