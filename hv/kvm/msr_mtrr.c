/* SPDX-License-Identifier: MIT */
/* The memory-type range registers of a guest (SDM vol. 3, Memory Type Range Registers). */
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "kvm/msr.h"

/* The place of an MTRR in @m, or NULL. */
static u64 *place(struct msr_values *m, u32 index)
{
	if (index >= MSR_MTRR_PHYSBASE0 && index < MSR_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE)
		return &m->mtrr_variable[index - MSR_MTRR_PHYSBASE0];
	if (index >= MSR_MTRR_FIX4K_C0000 && index <= MSR_MTRR_FIX4K_F8000)
		return &m->mtrr_fixed[3 + index - MSR_MTRR_FIX4K_C0000];
	switch (index) {
	case MSR_MTRR_FIX64K_00000:
		return &m->mtrr_fixed[0];
	case MSR_MTRR_FIX16K_80000:
	case MSR_MTRR_FIX16K_A0000:
		return &m->mtrr_fixed[1 + index - MSR_MTRR_FIX16K_80000];
	case MSR_MTRR_DEF_TYPE:
		return &m->mtrr_def_type;
	default:
		return NULL;
	}
}

static bool is_memory_type(u64 t)
{
	return t == 0 || t == 1 || (t >= 4 && t <= 6);
}

static bool is_valid(const struct vcpu *c, u32 index, u64 v)
{
	u64 address = (BIT(c->maxphyaddr) - 1) & PAGE_MASK;

	if (index == MSR_MTRR_DEF_TYPE)
		return !(v & ~0xcffull) && is_memory_type(v & 0xff);
	if (index < MSR_MTRR_FIX64K_00000) {
		if (index & 1) /* mask, with its valid bit */
			return !(v & ~(address | BIT(11)));
		return !(v & ~(address | 0xff)) && is_memory_type(v & 0xff);
	}
	for (u32 i = 0; i < 64; i += 8)
		if (!is_memory_type(v >> i & 0xff))
			return false;
	return true;
}

bool mtrr_is_msr(u32 index)
{
	struct msr_values any;

	return place(&any, index) != NULL;
}

u64 mtrr_read(const struct vcpu *c, u32 index)
{
	/* place() only finds it; nothing is written through it here. */
	return *place((struct msr_values *)(uintptr_t)&c->msr, index);
}

int mtrr_write(struct vcpu *c, u32 index, u64 value)
{
	if (!is_valid(c, index, value))
		return -EINVAL;
	*place(&c->msr, index) = value;
	return 0;
}
