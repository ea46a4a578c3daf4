/* SPDX-License-Identifier: MIT */
/*
 * VMX as the rest of kvm0 sees it: a virtual CPU that can be entered, what it came
 * out with, its state, and the events to deliver.  Entering is a plain call that
 * returns when the guest exits.  hv/ needs no other header of this folder.
 *
 * A struct vmx_vcpu is used by one CPU at a time: its owner's lock says which.
 * vmx_load() makes its VMCS current on this CPU; everything below that is marked
 * "loaded" needs that.
 */
#pragma once

#include <linux/kvm.h>
#include "cpu/bits.h"
#include "core/params.h"
#include "cpu/bugs.h"
#include "cpu/percpu.h"
#include "lib/addr.h"

enum gpr { /* in the order of instruction encoding */
	   GPR_RAX,
	   GPR_RCX,
	   GPR_RDX,
	   GPR_RBX,
	   GPR_RSP, /* lives in the VMCS: this element is not used */
	   GPR_RBP,
	   GPR_RSI,
	   GPR_RDI,
	   GPR_R8,
	   GPR_R15 = 15,
};

enum vmx_segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR };

#define NO_CPU 0xffffffffu

/* Registers that a guest and the control guest share and that no VMCS field swaps. */
struct vmx_shared_msrs {
	u64 star, lstar, cstar, fmask, kernel_gs_base, tsc_aux;
	u64 tsx_ctrl; /* 0 where there is none */
};

/* Basic exit reasons that are told apart: the processor has fewer. */
#define VMX_EXIT_REASONS 128u

/* TSC ticks, while exit_ticks= is on. */
struct vmx_ticks {
	u64 guest;                  /* in the guest, but for a halted one that is polled for */
	u64 exit[VMX_EXIT_REASONS]; /* in kvm0 from an exit on, until the next entry or the end of
				     * the run */
};

/* What is traced and timed of a virtual CPU (watch.c). */
struct vmx_watch {
	u32 vm, index;           /* its names in the trace */
	struct vmx_ticks *ticks; /* NULL: exits have never been timed */
	u64 since;               /* the TSC at the last exit, if that is timed */
	u32 reason;              /* of that exit */
	u32 instruction;         /* the exit reason of one whose result will be traced, or 0 */
	u32 what;                /* it was about */
	u64 word[2];
};

struct vmx_vcpu {
	u64 gpr[16]; /* first: vmx_enter() relies on it */
	u64 cr2;

	hpa_t vmcs;
	u32 cpu;               /* where the VMCS is active; NO_CPU: nowhere.  Written by that CPU */
	u8 how;                /* to enter it: vmx_enter()'s argument */
	bool control;          /* the control guest's */
	u8 apic_mode;          /* enum vmx_apic_mode; other CPUs may look */
	bool waits_for_sipi;   /* and so hears no kick; other CPUs may look */
	struct vmx_vcpu *next; /* list of those active on cpu */

	u32 cpu_controls; /* copies of what the VMCS has */
	u32 tpr_threshold;
	bool interrupt_window; /* cpu_controls has its exit */
	u16 vpid;

	/* Against the CPU's defects (mitigate.c). */
	u8 detour;        /* DETOUR_*: what mitigate_enter() does at the next entry */
	bool spec_native; /* the guest accesses IA32_SPEC_CTRL itself; with DETOUR_SPEC_CTRL */
	u64 spec_ctrl;    /* the guest's, while not in it */

	/* The event that the next entry delivers: VM-entry interruption information,
	 * 0 for none; after an exit that broke off a delivery, that event again. */
	u32 event;
	u32 event_error;
	u32 event_length;
	u32 aside;     /* an interrupt or NMI that an exception in `event` has come before, or 0 */
	u64 event_rip; /* where the guest was when it was last entered with one */

	/* What the guest has in these; kernel_gs_base only unless in_cpu. */
	struct vmx_shared_msrs msrs;
	bool in_cpu; /* vmx_switch() has put it into the CPU */
	u64 xcr0;
	void *xsave;     /* one page: XSAVE or FXSAVE image, while not in the CPU */
	u64 dr6;         /* while another's is in the CPU */
	u64 dr[4];       /* unless dr_in_cpu */
	bool dr_in_cpu;  /* the guest's DR0 to DR3 are in the CPU, and its own to access */
	bool strip_smi;  /* see exit.c */
	u32 stale_inits; /* the control guest's: see hv/abi/control.c */
	bool dr_enabled; /* ... and have to be, while it runs; or user space single-steps */
	/* KVM_SET_GUEST_DEBUG (debug.c). */
	u32 debug;        /* KVM_GUESTDBG_*; 0: user space does not debug */
	u64 hidden_flags; /* RFLAGS.TF while user space single-steps, which does not see it */
	u64 step_rip;     /* linear RIP at which that began */
	u64 debug_dr[4];  /* with KVM_GUESTDBG_USE_HW_BP: what the CPU has instead of dr, */
	u64 debug_dr7;    /* and in DR7's place in the VMCS */
	u64 dr7;          /* the guest's own, where that is taken */
	/* kvm0's own debugger (debug.c), which comes before user space. */
	u8 debugger;        /* VMX_DEBUGGER_* */
	u64 debugger_dr[4]; /* with VMX_DEBUGGER_HW: what the CPU has instead of all these */
	u64 debugger_dr7;   /* and in DR7's place in the VMCS */
	/* Of hv/kvm/debugger.c. */
	u8 debug_hit;       /* enum debugger_hit: why it has stopped, */
	u8 debug_user;      /* for whom (enum debugger_user), */
	bool debug_again;   /* a step has been tried twice */
	bool debug_told;    /* and whether that is told to him */
	bool debug_held;    /* it does not run because of that, or since only others are to run */
	u64 debug_address;  /* of the breakpoint */
	u64 debug_rip;      /* linear RIP where it stopped, or went on */
	u8 *msr_bitmap;     /* one page */
	u64 *log;           /* one page, NULL unless vmx_has_log(): see vmx_take_log() */
	u32 pause_window;   /* of PAUSE-loop exiting, as the VMCS has it; 0: there is none */
	bool halts_itself;  /* HLT does not exit: vmx_disable_exits() */
	bool reads_cstates; /* nor do reads of the C-states' residency */
	u64 cr4_allowed;    /* bits that the guest may set in CR4 */
	u64 xcr0_allowed;
	struct vmx_watch watch;
	u64 l1d_flushes;             /* of the level-1 data cache, before entries */
	u64 exits[VMX_EXIT_REASONS]; /* by basic exit reason */
};

/* How often the guest has been entered, and so has exited. */
static inline u64 vmx_entries(const struct vmx_vcpu *v)
{
	u64 n = 0;

	for (u32 i = 0; i < VMX_EXIT_REASONS; i++)
		n += READ_ONCE(v->exits[i]);
	return n;
}

/* Why vmx_run() came back. */
enum vmx_exit_kind {
	VMX_RESUME,           /* done here: go on */
	VMX_KICKED,           /* this CPU was kicked, or an NMI is to be reflected */
	VMX_ASIDE,            /* not entered: vmx_take_aside() has an event */
	VMX_INTERRUPT,        /* an external interrupt is pending for the control guest */
	VMX_INTERRUPT_WINDOW, /* the guest can take an interrupt now */
	VMX_NMI_WINDOW,
	VMX_TIMER, /* the preemption timer ran out */
	VMX_HLT,
	VMX_PAUSE,   /* in a loop */
	VMX_MONITOR, /* these two are not stepped over yet */
	VMX_MWAIT,
	VMX_CPUID,
	VMX_VMCALL,
	VMX_RDMSR, /* RCX: index */
	VMX_WRMSR,
	VMX_CR_WRITE,
	VMX_CR8_READ,
	VMX_IO,
	VMX_EPT_VIOLATION,
	VMX_APIC_ACCESS, /* that the CPU does not virtualize; the instruction is not done */
	VMX_APIC_WRITE,  /* after the instruction: the register has what was written */
	VMX_EOI,         /* after the instruction: of a vector of vmx_set_eoi_exits() */
	VMX_DEBUG,       /* a #DB or #BP that is user space's, or the debugger's */
	VMX_LOG_FULL,
	VMX_TRIPLE_FAULT,
	VMX_INIT,
	VMX_SIPI,
	VMX_MACHINE_CHECK,
	VMX_ENTRY_FAILED, /* reason: the hardware's word for it */
	VMX_UNKNOWN,      /* reason: a basic exit reason that kvm0 does not use */
};

struct vmx_exit {
	u32 reason; /* the whole exit-reason field */
	union {
		struct {
			u16 port;
			u8 size; /* bytes: 1, 2, 4 */
			bool in, string;
		} io;
		struct {
			gpa_t gpa;
			gva_t gva;
			bool gva_valid; /* gva is the access's own, not a page walk's */
			bool write, fetch;
		} ept;
		struct {
			u8 number; /* 0, 4, 8 */
			u8 gpr;    /* CR8_READ: where to */
			u64 value;
		} cr;
		struct {
			u8 vector;
			bool debugger; /* it may be the debugger's */
			u64 dr6;       /* #DB: as it would be in DR6 */
		} debug;
		struct {
			u16 offset; /* APIC_ACCESS, APIC_WRITE: in the page */
			bool write; /* APIC_ACCESS: the instruction writes to it */
			u8 vector;  /* EOI */
		} apic;
		u8 sipi_vector;
		u64 qualification; /* ENTRY_FAILED, UNKNOWN */
	};
};

/* --- boot and shutdown (cpu.c, setup.c) --- */

extern const struct param_table vmx_params;      /* those of the module kvm_intel (params.c) */
extern const struct param_table mitigate_params; /* mitigations=, vmentry_l1d_flush= */

/* Check this CPU for VMX and its BIOS lock, and compute its configuration.  NULL, or
 * why it cannot be used, with what to do about it in *@remedy. */
const char *vmx_probe(const char **remedy) __must_check;

/* Enter VMX operation on this CPU.  0; -ENOMEM; -EIO: VMXON failed. */
int vmx_cpu_enable(void) __must_check;

/* Halt this CPU for good in VMX operation, where INIT has no effect: so the control guest
 * cannot start it natively.  For CPUs that are not used. */
__noreturn void vmx_park(void);

/* Leave VMX operation on this CPU, all its VMCSs cleared.  Harmless when not in it. */
void vmx_cpu_disable(void);

/* The same for panic_hooks.leave. */
struct panic_cpu;
void vmx_leave_for_panic(struct panic_cpu *c);

/* The names of the optional VMX features that are in use, space-separated. */
const char *vmx_features(void);

/* What is done against the CPUs' defects, and which MSRs for that there are. */
const struct cpu_bugs *vmx_cpu_bugs(void);
/* The same as a line for people. */
const char *vmx_mitigations(void);

/* Does the CPU set dirty flags in EPT entries?  And does it then note each page whose flag it
 * sets (SDM vol. 3, Page-Modification Logging)?  The latter only with the former. */
bool vmx_has_ept_flags(void);
bool vmx_has_log(void);

/* --- a virtual CPU's life --- */

/* Make @v ready to run at the state after INIT: VMCS, bitmaps, XSAVE area.  Zeroed
 * before.  @control: for the control guest.  @eptp: its EPT pointer.  0 or -ENOMEM. */
int vmx_vcpu_init(struct vmx_vcpu *v, bool control, u64 eptp, u16 vpid) __must_check;

/* Give all back.  Its VMCS must be active nowhere or here. */
void vmx_vcpu_free(struct vmx_vcpu *v);

/* vmx_load()'s slow part. */
void vmx_make_current(struct vmx_vcpu *v);

/* Make @v's VMCS current on this CPU, taking it from another CPU if it is active
 * there.  Must not be called with a spinlock held that the other CPU may want. */
static inline void vmx_load(struct vmx_vcpu *v)
{
	if (this_cpu()->current_vmcs.v != v->vmcs.v)
		vmx_make_current(v);
}

/* After VMX_KICKED: take the kick and serve what other CPUs want of this one's VMX. */
void vmx_take_kick(void);

/* Forget the translations of @v's linear addresses that this CPU has cached: paging was
 * changed by other means than the guest's own instructions.  Loaded. */
void vmx_flush_tlb(const struct vmx_vcpu *v);

/* Clear all VMCSs of guests that are active on this CPU, before it stops
 * listening to kicks (INIT). */
void vmx_unload_all(void);

/* Make @v active nowhere: on whichever CPU it is. */
void vmx_unload(struct vmx_vcpu *v);

/* --- running (exit.c); loaded --- */

/* Enter @v once and say why it exited.  What needs nobody above is done here, with
 * VMX_RESUME. */
enum vmx_exit_kind vmx_run(struct vmx_vcpu *v, struct vmx_exit *exit);

/* The guest-physical addresses of pages that were written to, up to VMX_LOG_MAX of them, which
 * the CPU has noted since the last call: how many, and the first in *@pages.  They stay there
 * until @v is entered.  Only with vmx_has_log(). */
u32 vmx_take_log(struct vmx_vcpu *v, const u64 **pages);
#define VMX_LOG_MAX 512u

/* Swap what no VMCS field does (XSAVE state, MSRs, CR2, DRs) from @from to @to. */
void vmx_switch(struct vmx_vcpu *from, struct vmx_vcpu *to);

/* vmx_end_run() where the exit is timed. */
void vmx_watch_end(struct vmx_vcpu *v) __attribute__((noinline));

/* A run of @v has ended: what it was to do for the last exit is done. */
static inline void vmx_end_run(struct vmx_vcpu *v)
{
	if (__builtin_expect(v->watch.since != 0, 0))
		vmx_watch_end(v);
}

/* Step over the instruction that exited. */
void vmx_skip_instruction(void);

/* RIP to @rip after an emulated instruction, with the blocking by STI and MOV SS gone. */
void vmx_finish_instruction(u64 rip);

/* Make the preemption timer exit at @deadline (TSC) at the latest; ~0: do not care. */
void vmx_set_timer(u64 now, u64 deadline);
/* It exits after @ticks in the guest in any case, of each vCPU made afterwards.  During boot. */
void vmx_limit_timer(u64 ticks);

/* --- events (inject.c); loaded --- */

/* Queue an exception, with @error if its vector has an error code; combined with one that is
 * already queued into #DF or a triple fault, as SDM vol. 3, Interrupt 8, has it.  False: it is a
 * triple fault. */
bool vmx_queue_exception(struct vmx_vcpu *v, u8 vector, u32 error);

/* After VMX_ASIDE: what was to be delivered, and has an exception before it now.  True: the
 * interrupt *@vector, which was accepted already; false: an NMI.  The caller queues it again when
 * it can be delivered. */
bool vmx_take_aside(struct vmx_vcpu *v, u8 *vector);

/* Can an interrupt / an NMI be delivered at the next entry? */
bool vmx_can_interrupt(const struct vmx_vcpu *v);
bool vmx_can_nmi(const struct vmx_vcpu *v);
void vmx_queue_interrupt(struct vmx_vcpu *v, u8 vector);
void vmx_queue_nmi(struct vmx_vcpu *v);

/* Exit as soon as one can be delivered (or not). */
void vmx_change_interrupt_window(struct vmx_vcpu *v, bool want);
static inline void vmx_want_interrupt_window(struct vmx_vcpu *v, bool want)
{
	if (__builtin_expect(v->interrupt_window != want, 0))
		vmx_change_interrupt_window(v, want);
}
void vmx_want_nmi_window(struct vmx_vcpu *v, bool want);

/* --- a guest that has nothing to do (idle.c); loaded --- */

/* Can @v be entered in the HLT activity state, and would interrupts of the control guest's, NMIs
 * and the preemption timer end that? */
bool vmx_can_halt(const struct vmx_vcpu *v);
/* Enter the guest in the HLT state, or active as it was. */
void vmx_set_halted(bool halted);

/* The exits of KVM_X86_DISABLE_EXITS_HLT, _PAUSE and _CSTATE that are in @exits do not happen.
 * @v is new. */
void vmx_disable_exits(struct vmx_vcpu *v, u64 exits);

/* PAUSE-loop exiting's window: longer, after an exit; shorter, since others have had the CPU. */
void vmx_grow_pause_window(struct vmx_vcpu *v);
void vmx_shorten_pause_window(struct vmx_vcpu *v);
static inline void vmx_shrink_pause_window(struct vmx_vcpu *v)
{
	if (v->pause_window)
		vmx_shorten_pause_window(v);
}

/* --- events of KVM_GET_VCPU_EVENTS (events.c); loaded --- */

/* #BP and #OF: RIP is that of the instruction which causes them, and they return behind it. */
static inline bool vmx_is_soft_exception(u32 vector)
{
	return vector == VECTOR_BP || vector == VECTOR_OF;
}

/* The parts of @e that are the virtual CPU's: what is injected, shadow, NMIs masked.  @e is
 * zeroed before a get; of a set the caller has checked it. */
void vmx_get_events(const struct vmx_vcpu *v, struct kvm_vcpu_events *e);
void vmx_set_events(struct vmx_vcpu *v, const struct kvm_vcpu_events *e);
/* The external interrupt whose delivery was broken off, set aside or not; or -1. */
int vmx_injected_interrupt(const struct vmx_vcpu *v);
/* KVM_X86_SHADOW_INT_*. */
u8 vmx_shadow(void);
void vmx_set_shadow(u8 shadow);
bool vmx_nmi_masked(void);
/* The guest's interruptibility state and *@activity state, as the VMCS has them. */
u32 vmx_blocking(u32 *activity);
/* The whole exit-reason field, and the exit qualification. */
u32 vmx_last_exit(u64 *qualification);
/* Is a single-step trap pending, the guest's own or user space's? */
bool vmx_step_pending(void);
/* If the guest's own single-step trap is pending: that and other traps with it, in the
 * format of the pending debug exceptions, which are none any more; else 0. */
u64 vmx_take_pending_step(const struct vmx_vcpu *v);

/* --- debugging (debug.c); loaded --- */

/* KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS.  @v does not run.  0, or -EINVAL: a flag, or upper
 * halves that are not 0. */
void vmx_get_debugregs(const struct vmx_vcpu *v, struct kvm_debugregs *d);
int vmx_set_debugregs(struct vmx_vcpu *v, const struct kvm_debugregs *d) __must_check;
/* KVM_SET_GUEST_DEBUG but for what it injects and KVM_GUESTDBG_BLOCKIRQ. */
void vmx_set_guest_debug(struct vmx_vcpu *v, const struct kvm_guest_debug *d);
/*
 * kvm0's own debugger: what happens from now on, VMX_DEBUGGER_*, and with VMX_DEBUGGER_HW DR0 to
 * DR3 and DR7 that are in effect, whatever the guest and user space have.  A guest's @v is not
 * running; the control guest's is, on this CPU.
 */
#define VMX_DEBUGGER_BP   1u /* INT3 exits */
#define VMX_DEBUGGER_HW   2u /* its breakpoints are in the CPU */
#define VMX_DEBUGGER_STEP 4u /* a step is its own, by RFLAGS.TF, which is hidden */
void vmx_set_debugger(struct vmx_vcpu *v, u8 what, const u64 dr[4], u64 dr7);
/* VMX_DEBUG was neither's: the guest gets it.  False: it is a triple fault. */
bool vmx_return_debug(struct vmx_vcpu *v, const struct vmx_exit *exit) __must_check;
/* ... was user space's? */
bool vmx_is_user_debug(const struct vmx_vcpu *v, const struct vmx_exit *exit);
/* DR6 and DR7 as the delivery of a #DB with these pending debug exceptions leaves them. */
void vmx_take_debug_payload(struct vmx_vcpu *v, u64 payload);
/* DR7 that is in effect. */
u64 vmx_debug_dr7(void);

/* --- state (state.c); loaded --- */

u64 vmx_rip(void);
u64 vmx_linear_rip(void);
u64 vmx_rflags(void);
u64 vmx_cr0(void);
u64 vmx_cr3(void);
u64 vmx_cr4(void);
u64 vmx_efer(void);
u64 vmx_ept_pointer(void);
u64 vmx_rsp(void);
void vmx_set_rip(u64 v);
void vmx_set_rsp(u64 v);
void vmx_set_rflags(u64 v);
u32 vmx_cpl(void);
bool vmx_cs_is_long(void);

/* General register @gpr, RSP included. */
u64 vmx_read_gpr(const struct vmx_vcpu *v, u32 gpr);
void vmx_write_gpr(struct vmx_vcpu *v, u32 gpr, u64 value);
void vmx_get_regs(const struct vmx_vcpu *v, struct kvm_regs *r);
void vmx_set_regs(struct vmx_vcpu *v, const struct kvm_regs *r);
void vmx_get_segment(enum vmx_segment n, struct kvm_segment *s);
/* The same as the VMCS has it: @rights in its format, @limit in bytes. */
void vmx_get_segment_raw(enum vmx_segment n, u64 *base, u32 *limit, u32 *rights);
u64 vmx_segment_base(enum vmx_segment n);
u32 vmx_cs_rights(void);
void vmx_set_segment(enum vmx_segment n, const struct kvm_segment *s);
void vmx_get_tables(struct kvm_dtable *gdt, struct kvm_dtable *idt);
void vmx_set_tables(const struct kvm_dtable *gdt, const struct kvm_dtable *idt);
void vmx_set_cr0(struct vmx_vcpu *v, u64 value);
void vmx_set_cr3(u64 value);
void vmx_set_cr4(struct vmx_vcpu *v, u64 value);
void vmx_set_efer(u64 value);
/* @pdpte: the four entries of PAE paging that CR3 points to. */
void vmx_set_pdptes(const u64 pdpte[4]);
void vmx_get_pdptes(u64 pdpte[4]);

/* The guest's FPU state; @v not running (xstate.c). */
void vmx_get_fpu(const struct vmx_vcpu *v, struct kvm_fpu *f);
void vmx_set_fpu(struct vmx_vcpu *v, const struct kvm_fpu *f);
/* ... and MXCSR, which KVM's structure has no say in; reserved bits are cleared. */
u32 vmx_mxcsr(const struct vmx_vcpu *v);
void vmx_set_mxcsr(struct vmx_vcpu *v, u32 value);
/* A page: struct kvm_xsave. */
const void *vmx_xsave_area(const struct vmx_vcpu *v);
/* @page, of page_alloc(), is the new struct kvm_xsave and @v's from now on.  0; -EINVAL, and
 * the page is still the caller's: a component that kvm0 does not know, the compacted format,
 * or a reserved bit of the header or of MXCSR. */
int vmx_set_xsave(struct vmx_vcpu *v, void *page) __must_check;

/* MSRs that the VMCS or the CPU itself holds for the guest.  0, or -ENOENT: not one
 * of these; -EINVAL: not a value that it can have.  @host: it is not the guest that sets it. */
int vmx_get_msr(const struct vmx_vcpu *v, u32 index, u64 *value) __must_check;
int vmx_set_msr(struct vmx_vcpu *v, u32 index, u64 value, bool host) __must_check;

/*
 * Let accesses to MSRs exit that are native otherwise, where @allowed says false for @filter, the
 * MSR, and a read or with @write a write.  @v is in no guest's code.
 */
void vmx_filter_msrs(struct vmx_vcpu *v, bool (*allowed)(const void *filter, u32 index, bool write),
		     const void *filter);

/* IA32_PRED_CMD and IA32_FLUSH_CMD, as the guest writes them.  0, or -EINVAL: there is none, or a
 * reserved bit. */
int vmx_command(u32 index, u64 value) __must_check;

/* Is there an IA32_TSC_AUX, which RDTSCP reads? */
bool vmx_has_tsc_aux(void);

/* MOV to CR0 or CR4 as the guest does it.  0; 1: done, and the PDPTEs have to be loaded
 * from CR3; -EINVAL: the guest gets #GP. */
int vmx_write_cr(struct vmx_vcpu *v, u32 number, u64 value) __must_check;

/* Can XCR0 of @v be @value? */
bool vmx_xcr0_valid(const struct vmx_vcpu *v, u64 value);

/* Which of CR4's and XCR0's bits the guest may set from now on. */
void vmx_allow(struct vmx_vcpu *v, u64 cr4, u64 xcr0);

/* Guest TSC = TSC * ratio / 2^48 + offset.  The ratio is 2^48, and can be set where there is TSC
 * scaling. */
void vmx_set_tsc_offset(u64 offset);
bool vmx_has_tsc_scaling(void);
void vmx_set_tsc_ratio(u64 ratio);

/* --- the local APIC (apic.c); loaded --- */

/* Use @page as virtual-APIC page, so that CR8 needs no exit while nothing waits
 * behind it.  No effect where the CPU has no TPR shadow: then CR8 exits. */
void vmx_use_tpr_shadow(struct vmx_vcpu *v, hpa_t page);
/* Exit when CR8 falls below @threshold (0: never). */
void vmx_set_tpr_threshold(struct vmx_vcpu *v, u32 threshold);

/* How much of it the CPU does beside CR8: nothing, or what it can of one that is in xAPIC or in
 * x2APIC mode. */
enum vmx_apic_mode { VMX_APIC_MODEL, VMX_APIC_XAPIC, VMX_APIC_X2APIC };

/* In these two modes: does it deliver interrupts, and end them (enable_apicv)?  Then IRR and ISR
 * of the page change while the guest runs, and registers are read and written there. */
bool vmx_has_apicv(void);
/* In xAPIC mode: does it know accesses by the page that is mapped there? */
bool vmx_has_apic_accesses(void);

/* After vmx_use_tpr_shadow(), and in xAPIC mode vmx_set_apic_access_page(). */
void vmx_set_apic_mode(struct vmx_vcpu *v, enum vmx_apic_mode mode);
/* An access to @page, by way of EPT, is one to the local APIC.  Nothing is ever in it. */
void vmx_set_apic_access_page(hpa_t page);

/* An emulator's defect, of Bochs 2.7: when an interrupt of the control guest's comes while the
 * guest has interrupts off, a virtual interrupt that is pending is delivered to the guest instead.
 * None is pending while an exit at the interrupt window is wanted. */
bool vmx_delivers_hastily(void) __must_check;
/* With vmx_has_apicv(): the highest vectors of ISR and of IRR, 0 for none. */
void vmx_set_interrupt_status(u8 in_service, u8 requested);
/* The same as the CPU has them: @in_service << 8 | @requested. */
u16 vmx_interrupt_status(void) __must_check;
/* @vector has come to IRR. */
void vmx_request_interrupt(u8 vector);
/* The ends of interrupts that exit: bit n of the nth word stands for vector 32 * n ... */
void vmx_set_eoi_exits(const u32 vectors[8]);

/* --- the control guest only (setup.c); loaded --- */

/* Exits for accesses to @port. */
void vmx_trap_port(u16 port);
/* Let the preemption timer run, which for the control guest it does not: VMX_TIMER when it has run
 * for what vmx_set_timer() says, the time of kvm0 and of guests not counted, where the CPU can stop
 * it meanwhile; else it begins anew at each entry. */
void vmx_use_timer(void);
void vmx_set_wait_for_sipi(struct vmx_vcpu *v);
/* The state after SIPI @vector, running. */
void vmx_start_at_sipi(struct vmx_vcpu *v, u8 vector);
/* Is it in that state still, with no instruction done? */
bool vmx_at_sipi_start(void);
/* The state after INIT (SDM vol. 3, Processor State After Reset), running. */
void vmx_reset_state(struct vmx_vcpu *v);

/* Call @show for each field of the current VMCS that this CPU has, in the order of encodings:
 * its SDM name, its value, and with how many hexadecimal digits to write that (fields.c). */
typedef void vmx_show_field(void *ctx, u32 field, const char *name, u64 value, u32 digits);
void vmx_show_fields(vmx_show_field *show, void *ctx);

/* XCR0 bits that kvm0 can save; 0 if the CPU has no XSAVE. */
u64 vmx_host_xcr0(void);

/* All of the VMX state of the current VMCS against the SDM's entry checks; the name
 * of the first rule that fails is logged.  True if all hold. */
bool vmx_check_vmcs(void);
