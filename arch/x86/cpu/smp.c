/* SPDX-License-Identifier: MIT */
/* Starting the other CPUs; see cpu/smp.h. */
#include <linux/errno.h>

#include "cpu/apic.h"
#include "cpu/regs.h"
#include "cpu/smp.h"
#include "cpu/tsc.h"
#include "lib/string.h"

#define INIT_TO_SIPI_US 10000u
#define SIPI_TO_SIPI_US 200u
#define ARRIVAL_US      500000u /* after the second SIPI */
#define ARRIVAL_STEP_US 20u

/* The end of boot/trampoline.asm. */
struct trampoline_fields {
	u64 stack, percpu, entry;
	u64 gdt[3];
	u32 page_tables;
	u32 long_mode;
	u16 long_mode_selector;
	u16 gdt_limit;
	u32 gdt_base;
} __packed;

extern const u8 trampoline_start[], trampoline_end[], trampoline_fields[], trampoline_long_mode[];

static struct {
	hpa_t page;
	struct trampoline_fields *fields; /* in the page */
} smp;

void smp_prepare(hpa_t page, hpa_t tables)
{
	u8 *at = phys_to_virt(page);
	struct trampoline_fields *f = (void *)(at + (trampoline_fields - trampoline_start));

	smp.page = page;
	smp.fields = f;
	memcpy(at, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	f->page_tables = (u32)tables.v;
	f->long_mode = (u32)(page.v + (u64)(trampoline_long_mode - trampoline_start));
	f->gdt_base = (u32)(page.v + (u64)(trampoline_fields - trampoline_start) +
			    offsetof(struct trampoline_fields, gdt));
}

static bool has_arrived(struct percpu *p, u64 us)
{
	for (u64 waited = 0; waited <= us; waited += ARRIVAL_STEP_US) {
		/* Acquire: pairs with smp_arrived(). */
		if (__atomic_load_n(&p->online, __ATOMIC_ACQUIRE) == PERCPU_UP)
			return true;
		udelay(ARRIVAL_STEP_US);
	}
	return false;
}

/* Whether @p->online went from DOWN to @to: each CPU start is decided by one side. */
static bool decide(struct percpu *p, enum percpu_state to)
{
	u32 expected = PERCPU_DOWN;

	return __atomic_compare_exchange_n(&p->online, &expected, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

int smp_start(struct percpu *p, void (*entry)(struct percpu *))
{
	u8 page = (u8)(smp.page.v >> PAGE_SHIFT);
	int err;

	err = apic_send_init(p->apic_id);
	if (err)
		return err;
	/* Also the time for a CPU given up before this one to obey its INIT: the fields
	 * are not changed under its feet. */
	udelay(INIT_TO_SIPI_US);
	smp.fields->stack = p->stack_top;
	smp.fields->percpu = (u64)(uintptr_t)p;
	smp.fields->entry = (u64)(uintptr_t)entry;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before the other CPU reads them */
	err = apic_send_sipi(p->apic_id, page);
	if (!err && !has_arrived(p, SIPI_TO_SIPI_US))
		err = apic_send_sipi(p->apic_id, page);
	if (!err && has_arrived(p, ARRIVAL_US))
		return 0;
	if (!decide(p, PERCPU_ABANDONED))
		return 0; /* at the last moment */
	(void)apic_send_init(p->apic_id);
	return err ? err : -ETIMEDOUT;
}

void smp_arrived(struct percpu *p)
{
	if (!decide(p, PERCPU_UP))
		halt_forever();
}

void smp_finish(bool failed)
{
	static const u8 halt[] = {0xfa, 0xf4, 0xeb, 0xfc}; /* cli; hlt; jmp to the cli */
	u8 *at = phys_to_virt(smp.page);

	memset(at, 0, PAGE_SIZE);
	if (failed)
		memcpy(at, halt, sizeof(halt));
}
