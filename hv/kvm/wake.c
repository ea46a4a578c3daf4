/* SPDX-License-Identifier: MIT */
/* Wake-ups to be reported, per CPU. */
#include "kvm/wake.h"
#include <kvm0/abi.h>
#include "cpu/percpu.h"

/* Touched only by the CPU itself, inside a hypercall. */
static struct wake_list {
	u32 count;
	u32 handle[WAKE_ROOM];
} lists[MAX_CPUS];

void wake_add(u32 handle)
{
	struct wake_list *l = &lists[this_cpu()->index];

	if (!handle) /* closed: nobody can wait for it */
		return;
	if (l->count == WAKE_ROOM) {
		l->count = 1;
		l->handle[0] = KVM0_WAKE_ALL;
	} else if (l->count != 1 || l->handle[0] != KVM0_WAKE_ALL) {
		l->handle[l->count++] = handle;
	}
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
