/* SPDX-License-Identifier: MIT */
/* The local APIC; see cpu/apic.h. */
#include "cpu/apic.h"
#include "cpu/layout.h"
#include "cpu/regs.h"

#define APIC_BASE_X2APIC BIT(10)
#define APIC_BASE_ADDR   0x000ffffffffff000ull

/* Offsets of the xAPIC's registers. */
#define XAPIC_ICR_LOW  0x300u
#define XAPIC_ICR_HIGH 0x310u

/* The interrupt command register: physical destination, edge. */
#define ICR_NMI     0x400u
#define ICR_INIT    0x500u
#define ICR_SIPI    0x600u
#define ICR_PENDING BIT(12)
#define ICR_ASSERT  BIT(14)

#define DELIVERY_READS 1000000u /* of an uncached register: well over a millisecond */

static volatile u8 *xapic; /* NULL until apic_init() */

void apic_init(hpa_t base)
{
	xapic = phys_to_virt(base);
}

hpa_t apic_base(void)
{
	return hpa(rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDR);
}

u32 apic_id(void)
{
	if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
		return (u32)rdmsr(MSR_X2APIC_ID);
	return cpuid(1, 0).ebx >> 24;
}

static u32 xapic_read(u32 offset)
{
	return *(volatile u32 *)(xapic + offset);
}

static void xapic_write(u32 offset, u32 v)
{
	*(volatile u32 *)(xapic + offset) = v;
}

static int xapic_wait_idle(void)
{
	for (u32 reads = 0; reads < DELIVERY_READS; reads++) {
		if (!(xapic_read(XAPIC_ICR_LOW) & ICR_PENDING))
			return 0;
		__builtin_ia32_pause();
	}
	return -ETIMEDOUT;
}

static int xapic_send(u32 id, u32 command)
{
	u32 high = xapic_read(XAPIC_ICR_HIGH);
	int err = xapic_wait_idle();

	if (err)
		return err;
	xapic_write(XAPIC_ICR_HIGH, id << 24);
	xapic_write(XAPIC_ICR_LOW, command);
	err = xapic_wait_idle();
	/* The APIC's owner may have written this half of a command of its own. */
	xapic_write(XAPIC_ICR_HIGH, high);
	return err;
}

static int apic_send(u32 id, u32 command)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (!(base & APIC_BASE_ENABLE))
		return -ENXIO;
	if (base & APIC_BASE_X2APIC) {
		/* This write does not wait for earlier stores to be seen. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC_ICR, (u64)id << 32 | command);
		return 0;
	}
	if (!xapic || id >= 0xff)
		return -ENXIO;
	return xapic_send(id, command);
}

int apic_send_nmi(u32 id)
{
	return apic_send(id, ICR_NMI | ICR_ASSERT);
}

int apic_send_init(u32 id)
{
	return apic_send(id, ICR_INIT | ICR_ASSERT);
}

int apic_send_sipi(u32 id, u8 page)
{
	return apic_send(id, ICR_SIPI | ICR_ASSERT | page);
}
