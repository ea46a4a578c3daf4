/* SPDX-License-Identifier: MIT */
/* What the files of arch/x86/vmx share among themselves. */
#pragma once

#include "cpu/percpu.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* The VMX side of one physical CPU. */
struct vmx_cpu {
	struct vmx_vcpu *active;        /* VMCSs active here; this CPU only */
	struct vmx_vcpu *clear_request; /* set by other CPUs from NULL, taken by this one */
	u64 dr[4];                      /* the control guest's, while a guest's are in the CPU */
	u8 cr8;                         /* the control guest's, while it is stepped */
	bool cr8_held;
};

extern struct vmx_cpu vmx_cpus[MAX_CPUS];

/* enter.asm */
#define HOW_LAUNCHED 1u /* the VMCS has been launched since its VMCLEAR */
u32 vmx_enter(struct vmx_vcpu *v, u32 how);
void vmx_unblock_nmis(void);
extern const char vmx_exit_point[], vmx_exit_point_filling[];
extern const char vmx_enter_window[], vmx_enter_window_end[], vmx_enter_abort[];

/* setup.c: IA32_SPEC_CTRL is the guest's to access from now on. */
void vmx_open_spec_ctrl(struct vmx_vcpu *v);

/* state_msr.c: @v, the control guest's, has what the CPU has now. */
void vmx_take_shared_msrs(struct vmx_vcpu *v);

/* exit_access.c: exits for instructions that only concern the virtual CPU itself. */
enum vmx_exit_kind vmx_exit_cr(struct vmx_vcpu *v, struct vmx_exit *exit);
enum vmx_exit_kind vmx_exit_xsetbv(struct vmx_vcpu *v);

/* idle.c: PAUSE-loop exiting begins as the parameters say. */
void vmx_set_pause_window(struct vmx_vcpu *v);

/* setup.c: what the preemption timer is set to at most. */
extern u32 vmx_timer_most;

/* Write @v's copies of the controls to the current VMCS if they changed. */
static inline void vmx_set_cpu_controls(struct vmx_vcpu *v, u32 controls)
{
	if (controls != v->cpu_controls) {
		v->cpu_controls = controls;
		vmcs_write32(VMCS_CPU_CONTROLS, controls);
	}
}

/* A fault of the instruction that exited, with error code 0 if it has one. */
static inline enum vmx_exit_kind vmx_fault(struct vmx_vcpu *v, u8 vector)
{
	return vmx_queue_exception(v, vector, 0) ? VMX_RESUME : VMX_TRIPLE_FAULT;
}

/* apic.c: exits for the local APIC, of the basic exit reason @reason. */
enum vmx_exit_kind vmx_exit_apic(u32 reason, struct vmx_exit *exit);
/* Which event's delivery the exit broke off, by VMCS_IDT_VECTORING_INFO, @info; v->event
 * is what the entry was to deliver. */
u32 vmx_vectoring(const struct vmx_vcpu *v, u32 info);

#define MSR_BITMAP_WRITES 2048u

/* Let the exits of @msr happen or not (SDM vol. 3, MSR-Bitmap Address). */
static inline void msr_exits(u8 *bitmap, u32 msr, bool reads, bool writes)
{
	u32 half = msr >= 0xc0000000u ? 1024 : 0, n = msr & 0x1fff;
	u8 bit = (u8)(1u << (n & 7));
	u8 *r = bitmap + half + n / 8, *w = r + MSR_BITMAP_WRITES;

	*r = (u8)(reads ? *r | bit : *r & ~bit);
	*w = (u8)(writes ? *w | bit : *w & ~bit);
}

#define DR7_ENABLES 0xffull /* any of the breakpoints of DR7 */

/* debug.c: the guest's debug registers into the CPU and out again, their state after reset,
 * exits for MOV DR and for a #DB or #BP. */
void vmx_load_debug_registers(struct vmx_vcpu *v);
void vmx_save_debug_registers(struct vmx_vcpu *v);
void vmx_reset_debug_registers(struct vmx_vcpu *v);
enum vmx_exit_kind vmx_exit_dr(struct vmx_vcpu *v, struct vmx_exit *exit);
enum vmx_exit_kind vmx_exit_debug(const struct vmx_vcpu *v, u8 vector, struct vmx_exit *exit);
enum vmx_exit_kind vmx_exit_db(struct vmx_vcpu *v, struct vmx_exit *exit);

/* Exceptions whose delivery pushes an error code (SDM vol. 3, Exception and Interrupt
 * Reference). */
#define ERROR_CODE_VECTORS                                                                         \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |      \
	 BIT(VECTOR_PF) | BIT(VECTOR_AC))

/* Exceptions of a guest that exit.  One #DB or #AC may cause the next while it is delivered, for
 * ever: a CPU that delivers them itself then hears of nothing else, not even of an NMI. */
#define EXITING_VECTORS (BIT(VECTOR_DB) | BIT(VECTOR_AC) | BIT(VECTOR_MC))

/* Bytes of INT3 and INTO, and of INT n. */
#define INT3_LENGTH  1u
#define INT_N_LENGTH 2u

/* switch.c */
void vmx_xsave_init(struct vmx_vcpu *v);
/* The bits that MXCSR can have. */
u32 vmx_mxcsr_mask(void);
/* Turn on XSAVE on this CPU.  False: it has other state than the boot CPU, the @first. */
bool vmx_xsave_enable(bool first) __must_check;
