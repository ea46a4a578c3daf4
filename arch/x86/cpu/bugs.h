/* SPDX-License-Identifier: MIT */
/*
 * Defects by which a guest can read what is not its own, or stop the machine, and what a CPU has
 * against them.  A pure function of CPUID and IA32_ARCH_CAPABILITIES, so that the host tests it
 * with CPUs that nobody has at hand.
 */
#pragma once

#include "cpu/bits.h"
#include "lib/types.h"

/* What one CPU says of itself. */
struct cpu_facts {
	bool intel;
	u32 family, model; /* as CPUID leaf 1 displays them */
	u32 leaf7_ebx, leaf7_edx;
	u64 arch_capabilities; /* 0 where there is no such MSR */
};

struct cpu_bugs {
	/* MSRs that there are. */
	bool spec_ctrl, pred_cmd, flush_cmd, tsx_ctrl;

	bool ibrs_always;   /* IBRS, set once, keeps kvm0 from a guest's branch targets */
	bool ibrs_at_exits; /* it has to be set anew after each exit for that */
	bool l1tf;          /* the level-1 data cache is to be flushed before a guest is entered */
	bool clear_buffers; /* VERW, where it clears buffers, has to be executed before that */
	bool ibpb;          /* branch targets of one guest's reach others, unless forgotten */
	bool fill_rsb;      /* return targets of a guest's are used after the exit */
	bool multihit;      /* an executable page that changes its size may stop the machine */
};

/* IA32_ARCH_CAPABILITIES (SDM vol. 4): what the CPU does not suffer from, and has. */
#define ARCH_RDCL_NO      BIT(0)
#define ARCH_IBRS_ALL     BIT(1)
#define ARCH_RSBA         BIT(2)
#define ARCH_SKIP_L1DFL   BIT(3)
#define ARCH_SSB_NO       BIT(4)
#define ARCH_MDS_NO       BIT(5)
#define ARCH_PSCHANGE_NO  BIT(6)
#define ARCH_TSX_CTRL     BIT(7)
#define ARCH_TAA_NO       BIT(8)
#define ARCH_SBDR_SSDP_NO BIT(13)
#define ARCH_FBSDP_NO     BIT(14)
#define ARCH_PSDP_NO      BIT(15)
#define ARCH_FB_CLEAR     BIT(17)
#define ARCH_RRSBA        BIT(19)
#define ARCH_BHI_NO       BIT(20)
#define ARCH_PBRSB_NO     BIT(24)
#define ARCH_GDS_NO       BIT(26)
#define ARCH_RFDS_NO      BIT(27)
#define ARCH_RFDS_CLEAR   BIT(28)
#define ARCH_ITS_NO       BIT(62)

/* CPUID leaf 7: EBX, EDX */
#define LEAF7_HLE       BIT(4)
#define LEAF7_RTM       BIT(11)
#define LEAF7_MD_CLEAR  BIT(10)
#define LEAF7_IBRS_IBPB BIT(26)
#define LEAF7_STIBP     BIT(27)
#define LEAF7_L1D_FLUSH BIT(28)
#define LEAF7_ARCH_CAP  BIT(29)
#define LEAF7_SSBD      BIT(31)

/* IA32_SPEC_CTRL, IA32_PRED_CMD, IA32_FLUSH_CMD, IA32_TSX_CTRL */
#define SPEC_CTRL_IBRS    BIT(0)
#define PRED_CMD_IBPB     BIT(0)
#define FLUSH_CMD_L1D     BIT(0)
#define TSX_CTRL_NO_RTM   BIT(0)
#define TSX_CTRL_NO_CPUID BIT(1)

void cpu_bugs_decide(const struct cpu_facts *f, struct cpu_bugs *b);

/* What this CPU says of itself. */
void cpu_facts_read(struct cpu_facts *f);
