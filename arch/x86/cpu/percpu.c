/* SPDX-License-Identifier: MIT */
/* Per-CPU data; see cpu/percpu.h. */
#include "cpu/apic.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/trap.h"
#include "lib/string.h"

struct percpu *percpu_by_index[MAX_CPUS];
u32 percpu_count;
u64 image_phys_base; /* boot/entry.asm */

void percpu_init(struct percpu *p, u32 index, u32 apic_id)
{
	p->self = p;
	p->index = index;
	p->apic_id = apic_id;
	gdt_init(p);
}

/* CPUID leaves 0x80000002 to 4 hold the brand string, often with leading blanks. */
static void read_model(char *model)
{
	char text[49] = "unknown";
	const char *start = text;

	if (cpuid(0x80000000, 0).eax >= 0x80000004) {
		for (u32 i = 0; i < 3; i++) {
			struct cpuid r = cpuid(0x80000002 + i, 0);

			memcpy(text + 16 * i, &r, 16);
		}
		text[48] = 0;
	}
	while (*start == ' ')
		start++;
	memcpy(model, start, strlen(start) + 1);
}

void percpu_load(struct percpu *p)
{
	u64 cr4 = read_cr4();

	gdt_load(p);
	trap_load();
	write_cr0((read_cr0() | CR0_WP | CR0_NE) & ~(CR0_AM | CR0_EM | CR0_TS));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	if (cpuid(1, 0).edx & BIT(7))
		cr4 |= CR4_MCE;
	/* kvm0 maps no user page; these make sure that it stays so. */
	if (cpuid(0, 0).eax >= 7) {
		u32 features = cpuid(7, 0).ebx;

		if (features & BIT(7))
			cr4 |= CR4_SMEP;
		if (features & BIT(20))
			cr4 |= CR4_SMAP;
	}
	write_cr4(cr4);
	read_model(p->model);
}

static bool in_stack(u64 top, u64 va, u64 size)
{
	return top && va >= top - STACK_SIZE && va < top && size <= top - va;
}

bool percpu_on_stack(const struct percpu *p, u64 va, u64 size)
{
	bool found = in_stack(p->stack_top, va, size);

	for (u32 i = 0; i < ARRAY_SIZE(p->ist_top); i++)
		found |= in_stack(p->ist_top[i], va, size);
	return found;
}

bool percpu_in_guard(const struct percpu *p, u64 va)
{
	/* Below each stack lies as much address space that is never mapped. */
	return percpu_on_stack(p, va + STACK_SIZE, 1);
}

void cpu_kick(struct percpu *target)
{
	__atomic_store_n(&target->kick, 1, __ATOMIC_RELEASE);
	/* One that is under way does for both: the target sees kick, set before this
	 * exchange, after its own in nmi_receive(). */
	if (__atomic_exchange_n(&target->kick_nmi, 1, __ATOMIC_SEQ_CST))
		return;
	if (apic_send_nmi(target->apic_id))
		__atomic_store_n(&target->kick_nmi, 0, __ATOMIC_RELEASE);
}

void cpu_want(struct percpu *p, u32 what)
{
	__atomic_fetch_or(&p->wanted, what, __ATOMIC_SEQ_CST);
	if (p == this_cpu())
		__atomic_store_n(&p->kick, 1, __ATOMIC_RELEASE);
	else
		cpu_kick(p);
}
