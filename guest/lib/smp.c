/* SPDX-License-Identifier: MIT */
/* The other CPUs; see smp.h. */
#include <linux/errno.h>
#include "guest/lib/smp.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/acpi.h"
#include "guest/lib/apic.h"
#include "guest/lib/console.h"
#include "guest/lib/memory.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"
#include "guest/lib/trap.h"
#include "guest/lib/init.h"

#define STACK_SIZE    16384u
#define START_WAIT_US 100000u

/* The words at the end of ap_start in start.asm. */
struct ap_words {
	u32 cr3, entry;
	u64 stack, arg;
};

extern const u8 ap_start[], ap_start_end[], ap_start_words[];
extern u64 page_tables[];
void ap_main(struct cpu *cpu);

static struct cpu cpus[CPU_MAX];
static u32 cpu_count = 1;
static u64 (*work)(void);

static void on_wake(void)
{
	apic_eoi();
}

void smp_init_boot_cpu(void)
{
	trap_init_cpu(&cpus[0]);
}

void smp_init_apic(void)
{
	apic_init(true);
	cpus[0].apic_id = apic_id();
	cpus[0].online = 1;
	trap_set_handler(TRAP_VECTOR_WAKE, on_wake);
}

/* Where ap_start goes: this CPU's life. */
void ap_main(struct cpu *cpu)
{
	trap_init_cpu(cpu);
	apic_init(false);
	/* Paired with the acquire in start_one(). */
	__atomic_store_n(&cpu->online, 1, __ATOMIC_RELEASE);
	cpu_irq_on();
	for (;;) {
		/* Paired with the release in smp_call(). */
		void (*job)(void *) = __atomic_load_n(&cpu->job, __ATOMIC_ACQUIRE);
		if (!job) {
			u64 (*todo)(void) = READ_ONCE(work);
			u64 until = todo ? todo() : TIME_NEVER;
			if (until)
				idle_until(until);
			continue;
		}
		job(cpu->job_arg);
		/* Paired with the acquire in smp_idle(). */
		__atomic_store_n(&cpu->job, (void (*)(void *))NULL, __ATOMIC_RELEASE);
	}
}

static bool wait_online(struct cpu *cpu, u64 us)
{
	for (u64 start = rdtsc(); rdtsc() - start < time_us(us);) {
		if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
			return true;
		cpu_pause();
	}
	return false;
}

static bool start_one(struct cpu *cpu, u64 page)
{
	void *stack = memory_alloc(STACK_SIZE, PAGE_SIZE);
	struct ap_words *words = ptr(page + (u64)(ap_start_words - ap_start));

	if (!stack)
		return false;
	memcpy(ptr(page), ap_start, (size_t)(ap_start_end - ap_start));
	words->cr3 = (u32)addr(page_tables);
	words->entry = (u32)addr((const void *)ap_main);
	words->stack = addr(stack) + STACK_SIZE;
	words->arg = addr(cpu);
	/* Under kvm0 they wait for a SIPI from the start (kvm0/abi.h). */
	if (!kvm0_present()) {
		apic_send_init(cpu->apic_id);
		time_delay_us(10000);
	}
	apic_send_startup(cpu->apic_id, (u8)(page >> 12));
	if (wait_online(cpu, 1000))
		return true;
	apic_send_startup(cpu->apic_id, (u8)(page >> 12));
	return wait_online(cpu, START_WAIT_US);
}

u32 smp_start(void)
{
	const struct acpi_info *acpi = acpi_info();
	u64 page = memory_low_page();

	for (u32 i = 0; i < acpi->cpu_count && cpu_count < CPU_MAX; i++) {
		struct cpu *cpu = &cpus[cpu_count];
		if (acpi->apic_ids[i] == cpus[0].apic_id)
			continue;
		cpu->index = cpu_count;
		cpu->apic_id = acpi->apic_ids[i];
		if (page && start_one(cpu, page)) {
			cpu_count++;
		} else {
			console_printf("the CPU with APIC ID %u does not start%s\n", cpu->apic_id,
				       page ? "" : ": no free page below 640 KiB");
			/* It may still come, and would use this entry: leave it to it. */
			if (page)
				return cpu_count;
		}
	}
	return cpu_count;
}

u32 smp_count(void)
{
	return cpu_count;
}
struct cpu *smp_cpu(u32 index)
{
	return index < cpu_count ? &cpus[index] : NULL;
}

int smp_call(u32 index, void (*fn)(void *arg), void *arg)
{
	struct cpu *cpu = smp_cpu(index);

	if (!cpu || !index)
		return -EINVAL;
	if (!smp_idle(index))
		return -EBUSY;
	cpu->job_arg = arg;
	/* Paired with the acquire in ap_main(). */
	__atomic_store_n(&cpu->job, fn, __ATOMIC_RELEASE);
	smp_kick(index);
	return 0;
}

bool smp_idle(u32 index)
{
	struct cpu *cpu = smp_cpu(index);

	/* Paired with the release in ap_main(). */
	return !cpu || !__atomic_load_n(&cpu->job, __ATOMIC_ACQUIRE);
}

bool smp_wait(u32 index, u64 tsc_ticks)
{
	for (u64 start = rdtsc(); !smp_idle(index); cpu_pause())
		if (rdtsc() - start > tsc_ticks)
			return false;
	return true;
}

/* A CPU that has looked before is kicked. */
void smp_set_work(u64 (*fn)(void))
{
	work = fn;
	for (u32 i = 1; i < cpu_count; i++)
		smp_kick(i);
}

void smp_kick(u32 index)
{
	struct cpu *cpu = smp_cpu(index);

	if (cpu)
		apic_send(cpu->apic_id, TRAP_VECTOR_WAKE);
}
