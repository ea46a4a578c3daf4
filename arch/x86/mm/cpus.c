/* SPDX-License-Identifier: MIT */
/* Bringing up the CPUs; see mm/cpus.h. */
#include <linux/errno.h>

#include "core/log.h"
#include "core/memmap.h"
#include "core/page.h"
#include "core/panic.h"
#include "cpu/apic.h"
#include "cpu/regs.h"
#include "cpu/smp.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "mm/cpus.h"
#include "mm/paging.h"

extern u8 boot_stack_top[];                              /* boot/entry.asm */
__noreturn void stack_switch(u64 top, void (*fn)(void)); /* cpu/trap_entry.asm */

static struct percpu boot_cpu;
static u8 early_ist[STACK_SIZE] __attribute__((aligned(16)));
static u32 cpus_max = MAX_CPUS;
static void (*cpus_main)(struct percpu *);

static const struct param params[] = {
	{.name = "maxcpus", .type = PARAM_UINT, .value = &cpus_max, .min = 1, .max = MAX_CPUS},
};
const struct param_table cpus_params = {params, ARRAY_SIZE(params)};

void cpus_init_boot(void)
{
	boot_cpu.stack_top = (u64)(uintptr_t)boot_stack_top;
	for (u32 i = 0; i < ARRAY_SIZE(boot_cpu.ist_top); i++)
		boot_cpu.ist_top[i] = (u64)(uintptr_t)early_ist + STACK_SIZE;
	percpu_init(&boot_cpu, 0, apic_id());
	trap_init(panic_trap, panic_stop);
	percpu_load(&boot_cpu);
	boot_cpu.online = PERCPU_UP;
	percpu_by_index[0] = &boot_cpu;
	percpu_count = 1;
}

void cpus_init_stacks(void (*next)(void))
{
	if (paging_map_stacks(&boot_cpu, 0))
		refuse("the memory pool is too small", "give kvm0 more: pool=64M");
	percpu_init(&boot_cpu, 0, boot_cpu.apic_id);
	percpu_load(&boot_cpu);
	stack_switch(boot_cpu.stack_top, next);
}

/* The first C code of every other CPU. */
static void entry(struct percpu *p)
{
	percpu_load(p);
	paging_load();
	smp_arrived(p);
	(void)tsc_meet(1);
	cpus_main(p);
	halt_forever();
}

/* What could be allocated stays so: a pool that ends here is no normal case. */
static struct percpu *create(u32 index, u32 apic)
{
	struct percpu *p = object_alloc(sizeof(*p));

	if (!p || paging_map_stacks(p, index))
		return NULL;
	percpu_init(p, index, apic);
	return p;
}

static void announce(const struct percpu *p)
{
	log_info("cpu", "%u: APIC id %u, %s", p->index, p->apic_id, p->model);
}

/* What guests are promised of their clocks depends on it. */
static void compare_tsc(const struct percpu *p)
{
	u64 behind = tsc_meet(0);

	if (!behind || !cpus_wanted(p))
		return;
	tsc_is_one = false;
	log_warn("cpu", "%u: its TSC and the boot CPU's are %llu ticks apart: no stable kvmclock",
		 p->index, behind);
}

/* Whether it is up.  *@abandoned: it may yet come, see smp.h. */
static bool start(u32 apic, bool *abandoned)
{
	u32 index = percpu_count;
	struct percpu *p = create(index, apic);
	int err;

	if (!p) {
		log_error("cpu", "no memory for the CPU with APIC id %u, left out", apic);
		return false;
	}
	percpu_by_index[index] = p;
	err = smp_start(p, entry);
	if (err) {
		percpu_by_index[index] = NULL;
		*abandoned |= err == -ETIMEDOUT;
		log_error("cpu", "the CPU with APIC id %u did not start (%s), left out", apic,
			  err == -ENXIO ? "its id cannot be reached" : "no answer to SIPI");
		return false;
	}
	__atomic_store_n(&percpu_count, index + 1, __ATOMIC_RELEASE);
	compare_tsc(p);
	announce(p);
	return true;
}

static void start_all(const struct acpi_info *acpi, bool *abandoned)
{
	u32 skipped = acpi->cpus_left_out;

	for (u32 i = 0; i < acpi->cpu_count; i++) {
		const struct acpi_cpu *c = &acpi->cpu[i];

		if (!c->enabled || c->apic_id == boot_cpu.apic_id)
			continue;
		/* Those beyond maxcpus too: cpus_main parks them, out of the guest's reach. */
		if (percpu_count >= MAX_CPUS)
			skipped++;
		else
			(void)start(c->apic_id, abandoned);
	}
	if (skipped)
		log_warn("cpu",
			 "%u more CPUs are left out (kvm0 knows %u), and the control guest could "
			 "start them outside its reach",
			 skipped, MAX_CPUS);
}

bool cpus_wanted(const struct percpu *p)
{
	return p->index < cpus_max;
}

void cpus_start(const struct acpi_info *acpi, void (*main)(struct percpu *))
{
	hpa_t page = hpa(memmap_find(&memmap, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0xa0000, NULL, 0));
	bool abandoned = false;
	void *tables;

	announce(&boot_cpu);
	cpus_main = main;
	tables = page.v ? paging_trampoline_tables(page) : NULL;
	if (!tables) {
		log_error("cpu", "no page below 640 KiB is free: the other CPUs are left out");
		return;
	}
	smp_prepare(page, virt_to_phys(tables));
	start_all(acpi, &abandoned);
	smp_finish(abandoned);
	if (!abandoned)
		paging_trampoline_free(tables);
	else if (memmap_add(&memmap, page.v, PAGE_SIZE, MEM_KVM0))
		refuse("the memory map is full", "turn off the CPUs that do not start");
}
