/* SPDX-License-Identifier: MIT */
/* Wake-ups to be reported, per CPU. */
#include "kvm/wake.h"
#include <kvm0/abi.h>
#include "cpu/percpu.h"

/* Touched only by the CPU itself, inside a hypercall, or with the world parked. */
static struct wake_list {
	u32 count;
	u32 handle[WAKE_ROOM];
} lists[MAX_CPUS];

static void add(struct wake_list *l, u32 handle)
{
	if (!handle) /* closed: nobody can wait for it */
		return;
	if (l->count == WAKE_ROOM) {
		l->count = 1;
		l->handle[0] = KVM0_WAKE_ALL;
	} else if (l->count != 1 || l->handle[0] != KVM0_WAKE_ALL) {
		l->handle[l->count++] = handle;
	}
}

void wake_add(u32 handle)
{
	add(&lists[this_cpu()->index], handle);
}

void wake_pass_on(u32 cpu)
{
	struct wake_list *l = &lists[this_cpu()->index];

	for (u32 i = 0; cpu != this_cpu()->index && i < l->count; i++)
		add(&lists[cpu], l->handle[i]);
	if (cpu != this_cpu()->index)
		l->count = 0;
}

bool wake_any(void)
{
	return lists[this_cpu()->index].count != 0;
}

u32 wake_take(void)
{
	struct wake_list *l = &lists[this_cpu()->index];

	if (!l->count)
		return 0;
	l->count--;
	return l->handle[l->count] | (l->count ? KVM0_WAKE_MORE : 0);
}
