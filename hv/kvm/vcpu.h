/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU of a VM.  One call at a time uses it: who sets `busy` owns all of it
 * but the fields under "shared".
 */
#pragma once

#include "kvm/cpuid.h"
#include "kvm/emulate/emulate.h"
#include "kvm/halt.h"
#include "kvm/mce.h"
#include "kvm/pv/pv.h"
#include "kvm/timer_advance.h"
#include "kvm/vm.h"
#include "vmx/vmx.h"

#define MTRR_VARIABLE 8u /* pairs, as IA32_MTRRCAP says */
#define MTRR_FIXED    11u

/* MSRs that only remember what was written, within limits (kvm/msr.c). */
struct msr_values {
	u64 tsc_adjust, misc_enable, bios_sign_id, feature_control;
	u64 arch_capabilities, platform_info, misc_features, power_ctl, smi_count, hwcr;
	u64 mtrr_def_type, mtrr_fixed[MTRR_FIXED], mtrr_variable[2 * MTRR_VARIABLE];
};

enum vcpu_mode { VCPU_OUTSIDE, VCPU_IN_GUEST };

/* What the next KVM_RUN has to finish before the guest goes on. */
enum vcpu_completion {
	COMPLETE_NOTHING,
	COMPLETE_IN,
	COMPLETE_OUT, /* nothing but to step over it, as KVM does it only then */
	COMPLETE_EMULATION,
	COMPLETE_WRITES,
	COMPLETE_RDMSR,
	COMPLETE_WRMSR,
	COMPLETE_HYPERCALL,
};

/* An exception that no run has taken up yet (kvm/vcpu_events.c). */
struct pending_exception {
	bool pending, has_error, has_payload;
	u8 vector;
	u32 error;
	u64 payload; /* #PF: CR2; #DB: causes, as pending debug exceptions have them */
};

/* Where interrupts and NMIs come from. */
enum vcpu_injection {
	INJECT_BY_CPU, /* the CPU delivers the local APIC's (apicv.h); the PIC's come from the chip
			*/
	INJECT_FROM_CHIP,
	INJECT_AND_TELL, /* the same, with guest memory that tells of it (vapic.h, pv/eoi.h), or a
			  * PIC of user space's */
	INJECT_FROM_USER,
	INJECT_NOTHING, /* KVM_GUESTDBG_BLOCKIRQ */
	INJECT_POLLED,  /* nothing: it is halted, and polled for (run_wait.c) */
	INJECT_KEPT,    /* c->interrupt, though there is a chip: it was accepted there already */
};

/* A dirty ring (kvm/dirty_ring.c).  Guarded by vm->lock but for entries. */
struct dirty_ring {
	u32 entries; /* 0: there is none */
	u32 missing; /* pages that the control guest has yet to name */
	struct kvm_dirty_gfn **page;
	u32 dirty, reset; /* count up for ever: entries written, and of these free again */
	u64 last;         /* the page that was noted last; ~0: none since the last reset */
};

struct vcpu {
	struct vmx_vcpu vmx;
	struct vm *vm;
	u32 id;     /* KVM's vcpu_id; the APIC id */
	u32 index;  /* in vm->vcpus */
	u32 handle; /* 0: closed */
	u32 mp_state;

	/* Pages that the control guest named: kvm_run, NULL before; the data of port I/O, which
	 * lies there or, once it is named, in a page of its own. */
	struct kvm_run *run;
	void *io_data;
	u32 io_offset; /* of io_data in the vCPU's mapping */
	enum vcpu_completion completion;
	struct emu_state emu;
	u64 emu_start;  /* RIP of the instruction that is emulated */
	bool emu_stale; /* a call has changed registers since emu was filled */
	struct emu_io io;

	struct lapic lapic; /* only with vm->chip, split or not */
	u32 *apic_page;
	struct {
		u64 address; /* 0: there is none */
		u32 written;
		bool unread; /* the control guest has to supply the page first */
	} vapic;
	struct {
		bool report; /* KVM_TPR_ACCESS_REPORTING is on: VCPU_TPR_ACCESS */
		bool write;
		u64 rip; /* of the instruction */
	} tpr_access;
	bool reads_pages; /* after each exit: vapic.h, pv/eoi.h */
	u8 cr8;           /* only without */
	u64 apic_base;    /* only without */
	s32 interrupt;    /* an interrupt to deliver before any other, KVM_INTERRUPT's or one that
			   * an exception has come before; -1: none */
	bool user_pic; /* user space has the PIC, and may wait for an interrupt window; constant */
	u8 user_eoi;   /* the vector that VCPU_IOAPIC_EOI is about */
	u64 timer;     /* what the preemption timer was last set for */
	struct timer_advance advance;

	struct cpuid_table cpuid;
	struct vcpu_tsc tsc;
	struct msr_values msr;
	struct mce mce;
	struct vcpu_pv pv;
	u8 maxphyaddr; /* of the guest, in bits */
	struct dirty_ring ring;
	u64 wanted; /* the page that the control guest is to supply: KVM0_RUN_PAGE_WANTED */

	struct pending_exception exception;
	u8 injection;    /* enum vcpu_injection */
	u64 signal_mask; /* KVM_SET_SIGNAL_MASK's: signals that do not end KVM_RUN */

	struct vcpu_halt halt;
	u64 run_hints; /* of the KVM_RUN under way: KVM0_RUN_* */
	u64 run_stop;  /* TSC at which it ends at the latest, or IRQ_NEVER */
	u32 kicks;     /* that it has been given: exit_kicked() */
	struct vcpu_stats stats;

	/* Shared. */
	u32 requests;    /* VCPU_*: what has to be done before the guest is entered; set by
			  * vcpu_ask(), taken by the owner with an exchange */
	u64 signals;     /* pending ones: bit n - 1 is signal n (KVM0_CALL_SIGNAL); atomic */
	u32 busy;        /* set from 0 by compare-and-swap; see above */
	u32 mode;        /* enum vcpu_mode; set before the last look at pending events, so
			  * that whoever adds one afterwards sees it and kicks */
	u32 pcpu;        /* the CPU it runs on, while IN_GUEST */
	u32 blocked;     /* KVM_RUN returned "blocked"; taken by the one that wakes it */
	u32 has_list;    /* the CPU may have listed pages since the last dirty_take_list() ... */
	u32 lists_taken; /* ... which counts up here */
	bool stopped;    /* vcpu_stop() */
};

/* Is it the one that runs after reset, the others wait for it to start them? */
static inline bool vcpu_is_boot_cpu(const struct vcpu *c)
{
	return c->id == c->vm->boot_cpu_id;
}

/* RIP is about to change: a port instruction that waits for its completion is given up. */
static inline void vcpu_drop_port_access(struct vcpu *c)
{
	if (c->completion == COMPLETE_IN || c->completion == COMPLETE_OUT)
		c->completion = COMPLETE_NOTHING;
}

#define VCPU_TRIPLE_FAULT 1u        /* end the run with KVM_EXIT_SHUTDOWN */
#define VCPU_MSR_FILTER   2u        /* msr_filter_apply() */
#define VCPU_APIC_EVENTS  4u        /* INIT or SIPI: lapic.events */
#define VCPU_SIGNAL       8u        /* a signal may be pending that is not blocked */
#define VCPU_EXCEPTION    16u       /* c->exception may be pending */
#define VCPU_TAKE_LIST    32u       /* dirty_take_list() */
#define VCPU_RING_FULL    64u       /* end the run with KVM_EXIT_DIRTY_RING_FULL while it is so */
#define VCPU_VAPIC        128u      /* vapic_write() */
#define VCPU_TPR_ACCESS   256u      /* end the run with KVM_EXIT_TPR_ACCESS */
#define VCPU_CLOCK        512u      /* kvmclock_write() */
#define VCPU_IOAPIC_EOI   0x10000u  /* end the run with KVM_EXIT_IOAPIC_EOI */
#define VCPU_PV_EOI       0x20000u  /* pv_eoi_offer() */
#define VCPU_APF_READY    0x40000u  /* pv_apf_deliver() */
#define VCPU_STEAL_TIME   0x80000u  /* pv_steal_update() */
#define VCPU_STOPPED      0x100000u /* do not enter while c->stopped */

/* Set a bit of @c->requests.  Release: what it is about comes before. */
static inline void vcpu_ask(struct vcpu *c, u32 request)
{
	__atomic_fetch_or(&c->requests, request, __ATOMIC_RELEASE);
}

/* How a KVM_RUN ended. */
enum run_result {
	RUN_USER,        /* 0, or the errno in *err; kvm_run has the exit */
	RUN_AGAIN,       /* the control guest is to take an interrupt */
	RUN_BLOCKED,     /* until *deadline */
	RUN_PAGE_WANTED, /* c->wanted says which */
	RUN_INIT,        /* the physical CPU got INIT */
	RUN_MACHINE_CHECK,
};

/* The page of @c's mapping that is number @number becomes @page.  0, or -EINVAL: there is none
 * of that number. */
int vcpu_set_page(struct vcpu *c, u64 number, void *page) __must_check;

/* Make @c usable: state after reset, its VMCS made.  Zeroed before.  0 or -ENOMEM. */
int vcpu_init(struct vcpu *c, struct vm *vm, u32 id, u32 index) __must_check;
/* Nobody uses it any more. */
void vcpu_destroy(struct vcpu *c);

/* INIT.  Loaded. */
void vcpu_init_reset(struct vcpu *c);

/*
 * KVM_RUN.  @control: the control guest's virtual CPU on this CPU, whose state is
 * swapped out meanwhile.  *@err is 0, -EINTR, -EAGAIN or -EINVAL with RUN_USER; *@deadline a TSC
 * value or KVM0_NO_DEADLINE with RUN_BLOCKED.
 */
enum run_result vcpu_run(struct vcpu *c, struct vmx_vcpu *control, int *err, u64 *deadline);

/* Something was made pending for @c: wake it if it is blocked, kick it if it runs. */
void vcpu_wake(struct vcpu *c);

/* A call has changed a vCPU that is blocked: wake it if it need not wait, or not so long.  Loaded.
 */
void run_recheck_blocked(struct vcpu *c);

/* Signal @n, 1 to 64, is pending for @c from now on: its KVM_RUN ends with -EINTR unless the
 * signal is blocked.  From any CPU, also while @c runs. */
void vcpu_signal(struct vcpu *c, u32 n);
/* Those of the signals in @set that are pending; they are so no longer. */
u64 vcpu_take_signals(struct vcpu *c, u64 set);
/* The signals in @set do not end KVM_RUN, but for SIGKILL and SIGSTOP.  By the owner. */
void vcpu_block_signals(struct vcpu *c, u64 set);

/* Do not let @c execute an instruction before vcpu_resume(): meanwhile its KVM_RUN says "blocked"
 * for some milliseconds, again and again.  With the world parked (monitor/park.h). */
void vcpu_stop(struct vcpu *c);
void vcpu_resume(struct vcpu *c);

/* Get it out of guest mode, wherever it runs, and wait until it is or has flushed
 * what vm->tlb_generation asks for.  True: it was in guest mode, and has been kicked. */
bool vcpu_force_out(struct vcpu *c);

/* --- state for the ioctls (vcpu_state.c); loaded --- */
void vcpu_get_sregs(struct vcpu *c, struct kvm_sregs *s);
/* 0, or -EINVAL: the combination is impossible. */
int vcpu_set_sregs(struct vcpu *c, struct kvm_sregs *s) __must_check;
u64 vcpu_get_cr8(const struct vcpu *c);
int vcpu_set_cr8(struct vcpu *c, u64 value) __must_check;
/* KVM_TRANSLATE: where the linear address goes, for a supervisor's read.  False: nowhere. */
bool vcpu_translate(struct vcpu *c, u64 linear, gpa_t *a) __must_check;
/* KVM_SET_REGS. */
void vcpu_set_regs(struct vcpu *c, const struct kvm_regs *r);
/* KVM_GET_SREGS2, KVM_SET_SREGS2; errors as above. */
void vcpu_get_sregs2(struct vcpu *c, struct kvm_sregs2 *s);
int vcpu_set_sregs2(struct vcpu *c, const struct kvm_sregs2 *s) __must_check;

/* --- CPUID (vcpu_cpuid.c); loaded --- */

/* The leaves, as bits, for which vcpu_cpuid_dynamic() has something to do. */
#define CPUID_DYNAMIC (BIT(1) | BIT(7) | BIT(0xd))

/* Put into an entry what depends on the vCPU's state. */
void vcpu_cpuid_dynamic(struct vcpu *c, struct kvm_cpuid_entry2 *e);
/* ... and into all that it has. */
void vcpu_refresh_cpuid(struct vcpu *c);
/* The features in CPUID decide what the guest may set.  0; -EINVAL: linear addresses of a width
 * that no CPU has, or not the same as before for a vCPU that has run; -EPERM: XSAVE state that
 * needs a permission; -ENOMEM.  @entries may be changed. */
int vcpu_set_cpuid(struct vcpu *c, struct kvm_cpuid_entry2 *entries, u32 count) __must_check;

/* Load the PDPTEs of PAE paging from where CR3 points.  0; -EINVAL: a reserved bit, or no
 * memory there; -EAGAIN: memory that has to be supplied first. */
int vcpu_load_pdptes(struct vcpu *c);
