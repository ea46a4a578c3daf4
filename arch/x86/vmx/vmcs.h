/* SPDX-License-Identifier: MIT */
/*
 * The VMCS: its fields by the SDM's names, accessors that check a field's width at
 * compile time, and the bits of its control fields (SDM vol. 3, appendix Field
 * Encoding in VMCS, and chapter Virtual Machine Control Structures).
 * Only for arch/x86/vmx.
 */
#pragma once

#include "vmx/insn.h"

enum vmcs_field {
	VMCS_VPID = 0x0000,
	VMCS_POSTED_INTERRUPT_VECTOR = 0x0002,
	VMCS_GUEST_ES_SELECTOR = 0x0800, /* then CS, SS, DS, FS, GS, LDTR, TR, in steps of 2 */
	VMCS_GUEST_CS_SELECTOR = 0x0802,
	VMCS_GUEST_SS_SELECTOR = 0x0804,
	VMCS_GUEST_LDTR_SELECTOR = 0x080c,
	VMCS_GUEST_TR_SELECTOR = 0x080e,
	VMCS_GUEST_INTERRUPT_STATUS = 0x0810, /* RVI, and SVI above it */
	VMCS_GUEST_PML_INDEX = 0x0812,
	VMCS_HOST_ES_SELECTOR = 0x0c00,
	VMCS_HOST_CS_SELECTOR = 0x0c02,
	VMCS_HOST_SS_SELECTOR = 0x0c04,
	VMCS_HOST_DS_SELECTOR = 0x0c06,
	VMCS_HOST_FS_SELECTOR = 0x0c08,
	VMCS_HOST_GS_SELECTOR = 0x0c0a,
	VMCS_HOST_TR_SELECTOR = 0x0c0c,

	VMCS_IO_BITMAP_A = 0x2000,
	VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_EXIT_MSR_STORE_ADDRESS = 0x2006,
	VMCS_EXIT_MSR_LOAD_ADDRESS = 0x2008,
	VMCS_ENTRY_MSR_LOAD_ADDRESS = 0x200a,
	VMCS_PML_ADDRESS = 0x200e,
	VMCS_TSC_OFFSET = 0x2010,
	VMCS_VIRTUAL_APIC_PAGE = 0x2012,
	VMCS_APIC_ACCESS_PAGE = 0x2014,
	VMCS_POSTED_INTERRUPT_DESCRIPTOR = 0x2016,
	VMCS_EPT_POINTER = 0x201a,
	VMCS_EOI_EXIT_BITMAP = 0x201c, /* of vectors 0 to 63, then three more in steps of 2 */
	VMCS_XSS_EXITING_BITMAP = 0x202c,
	VMCS_TSC_MULTIPLIER = 0x2032,
	VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,
	VMCS_LINK_POINTER = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_GUEST_PDPTE0 = 0x280a, /* then PDPTE1 to 3 in steps of 2 */
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,

	VMCS_PIN_CONTROLS = 0x4000,
	VMCS_CPU_CONTROLS = 0x4002,
	VMCS_EXCEPTION_BITMAP = 0x4004,
	VMCS_PF_ERROR_MASK = 0x4006,
	VMCS_PF_ERROR_MATCH = 0x4008,
	VMCS_CR3_TARGET_COUNT = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
	VMCS_ENTRY_INTR_INFO = 0x4016,
	VMCS_ENTRY_ERROR_CODE = 0x4018,
	VMCS_ENTRY_INSTRUCTION_LENGTH = 0x401a,
	VMCS_TPR_THRESHOLD = 0x401c,
	VMCS_CPU2_CONTROLS = 0x401e,
	VMCS_PLE_GAP = 0x4020,
	VMCS_PLE_WINDOW = 0x4022,
	VMCS_INSTRUCTION_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_INTR_INFO = 0x4404,
	VMCS_EXIT_INTR_ERROR_CODE = 0x4406,
	VMCS_IDT_VECTORING_INFO = 0x4408,
	VMCS_IDT_VECTORING_ERROR_CODE = 0x440a,
	VMCS_EXIT_INSTRUCTION_LENGTH = 0x440c,
	VMCS_EXIT_INSTRUCTION_INFO = 0x440e,
	VMCS_GUEST_ES_LIMIT = 0x4800, /* then as the selectors */
	VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812,
	VMCS_GUEST_ES_RIGHTS = 0x4814,
	VMCS_GUEST_CS_RIGHTS = 0x4816,
	VMCS_GUEST_SS_RIGHTS = 0x4818,
	VMCS_GUEST_TR_RIGHTS = 0x4822,
	VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
	VMCS_GUEST_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_PREEMPTION_TIMER = 0x482e,
	VMCS_HOST_SYSENTER_CS = 0x4c00,

	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_EXIT_QUALIFICATION = 0x6400,
	VMCS_GUEST_LINEAR_ADDRESS = 0x640a,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_ES_BASE = 0x6806, /* then as the selectors */
	VMCS_GUEST_CS_BASE = 0x6808,
	VMCS_GUEST_FS_BASE = 0x680e,
	VMCS_GUEST_GS_BASE = 0x6810,
	VMCS_GUEST_TR_BASE = 0x6814,
	VMCS_GUEST_GDTR_BASE = 0x6816,
	VMCS_GUEST_IDTR_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_GUEST_S_CET = 0x6828,
	VMCS_GUEST_SSP = 0x682a,
	VMCS_GUEST_INTERRUPT_SSP_TABLE = 0x682c,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR_BASE = 0x6c0c,
	VMCS_HOST_IDTR_BASE = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14,
	VMCS_HOST_RIP = 0x6c16,
	VMCS_HOST_S_CET = 0x6c18,
	VMCS_HOST_SSP = 0x6c1a,
	VMCS_HOST_INTERRUPT_SSP_TABLE = 0x6c1c,
};

#define VMCS_WIDTH(f) (((unsigned)(f) >> 13) & 3u) /* 0: 16, 1: 64, 2: 32, 3: natural */
#define VMCS_ACCESS(width, f, access)                                                              \
	({                                                                                         \
		_Static_assert(VMCS_WIDTH(f) == (width), "VMCS field of another width");           \
		access;                                                                            \
	})

/* Read or write a field of the current VMCS.  The name says its width: nat is the
 * natural width, 64 bits here. */
#define vmcs_read16(f)       VMCS_ACCESS(0, f, (u16)vmcs_read_any(f))
#define vmcs_read32(f)       VMCS_ACCESS(2, f, (u32)vmcs_read_any(f))
#define vmcs_read64(f)       VMCS_ACCESS(1, f, vmcs_read_any(f))
#define vmcs_read_nat(f)     VMCS_ACCESS(3, f, vmcs_read_any(f))
#define vmcs_write16(f, v)   VMCS_ACCESS(0, f, vmcs_write_any(f, (u16)(v)))
#define vmcs_write32(f, v)   VMCS_ACCESS(2, f, vmcs_write_any(f, (u32)(v)))
#define vmcs_write64(f, v)   VMCS_ACCESS(1, f, vmcs_write_any(f, v))
#define vmcs_write_nat(f, v) VMCS_ACCESS(3, f, vmcs_write_any(f, v))

/* Pin-based VM-execution controls */
#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PIN_NMI                BIT(3)
#define PIN_VIRTUAL_NMIS       BIT(5)
#define PIN_PREEMPTION_TIMER   BIT(6)
#define PIN_POSTED_INTERRUPTS  BIT(7)

/* Primary processor-based VM-execution controls */
#define CPU_INTERRUPT_WINDOW BIT(2)
#define CPU_TSC_OFFSETTING   BIT(3)
#define CPU_HLT              BIT(7)
#define CPU_INVLPG           BIT(9)
#define CPU_MWAIT            BIT(10)
#define CPU_RDPMC            BIT(11)
#define CPU_RDTSC            BIT(12)
#define CPU_CR3_LOAD         BIT(15)
#define CPU_CR3_STORE        BIT(16)
#define CPU_TERTIARY         BIT(17)
#define CPU_CR8_LOAD         BIT(19)
#define CPU_CR8_STORE        BIT(20)
#define CPU_TPR_SHADOW       BIT(21)
#define CPU_NMI_WINDOW       BIT(22)
#define CPU_MOV_DR           BIT(23)
#define CPU_UNCONDITIONAL_IO BIT(24)
#define CPU_IO_BITMAPS       BIT(25)
#define CPU_MONITOR_TRAP     BIT(27)
#define CPU_MSR_BITMAPS      BIT(28)
#define CPU_MONITOR          BIT(29)
#define CPU_PAUSE            BIT(30)
#define CPU_SECONDARY        BIT(31)

/* Secondary processor-based VM-execution controls */
#define CPU2_APIC_ACCESSES      BIT(0)
#define CPU2_EPT                BIT(1)
#define CPU2_RDTSCP             BIT(3)
#define CPU2_X2APIC             BIT(4)
#define CPU2_VPID               BIT(5)
#define CPU2_WBINVD             BIT(6)
#define CPU2_UNRESTRICTED_GUEST BIT(7)
#define CPU2_APIC_REGISTERS     BIT(8)
#define CPU2_VIRTUAL_INTERRUPTS BIT(9)
#define CPU2_PAUSE_LOOP         BIT(10)
#define CPU2_INVPCID            BIT(12)
#define CPU2_VM_FUNCTIONS       BIT(13)
#define CPU2_VMCS_SHADOWING     BIT(14)
#define CPU2_PML                BIT(17)
#define CPU2_EPT_VIOLATION_VE   BIT(18)
#define CPU2_XSAVES             BIT(20)
#define CPU2_EXECUTE_BY_MODE    BIT(22)
#define CPU2_SUB_PAGE_WRITES    BIT(23)
#define CPU2_PT_IN_GUEST        BIT(24)
#define CPU2_TSC_SCALING        BIT(25)
#define CPU2_USER_WAIT_PAUSE    BIT(26)

/* VM-exit controls */
#define EXIT_SAVE_DEBUG    BIT(2)
#define EXIT_LOAD_PERF     BIT(12)
#define EXIT_HOST_64       BIT(9)
#define EXIT_ACK_INTERRUPT BIT(15)
#define EXIT_SAVE_PAT      BIT(18)
#define EXIT_LOAD_PAT      BIT(19)
#define EXIT_SAVE_EFER     BIT(20)
#define EXIT_LOAD_EFER     BIT(21)
#define EXIT_SAVE_TIMER    BIT(22)
#define EXIT_LOAD_CET      BIT(28)
#define EXIT_LOAD_PKRS     BIT(29)
#define EXIT_SECONDARY     BIT(31)

/* VM-entry controls */
#define ENTRY_LOAD_DEBUG      BIT(2)
#define ENTRY_IA32E           BIT(9)
#define ENTRY_TO_SMM          BIT(10)
#define ENTRY_DEACTIVATE_DUAL BIT(11) /* monitor treatment of SMM */
#define ENTRY_LOAD_PERF       BIT(13)
#define ENTRY_LOAD_PAT        BIT(14)
#define ENTRY_LOAD_EFER       BIT(15)
#define ENTRY_LOAD_BNDCFGS    BIT(16)
#define ENTRY_LOAD_RTIT       BIT(18)
#define ENTRY_LOAD_UINV       BIT(19)
#define ENTRY_LOAD_CET        BIT(20)
#define ENTRY_LOAD_LBR        BIT(21)
#define ENTRY_LOAD_PKRS       BIT(22)

/* Interruption information, of entries, exits and IDT vectoring alike */
#define INTR_VECTOR         0xffu
#define INTR_TYPE           0x700u
#define INTR_TYPE_EXTERNAL  0x000u
#define INTR_TYPE_NMI       0x200u
#define INTR_TYPE_HARD_EXC  0x300u
#define INTR_TYPE_SOFT_INT  0x400u
#define INTR_TYPE_PRIV_SOFT 0x500u
#define INTR_TYPE_SOFT_EXC  0x600u
#define INTR_TYPE_OTHER     0x700u
#define INTR_ERROR_CODE     0x800u
#define INTR_NMI_UNBLOCK    0x1000u /* NMI unblocking due to IRET; VM exits only */
#define INTR_VALID          0x80000000u

/* Guest interruptibility state */
#define BLOCKING_BY_STI   1u
#define BLOCKING_BY_MOVSS 2u
#define BLOCKING_BY_SMI   4u
#define BLOCKING_BY_SMI   4u
#define BLOCKING_BY_NMI   8u

/* Guest activity state */
#define ACTIVITY_ACTIVE        0u
#define ACTIVITY_HLT           1u
#define ACTIVITY_SHUTDOWN      2u
#define ACTIVITY_WAIT_FOR_SIPI 3u

/* Segment access rights */
#define RIGHTS_S         BIT(4)
#define RIGHTS_DPL_SHIFT 5
#define RIGHTS_P         BIT(7)
#define RIGHTS_L         BIT(13)
#define RIGHTS_DB        BIT(14)
#define RIGHTS_G         BIT(15)
#define RIGHTS_UNUSABLE  BIT(16)

#define PENDING_DEBUG_BS  BIT(14)
#define PENDING_DEBUG_RTM BIT(16)

/* Basic exit reasons (SDM vol. 3, appendix VMX Basic Exit Reasons) */
enum exit_reason {
	EXIT_EXCEPTION_NMI = 0,
	EXIT_EXTERNAL_INTERRUPT = 1,
	EXIT_TRIPLE_FAULT = 2,
	EXIT_INIT = 3,
	EXIT_SIPI = 4,
	EXIT_INTERRUPT_WINDOW = 7,
	EXIT_NMI_WINDOW = 8,
	EXIT_TASK_SWITCH = 9,
	EXIT_CPUID = 10,
	EXIT_GETSEC = 11,
	EXIT_HLT = 12,
	EXIT_INVD = 13,
	EXIT_INVLPG = 14,
	EXIT_RDPMC = 15,
	EXIT_RDTSC = 16,
	EXIT_VMCALL = 18,
	EXIT_VMCLEAR = 19,
	EXIT_VMXON = 27,
	EXIT_CR_ACCESS = 28,
	EXIT_MOV_DR = 29,
	EXIT_IO = 30,
	EXIT_RDMSR = 31,
	EXIT_WRMSR = 32,
	EXIT_ENTRY_GUEST_STATE = 33,
	EXIT_ENTRY_MSR_LOAD = 34,
	EXIT_MWAIT = 36,
	EXIT_MONITOR = 39,
	EXIT_PAUSE = 40,
	EXIT_ENTRY_MACHINE_CHECK = 41,
	EXIT_TPR_BELOW_THRESHOLD = 43,
	EXIT_APIC_ACCESS = 44,
	EXIT_VIRTUALIZED_EOI = 45,
	EXIT_EPT_VIOLATION = 48,
	EXIT_EPT_MISCONFIG = 49,
	EXIT_INVEPT = 50,
	EXIT_PREEMPTION_TIMER = 52,
	EXIT_INVVPID = 53,
	EXIT_WBINVD = 54,
	EXIT_XSETBV = 55,
	EXIT_APIC_WRITE = 56,
	EXIT_PML_FULL = 62,
	EXIT_ENTRY_FAILED = 0x80000000,
};
