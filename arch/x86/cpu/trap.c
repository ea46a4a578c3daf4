/* SPDX-License-Identifier: MIT */
/* Exceptions and NMIs in root mode; see cpu/trap.h. */
#include "cpu/gdt.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/trap.h"

/* SDM vol. 3, 64-Bit Mode IDT. */
struct gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};
_Static_assert(sizeof(struct gate) == 16, "gate");

#define GATE_INTERRUPT 0x8eu /* present, DPL 0, interrupt gate */
#define STUB_SIZE      16u

struct ex_entry {
	s32 fault, fixup; /* each relative to its own address */
};

extern const u8 trap_stubs[];                            /* cpu/trap_entry.asm */
extern const struct ex_entry ex_table[], ex_table_end[]; /* linker.ld */

/* A VM exit sets the IDT's limit to 64 KiB - 1, so that the entries behind those in
 * use matter: all 256 stand there and are not present. */
static struct gate trap_idt[256] __attribute__((aligned(4096)));
static trap_fatal_fn trap_fatal;
static trap_stop_fn trap_stop;
u32 trap_stop_all;

static struct {
	u64 start, end, abort;
} nmi_window;

static const char *const trap_names[TRAP_COUNT] = {
	[0] = "#DE divide error",
	[1] = "#DB debug",
	[2] = "NMI",
	[3] = "#BP breakpoint",
	[4] = "#OF overflow",
	[5] = "#BR bound range",
	[6] = "#UD invalid opcode",
	[7] = "#NM device not available",
	[8] = "#DF double fault",
	[10] = "#TS invalid TSS",
	[11] = "#NP segment not present",
	[12] = "#SS stack segment",
	[13] = "#GP general protection",
	[14] = "#PF page fault",
	[16] = "#MF x87 floating point",
	[17] = "#AC alignment check",
	[18] = "#MC machine check",
	[19] = "#XM SIMD floating point",
	[20] = "#VE virtualization exception",
	[21] = "#CP control protection",
};

void trap_init(trap_fatal_fn fatal, trap_stop_fn stop)
{
	trap_fatal = fatal;
	trap_stop = stop;
	for (u32 v = 0; v < TRAP_COUNT; v++) {
		u64 stub = (u64)(uintptr_t)trap_stubs + v * STUB_SIZE;

		trap_idt[v] = (struct gate){
			.offset_low = (u16)stub,
			.selector = GDT_CODE64,
			.type = GATE_INTERRUPT,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
		};
	}
	trap_idt[TRAP_NMI].ist = IST_NMI;
	trap_idt[TRAP_MC].ist = IST_MC;
	trap_idt[TRAP_DF].ist = IST_DF;
}

void trap_load(void)
{
	struct table_register r = {.limit = sizeof(trap_idt) - 1, .base = trap_idt_base()};

	__asm__ volatile("lidt %0" : : "m"(r));
}

u64 trap_idt_base(void)
{
	return (u64)(uintptr_t)trap_idt;
}

void nmi_set_restart_window(const void *start, const void *end, const void *abort)
{
	nmi_window.start = (u64)(uintptr_t)start;
	nmi_window.end = (u64)(uintptr_t)end;
	nmi_window.abort = (u64)(uintptr_t)abort;
}

void nmi_receive(const struct trap_frame *f)
{
	struct percpu *p = this_cpu();
	u32 stopper = __atomic_load_n(&trap_stop_all, __ATOMIC_ACQUIRE);

	if (stopper && stopper != p->index + 1)
		trap_stop(f);
	/* Not told by kick: that may have been seen, and cleared, before its NMI came. */
	if (__atomic_exchange_n(&p->kick_nmi, 0, __ATOMIC_SEQ_CST))
		return;
	__atomic_fetch_add(&p->nmi_pending, 1, __ATOMIC_RELAXED);
	/* A guest that is just being entered may not exit for a long time. */
	__atomic_store_n(&p->kick, 1, __ATOMIC_RELAXED);
}

static bool trap_fixup(struct trap_frame *f)
{
	for (const struct ex_entry *e = ex_table; e < ex_table_end; e++) {
		if ((u64)(uintptr_t)&e->fault + (u64)(s64)e->fault != f->rip)
			continue;
		f->rip = (u64)(uintptr_t)&e->fixup + (u64)(s64)e->fixup;
		return true;
	}
	return false;
}

void trap_handle(struct trap_frame *f)
{
	const char *name = f->vector < TRAP_COUNT ? trap_names[f->vector] : NULL;

	if (f->vector == TRAP_NMI) {
		nmi_receive(f);
		if (f->rip >= nmi_window.start && f->rip < nmi_window.end)
			f->rip = nmi_window.abort;
		return;
	}
	if (f->vector == TRAP_GP && trap_fixup(f))
		return;
	trap_fatal(f, name ? name : "reserved exception");
	halt_forever();
}
