/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's local APIC with its timer: xAPIC and x2APIC, as KVM's in-kernel one.
 * A pure model.  Everything belongs to the vCPU itself (or to whoever holds it
 * stopped) and is called for it by hv/kvm/vcpu.c, with these exceptions that other CPUs
 * write too, atomically, in lapic_accept_message(): TMR bits, pir with posted, nmi_pending,
 * kicked, and events with sipi_vector.
 * Source: SDM vol. 3, chapter Advanced Programmable Interrupt Controller.
 */
#pragma once

#include "kvm/irqchip/apic_bus.h"
#include "kvm/irqchip/clock.h"
#include "lib/types.h"

/* Registers, as offsets in the page; x2APIC MSR 0x800 + offset / 16. */
enum lapic_reg {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_TPR = 0x80,
	LAPIC_APR = 0x90,
	LAPIC_PPR = 0xa0,
	LAPIC_EOI = 0xb0,
	LAPIC_LDR = 0xd0,
	LAPIC_DFR = 0xe0,
	LAPIC_SVR = 0xf0,
	LAPIC_ISR = 0x100, /* eight registers each */
	LAPIC_TMR = 0x180,
	LAPIC_IRR = 0x200,
	LAPIC_ESR = 0x280,
	LAPIC_ICR = 0x300,
	LAPIC_ICR2 = 0x310,
	LAPIC_LVT_CMCI = 0x2f0,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_THERMAL = 0x330,
	LAPIC_LVT_PERF = 0x340,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TMICT = 0x380,
	LAPIC_TMCCT = 0x390,
	LAPIC_TDCR = 0x3e0,
	LAPIC_SELF_IPI = 0x3f0,
};

#define LAPIC_X2APIC_MSR      0x800u /* to 0x8ff */
#define LAPIC_DEFAULT_BASE    0xfee00000ull
#define LAPIC_BASE_BSP        BIT(8) /* IA32_APIC_BASE */
#define LAPIC_BASE_X2APIC     BIT(10)
#define LAPIC_BASE_ENABLE     BIT(11)
#define LAPIC_SVR_ENABLE      0x100u
#define LAPIC_SVR_NO_EOI      0x1000u /* no broadcast of EOIs, to I/O APICs with a register for them */
#define LAPIC_LVT_MASKED      0x10000u
#define LAPIC_TIMER_ONESHOT   0x00000u /* LVT timer, bits 18:17 */
#define LAPIC_TIMER_PERIODIC  0x20000u
#define LAPIC_TIMER_DEADLINE  0x40000u
#define LAPIC_TIMER_MODE_MASK 0x60000u

/* Bits of lapic.events.  INIT wipes out an earlier SIPI. */
#define LAPIC_EVENT_INIT 1u
#define LAPIC_EVENT_SIPI 2u

#define LAPIC_VECTOR_WORDS 8u
/* Bits of lapic.posted: what a CPU that delivers interrupts has still to be told. */
#define LAPIC_TELL_POSTED 0xffu   /* a vector has come */
#define LAPIC_TELL_ALL    BIT(30) /* IRR and ISR have changed */
#define LAPIC_TELL_EOI    BIT(31) /* and so has bus->eoi_vectors */

struct lapic {
	u32 *regs; /* a page of the owner's, laid out as kvm_lapic_state.regs */
	struct apic_bus *bus;
	const struct irq_clock *clock;
	u32 index; /* in bus->lapic[], and the bit in bus->wake */
	u32 id;    /* vCPU id: the APIC id at reset, and for good in x2APIC mode */
	u64 base;  /* IA32_APIC_BASE */
	/* Bits of IA32_APIC_BASE that the guest may not set; the owner sets it from
	 * CPUID: see lapic_base_reserved(). */
	u64 base_reserved;
	struct irq_guest_tsc tsc;
	bool tsc_deadline; /* CPUID offers the TSC-deadline mode; the owner's to set */
	bool cmci;         /* see lapic_set_cmci() */
	bool directed_eoi; /* the guest may turn the broadcast of EOIs off; see lapic_set_version()
			    */
	bool by_cpu;       /* the CPU delivers and ends interrupts: lapic_set_by_cpu() */
	s16 highest_irr;   /* highest vector in IRR, without those posted; -1: none */
	s16 highest_isr;   /* highest vector in service, -1: none; these two not with by_cpu */
	u32 arb_prio;      /* lowest-priority messages taken */

	/* Vectors that were requested, until the owner takes them into IRR. */
	u32 pir[LAPIC_VECTOR_WORDS];
	u32 posted;       /* bit n: there are some in pir[n]; set after that; and LAPIC_TELL_* */
	u32 timer_lvt;    /* LVT timer and divide configuration as they were last written by ... */
	u32 timer_divide; /* ... the model: with by_cpu the registers have changed already */

	u64 deadline;     /* host TSC of the timer's next expiry; IRQ_NEVER: off */
	u64 period;       /* TSC ticks from the initial to the current count's end */
	u64 deadline_msr; /* IA32_TSC_DEADLINE: guest TSC, 0: not armed */

	s16 user_vector; /* ExtINT of user space's PIC (KVM_INTERRUPT), -1: none; the owner's */

	u32 nmi_pending; /* NMIs that came; the owner takes them by an exchange */
	u32 events;      /* LAPIC_EVENT_*; the owner takes them by fetch-and */
	u32 sipi_vector; /* written before LAPIC_EVENT_SIPI is set (release) */
	u32 kicked;      /* a halted vCPU goes on, whatever it waits for; the owner clears it */
};

/* Register @reg as it is stored, without side effects. */
static inline u32 lapic_reg(const struct lapic *l, u32 reg)
{
	return READ_ONCE(l->regs[reg / 4]);
}
static inline void lapic_set_reg(struct lapic *l, u32 reg, u32 val)
{
	WRITE_ONCE(l->regs[reg / 4], val);
}
static inline bool lapic_hw_enabled(const struct lapic *l)
{
	return READ_ONCE(l->base) & LAPIC_BASE_ENABLE;
}
static inline bool lapic_x2apic(const struct lapic *l)
{
	return READ_ONCE(l->base) & LAPIC_BASE_X2APIC;
}
static inline bool lapic_sw_enabled(const struct lapic *l)
{
	return lapic_reg(l, LAPIC_SVR) & LAPIC_SVR_ENABLE;
}

/* The bits of IA32_APIC_BASE reserved on a CPU of @maxphyaddr address bits (32 to
 * 52) that has x2APIC or not. */
u64 lapic_base_reserved(u32 maxphyaddr, bool x2apic);

/*
 * Power-on.  @regs: a zeroed page, aligned to 4 KiB, that stays the model's (it can
 * serve as the VMCS's virtual-APIC page); @index: slot on @bus, below APIC_BUS_MAX,
 * which is filled by this: @l and @regs must live as long as anything may send; @id: vCPU id.
 * x2APIC and TSC-deadline are off until the owner sets base_reserved and tsc_deadline.
 */
void lapic_init(struct lapic *l, u32 *regs, struct apic_bus *bus, const struct irq_clock *clock,
		u32 index, u32 id, bool bsp);

/* Is there an LVT entry for corrected machine checks?  Not before this is called. */
void lapic_set_cmci(struct lapic *l, bool on);

/* Reset: @init is an INIT, which keeps IA32_APIC_BASE and the APIC id. */
void lapic_reset(struct lapic *l, bool bsp, bool init);

/* @directed_eoi has changed: the version register says so. */
void lapic_set_version(struct lapic *l);

/* Recompute what is derived from the registers, and forget what was posted; to be called after
 * regs was filled from outside. */
void lapic_sync(struct lapic *l);

/*
 * From now on the CPU delivers and ends interrupts while the guest runs, and reads and writes
 * registers in the page; or no longer.  Then the owner calls lapic_tell() before each entry,
 * lapic_written() and lapic_ended().
 */
void lapic_set_by_cpu(struct lapic *l, bool by_cpu);
/* All that was posted is in IRR then; LAPIC_TELL_*, and in *@vector the highest posted one. */
u32 lapic_tell(struct lapic *l, u8 *vector);
/* The highest vector in service, or -1. */
int lapic_highest_isr(const struct lapic *l);
/* The guest has written to the register at @offset of the page, by the CPU. */
void lapic_written(struct lapic *l, u32 offset, u64 now);
/* The CPU has ended @vector; the I/O APIC hears of it. */
void lapic_ended(struct lapic *l, u8 vector, u64 now);

/* The id register as it is by nature, and what x2APIC mode derives from it. */
void lapic_set_id(struct lapic *l);

/* KVM_GET_LAPIC and KVM_SET_LAPIC (lapic_state.c).  Any page is taken, reserved bits as they
 * are; lapic_set_state() changes *@s, the other only writes it.  0, or -EINVAL: another id, in
 * x2APIC mode with KVM_X2APIC_API_USE_32BIT_IDS. */
void lapic_get_state(struct lapic *l, struct kvm_lapic_state *s, u64 now);
int lapic_set_state(struct lapic *l, struct kvm_lapic_state *s, u64 now) __must_check;

/*
 * An access to the page, @offset 0 to 4095, of @size bytes (1, 2, 4 or 8).  As KVM:
 * reads of 1, 2 and 4 bytes inside a register work, writes only of 4 aligned bytes;
 * any other read gives 0 and any other write is ignored.  While the APIC is disabled
 * or in x2APIC mode reads give all ones and writes are ignored.
 */
u64 lapic_mmio_read(struct lapic *l, u32 offset, u32 size, u64 now);
void lapic_mmio_write(struct lapic *l, u32 offset, u32 size, u64 val, u64 now);

/* x2APIC MSRs 0x800 to 0x8ff.  0, or -EINVAL (the guest gets #GP): not in x2APIC
 * mode, no such register, not readable or writable, a reserved bit. */
int lapic_msr_read(struct lapic *l, u32 msr, u64 *val, u64 now) __must_check;
int lapic_msr_write(struct lapic *l, u32 msr, u64 val, u64 now) __must_check;

/* IA32_APIC_BASE.  0, or -EINVAL: a reserved bit, x2APIC without enable, or (unless
 * @host, the control guest, sets it) a transition that SDM vol. 3, x2APIC State
 * Transitions, does not have. */
int lapic_set_base(struct lapic *l, u64 val, bool host) __must_check;

/* CR8: bits 7:4 of the TPR. */
static inline u8 lapic_cr8(const struct lapic *l)
{
	return (u8)(lapic_reg(l, LAPIC_TPR) >> 4 & 0xf);
}
static inline void lapic_set_cr8(struct lapic *l, u8 cr8)
{
	lapic_set_reg(l, LAPIC_TPR, (cr8 & 0xfu) << 4);
}

/* The PPR, brought up to date. */
u8 lapic_ppr(struct lapic *l);

/* The vector in IRR that the PPR lets through to the processor, or -1. */
int lapic_highest_pending(struct lapic *l);

/* The vector in IRR regardless of TPR and ISR (for the TPR threshold), or -1. */
int lapic_highest_irr(struct lapic *l);

/* Is any vector below @vector in IRR?  Without those posted. */
bool lapic_has_irr_below(const struct lapic *l, u8 vector);

/* Is @vector in IRR or in ISR?  Any CPU. */
bool lapic_vector_busy(const struct lapic *l, u8 vector);

/* Move the highest pending vector from IRR to ISR and return it; -1 if there is none. */
int lapic_accept(struct lapic *l);

/* End of interrupt: the highest vector in service ends; the I/O APIC hears of it. */
void lapic_eoi(struct lapic *l, u64 now);

/* Is an interrupt in service the end of which nobody waits for: neither another one, nor the I/O
 * APIC? */
bool lapic_eoi_can_wait(struct lapic *l);

/* Take a message that was found to be for this APIC.  True if it was accepted.  Any
 * CPU; marks the vCPU in bus->wake. */
bool lapic_accept_message(struct lapic *l, const struct apic_message *m);

/*
 * The commonest IPI, that @l sends by writing @icr to its x2APIC's ICR: fixed, to one local APIC by
 * its id, where all that are enabled are in x2APIC mode, so that no other can have that id. Returns
 * the one to which it was delivered, whose vCPU the caller wakes and for which nothing is marked in
 * bus->wake; then lapic_sent_quickly() does the rest.  NULL: it is another case, and nothing was
 * done.
 */
struct lapic *lapic_send_quickly(struct lapic *l, u64 icr);

/* After that: the ICR reads @icr from now on. */
void lapic_sent_quickly(struct lapic *l, u64 icr);

/* Signal the local source whose LVT register is @lvt.  True if it was accepted. */
bool lapic_local_interrupt(struct lapic *l, u32 lvt);

/* Would an ExtINT from the PIC get through to this vCPU: LINT0 unmasked and ExtINT,
 * or the APIC disabled by IA32_APIC_BASE. */
bool lapic_accepts_extint(const struct lapic *l);

/* Is LINT0 unmasked and NMI: the virtual wire of an NMI watchdog. */
bool lapic_lint0_is_nmi(const struct lapic *l);

/* --- timer: lapic_timer.c --- */

/* When lapic_timer_expire() has to be called, as host TSC; IRQ_NEVER: not. */
static inline u64 lapic_next_deadline(const struct lapic *l)
{
	return l->deadline;
}

/* If the deadline is reached: interrupt and, if periodic, set the next.  Returns
 * whether it was reached.  By the owner, who looks at what is pending after that: the vCPU is not
 * marked in bus->wake. */
bool lapic_timer_expire(struct lapic *l, u64 now);

/* IA32_TSC_DEADLINE, in guest TSC.  Reads 0 and ignores writes outside that mode. */
u64 lapic_tsc_deadline(const struct lapic *l);
void lapic_set_tsc_deadline(struct lapic *l, u64 val, u64 now);

/* The guest's TSC is @tsc from now on: an armed TSC deadline moves along. */
void lapic_set_tsc(struct lapic *l, const struct irq_guest_tsc *tsc, u64 now);

/* Mask all entries of the LVT. */
void lapic_mask_lvt(struct lapic *l);

/* For lapic.c and lapic_regs.c: the timer's registers are written, or read. */
void lapic_timer_write_lvt(struct lapic *l, u32 val);
void lapic_timer_write_count(struct lapic *l, u32 val, u64 now);
void lapic_timer_write_divide(struct lapic *l, u32 val, u64 now);
u32 lapic_timer_current(const struct lapic *l, u64 now);
void lapic_timer_stop(struct lapic *l);

/* All registers were set anew: go on from the current count.  @old_lvt: the LVT entry before. */
void lapic_timer_restore(struct lapic *l, u32 old_lvt, u64 now);
