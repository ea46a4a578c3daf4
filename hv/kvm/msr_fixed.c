/* SPDX-License-Identifier: MIT */
/*
 * MSRs that cannot change.  Kernels read some of these, and write to some, without looking whether
 * they are there; the values are KVM's.
 */
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "kvm/msr.h"

#define MTRRCAP_VALUE (BIT(10) | BIT(8) | MTRR_VARIABLE) /* WC, fixed ranges */

enum on_write { REFUSED, REFUSED_UNLESS_0, IGNORED };

static const struct {
	u32 index;
	enum on_write on_write;
	u64 value;
} fixed[] = {
	{0, REFUSED, 0}, /* P5_MC_ADDR, P5_MC_TYPE */
	{1, REFUSED, 0},
	{MSR_PLATFORM_ID, REFUSED, 0},
	{MSR_EBL_CR_POWERON, REFUSED, 0},
	{0x2c, REFUSED, 1ull << 24},   /* EBC_FREQUENCY_ID of a Pentium 4 */
	{MSR_P6_COUNTER0, IGNORED, 0}, /* no performance monitoring */
	{MSR_P6_COUNTER0 + 1, IGNORED, 0},
	{0xcd, REFUSED, 3}, /* FSB_FREQ of a Core 2: 100 MHz */
	{MSR_MTRRCAP, REFUSED, MTRRCAP_VALUE},
	{0x11e, IGNORED, 0xbe702111}, /* BBL_CR_CTL3: the L2 cache is on */
	{MSR_P6_EVENT0, IGNORED, 0},
	{MSR_P6_EVENT0 + 1, IGNORED, 0},
	{MSR_PERF_STATUS, REFUSED, 1000 | 4ull << 40}, /* the multiplier */
	{MSR_PERF_CTL, REFUSED, 0},
	{0x1db, REFUSED, 0}, /* LASTBRANCHFROMIP to LASTINTTOIP: no branch records */
	{0x1dc, REFUSED, 0},
	{0x1dd, REFUSED, 0},
	{0x1de, REFUSED, 0},
	{0x606, REFUSED, 0}, /* RAPL_POWER_UNIT and the energy counters */
	{0x611, REFUSED, 0},
	{0x619, REFUSED, 0},
	{0x639, REFUSED, 0},
	{0x641, REFUSED, 0},
	/* AMD's, for guests that are told such a CPU. */
	{0xc0010010, REFUSED, 0},          /* SYSCFG */
	{0xc001001f, IGNORED, 0},          /* NB_CFG */
	{0xc0010055, REFUSED, 0},          /* INT_PENDING_MSG */
	{0xc0010058, REFUSED_UNLESS_0, 0}, /* MMIO_CONF_BASE */
	{0xc0010112, REFUSED, 0},          /* TSEG_ADDR, TSEG_MASK */
	{0xc0010113, REFUSED, 0},
	{MSR_VM_HSAVE_PA, IGNORED, 0},
	{0xc0011022, IGNORED, 0}, /* DC_CFG, TW_CFG, BU_CFG2, EX_CFG */
	{0xc0011023, IGNORED, 0},
	{0xc001102a, IGNORED, 0},
	{0xc001102c, IGNORED, 0},
};

int msr_read_fixed(u32 index, u64 *value)
{
	for (u32 i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (fixed[i].index == index) {
			*value = fixed[i].value;
			return 0;
		}
	}
	return -ENOENT;
}

int msr_write_fixed(u32 index, u64 value)
{
	/* Two that cannot be read: microcode is not loaded, Intel's or AMD's. */
	if (index == MSR_BIOS_UPDT_TRIG || index == 0xc0010020)
		return 0;
	for (u32 i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i].index == index)
			return fixed[i].on_write == IGNORED ||
					       (fixed[i].on_write == REFUSED_UNLESS_0 && !value)
				       ? 0
				       : -EINVAL;
	return -ENOENT;
}
